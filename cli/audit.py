"""``catalens audit``: whether the decisions are still what was decided."""

from dataclasses import asdict
from typing import Annotated

import typer

from cli import console
from cli.options import Json
from core.services import database, ledger
from core.services.ledger import Verification

app = typer.Typer(name="audit", help="Check what was kept of decisions.", no_args_is_help=True)


@app.command("verify")
def verify_command(
    heads: Annotated[
        list[str] | None,
        typer.Option("--head", help="A head that an earlier check printed; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Follow the chain of decisions; name the first that was changed, taken out or put in.

    Write the head down somewhere else: given later with --head, it shows that everything up to
    it is still the same, even to somebody who does not trust the database. Exit status 1 where
    something is wrong.
    """
    engine = database.get_ready_engine()
    actor = database.local_actor(engine)
    with console.progress_bar() as bar:
        task = bar.add_task("Decisions", total=None)
        found = ledger.verify(
            engine,
            actor=actor,
            heads=heads or (),
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if as_json:
        console.print_json(asdict(found) | {"is_sound": found.is_sound})
    else:
        _print(found)
    if not found.is_sound:
        raise typer.Exit(1)


def _print(found: Verification) -> None:
    words = "1 decision is" if found.sound == 1 else f"{found.sound:,} decisions are"
    console.stdout.print(f"{words} as made. Head: {found.head}", highlight=False, markup=False)
    if found.broken:
        console.fail(f"{found.broken} is not what was decided, or does not follow what was before")
    for head in found.missing:
        console.fail(
            f"no sound decision has the head {head}: decisions up to it were taken out or made anew"
        )
