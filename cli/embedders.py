"""``catalens compare-embedders``."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from cli import console
from cli.options import Json
from core.services import models
from core.services.context import Context, open_context
from core.services.retrievals import EmbedderStanding, measure_embedder


def compare_embedders_command(
    *,
    data: Annotated[str, typer.Option(help="Labelled data with a train and a test split.")],
    model: Annotated[
        list[int] | None,
        typer.Option(help="Id of a version, as often as needed; the active ones without it."),
    ] = None,
    json_output: Json = False,
) -> None:
    """Compare networks by how well their features find photos of the same product.

    The packaged network that compares photos here is always among them.
    """
    context = open_context()
    versions = models.list_versions(context.engine, actor=context.actor)
    active = [each.id for each in versions if each.state == "active" and each.problem is None]
    found = [_measure(context, id_, data) for id_ in (None, *(model or active))]
    found.sort(key=lambda each: -each.mean_precision)
    if json_output:
        console.print_json({"embedders": [asdict(each) for each in found]})
    else:
        _print(found)


def _measure(context: Context, version_id: int | None, data: str) -> EmbedderStanding:
    with console.progress_bar() as bar:
        task = bar.add_task("looking at photos", total=None)
        return measure_embedder(
            context.engine,
            context.settings,
            actor=context.actor,
            version_id=version_id,
            data=data,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _print(found: Sequence[EmbedderStanding]) -> None:
    table = Table("network", "version", "recall@1", "mAP", "dimensions", "sought", "among")
    for each in found:
        table.add_row(
            each.name,
            "" if each.version_id is None else str(each.version_id),
            f"{each.recall_at_1:.1%}",
            f"{each.mean_precision:.1%}",
            f"{each.dimensions:,}",
            f"{each.queries:,}",
            f"{each.pictures:,}",
        )
    console.stdout.print(table)
