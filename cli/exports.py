"""``catalens export``: a batch out, with what was decided."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli import console
from core.errors import NotFoundError
from core.services import database, exports


def export_command(
    batch: Annotated[str, typer.Option("--batch", help="Name or id of the batch.")],
    format: Annotated[  # noqa: A002 -- it is the option's name
        Literal["csv", "json", "parquet"], typer.Option("--format", help="Written as.")
    ] = "csv",
    output: Annotated[
        Path | None, typer.Option("--output", help="File to write; standard output without it.")
    ] = None,
) -> None:
    """Write one row a listing: category, who decided, when, flags, photos.

    In CSV a text that a spreadsheet would run as a formula starts with an apostrophe.
    """
    engine = database.get_ready_engine()
    actor = database.local_actor(engine)
    batch_id = exports.find_batch_id(engine, actor=actor, batch=batch)
    if output is None:
        stream = sys.stdout.buffer
        exports.write_export(engine, actor=actor, batch_id=batch_id, format=format, stream=stream)
        stream.flush()
        return
    if not output.parent.is_dir():
        raise NotFoundError(f"there is no folder {output.parent}; make it first")
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".catalens-") as folder:
        partial = Path(folder, output.name)  # what stands under the name is always whole
        with partial.open("wb") as file:
            exports.write_export(engine, actor=actor, batch_id=batch_id, format=format, stream=file)
        partial.replace(output)
    console.stderr.print(f"Wrote {output}.", highlight=False, markup=False)
