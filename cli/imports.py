"""``catalens import``: photos in, as one batch."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from cli import console
from cli.options import Json
from core.ingest import REASONS, Refusal
from core.services import database, imports
from core.services.photo_intake import Duplicates, OnProgress
from core.settings import get_settings

EXAMPLES_SHOWN = 3


def import_command(
    path: Annotated[
        Path, typer.Argument(help="A folder, a zip, a CSV or Parquet manifest, or a photo.")
    ],
    batch: Annotated[str, typer.Option("--batch", help="Name of the new batch.")],
    claim: Annotated[
        Literal["none", "folder"],
        typer.Option(help="'folder' takes a file's folders as its claimed category."),
    ] = "none",
    duplicates: Annotated[
        Duplicates,
        typer.Option(
            help="Photos that the catalogue has already: 'keep' brings them in, 'skip_same_bytes' "
            "leaves out the same files, 'skip' also the same pictures (which takes longer)."
        ),
    ] = "keep",
    as_json: Json = False,
) -> None:
    """Import photos as one batch: all that are good, or nothing.

    Importing the same photos again adds nothing. Every file that is refused is named with
    its reason.
    """
    engine = database.get_ready_engine()
    actor = database.local_actor(engine)
    with _progress() as on_progress:
        report = imports.import_path(
            engine,
            get_settings(),
            actor=actor,
            path=path,
            batch_name=batch,
            claim=claim,
            duplicates=duplicates,
            on_progress=on_progress,
        )
    if report.refused:
        console.stderr.print(_refusal_table(report.refused))
    if as_json:
        console.print_json(asdict(report))
    else:
        console.stdout.print(_sentence(report), highlight=False, markup=False)


@contextmanager
def _progress() -> Iterator[OnProgress]:
    with console.progress_bar() as progress:
        task = progress.add_task("Reading photos", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _refusal_table(refused: Iterable[Refusal]) -> Table:
    """Refusals by reason, with how many and a few of them."""
    groups: defaultdict[str, list[Refusal]] = defaultdict(list)
    for refusal in refused:
        groups[refusal.reason].append(refusal)
    table = Table("Refused", "Files", "For example")
    for reason, group in sorted(groups.items(), key=lambda item: -len(item[1])):
        examples = "\n".join(f"{each.name}: {each.message}" for each in group[:EXAMPLES_SHOWN])
        table.add_row(REASONS[reason].label, str(len(group)), escape(examples))
    return table


def _sentence(report: imports.ImportReport) -> str:
    what = f"{report.accepted} photos, {len(report.refused)} files refused"
    if report.known:
        what += f"; {report.known} of the photos were in the catalogue already (--duplicates)"
    if report.already_imported:
        return f"Nothing added: batch {report.batch_id} ({report.batch_name}) has the same content."
    return f"Batch {report.batch_id} ({report.batch_name}): {what}."
