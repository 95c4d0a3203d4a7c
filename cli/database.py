"""``catalens db``: migrate and check the database."""

from typing import Annotated

import typer

from cli import console
from core.services import database

app = typer.Typer(name="db", help="Migrate and check the database.", no_args_is_help=True)


@app.command("upgrade")
def upgrade_command(
    revision: Annotated[str, typer.Argument(help="Revision to go up to.")] = "head",
) -> None:
    """Bring the schema up to date; makes the data directory and the database if need be."""
    engine = database.get_engine()
    database.upgrade(engine, revision)
    console.stderr.print(f"Database at {database.describe(engine)} is up to date.")


@app.command("downgrade")
def downgrade_command(
    revision: Annotated[str, typer.Argument(help="Revision to go down to, or 'base'.")],
) -> None:
    """Take the schema back to an older revision."""
    engine = database.get_engine()
    database.downgrade(engine, revision)
    console.stderr.print(f"Database at {database.describe(engine)} is at {revision}.")
