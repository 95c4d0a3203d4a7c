"""``catalens categories``: codes and synonyms, from a spreadsheet and back."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.options import Json
from core.errors import NotFoundError
from core.services import categories, database

app = typer.Typer(
    name="categories", help="What categories are called, and their codes.", no_args_is_help=True
)


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="A CSV with the headings code,name,synonyms.")],
    as_json: Json = False,
) -> None:
    """Give categories codes and synonyms; make those that are missing.

    The name is a category's path, or its last part where only one ends so. Synonyms may fill as
    many cells as they want to the end of the row. What stands in the table takes the place of
    what was known; categories that it does not name stay as they are.
    """
    if not file.is_file():
        raise NotFoundError(f"no file {file}")
    engine = database.get_ready_engine()
    actor = database.local_actor(engine)
    report = categories.import_table(engine, actor=actor, data=file.read_bytes())
    if as_json:
        console.print_json(asdict(report))
        return
    console.stdout.print(
        f"categories: {report.categories:,}, new: {len(report.made):,}, "
        f"codes: {report.codes:,}, synonyms: {report.synonyms:,}",
        highlight=False,
    )
    for path in report.made[:10]:
        console.stdout.print(f"  new: {path}", highlight=False, markup=False)


@app.command("export")
def export_command(
    file: Annotated[Path | None, typer.Argument(help="Where to; the screen if left out.")] = None,
) -> None:
    """Write all categories as a CSV that can be changed and imported again."""
    engine = database.get_ready_engine()
    table = categories.export_table(engine, actor=database.local_actor(engine))
    if file is None:
        sys.stdout.write(table.decode())
    else:
        file.write_bytes(table)
