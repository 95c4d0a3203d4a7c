"""``catalens sample``: draw the sample catalog into a folder."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.options import Json
from core.sample import SampleCatalog, render_catalog


def sample_command(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")] = Path("sample"),
    seed: Annotated[int, typer.Option(help="Another seed draws other products.")] = 2026,
    per_category: Annotated[int, typer.Option(min=4, help="Photos in each category.")] = 60,
    as_json: Json = False,
) -> None:
    """Draw a small catalog of product photos, some with faults planted in them.

    train/ is for training; incoming/ holds listings that no model has seen, to be imported
    through its manifest.csv; ground_truth.csv says what is wrong with which photo.
    """
    with console.progress_bar() as progress:
        task = progress.add_task("Drawing photos", total=None)
        catalog = render_catalog(
            folder,
            seed=seed,
            per_category=per_category,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    if as_json:
        console.print_json(asdict(catalog))
    else:
        console.stdout.print(_describe(catalog), highlight=False, markup=False)


def _describe(catalog: SampleCatalog) -> str:
    planted = ", ".join(f"{count} {fault}" for fault, count in catalog.planted.items())
    return "\n".join(
        (
            f"{catalog.train_photos} photos to train on: {catalog.train_dir}",
            f"{catalog.incoming_photos} photos of new listings: {catalog.manifest}",
            f"Planted faults ({planted}): {catalog.ground_truth}",
        )
    )
