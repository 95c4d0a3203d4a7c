"""``catalens users``: who may sign in to the web app, as what, and where they are."""

from typing import Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from cli import console
from cli.options import Json
from core.services import database, sessions, users
from core.services.context import Context
from core.settings import get_settings

app = typer.Typer(name="users", help="Let people in, and out.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The person's name.")]
Role = Literal["staff", "reviewer", "manager", "admin"]


@app.command("add")
def add_command(
    name: Name,
    role: Annotated[Role, typer.Option(help="What the person may do.")] = "staff",
) -> None:
    """Add a person and print the password for their first time."""
    context = _context()
    _print_password(
        name, users.create_user(context.engine, actor=context.actor, name=name, role=role)
    )


@app.command("list")
def list_command(
    as_json: Json = False,
) -> None:
    """List everybody with role, way of signing in, and open sessions."""
    context = _context()
    found = users.list_users(context.engine, context.settings, actor=context.actor)
    if as_json:
        console.print_json([_record(each) for each in found])
        return
    table = Table("Name", "Role", "Signs in by", "State", "Signed in")
    for each in found:
        state = "disabled" if each.is_disabled else ""
        table.add_row(escape(each.name), each.role, each.signs_in, state, str(each.sessions))
    console.stdout.print(table)


@app.command("role")
def role_command(name: Name, role: Annotated[Role, typer.Argument(help="The new role.")]) -> None:
    """Give a person another role; it acts at their next request."""
    context = _context()
    users.set_role(context.engine, actor=context.actor, user_id=_id(context, name), role=role)
    _say(f"{name} is {role} now.")


@app.command("disable")
def disable_command(
    name: Name,
    undo: Annotated[bool, typer.Option("--undo", help="Let the person in again.")] = False,
) -> None:
    """Let a person in no more, and end their sessions."""
    context = _context()
    users.set_disabled(
        context.engine, actor=context.actor, user_id=_id(context, name), is_disabled=not undo
    )
    _say(f"{name} may sign in again." if undo else f"{name} is disabled and signed out.")


@app.command("reset-password")
def reset_password_command(name: Name) -> None:
    """Print a new one-time password for a person, and end their sessions."""
    context = _context()
    _print_password(
        name,
        users.reset_password(context.engine, actor=context.actor, user_id=_id(context, name)),
    )


@app.command("sessions")
def sessions_command(
    name: Annotated[str | None, typer.Argument(help="Of this person only.")] = None,
) -> None:
    """List where people are signed in."""
    context = _context()
    found = sessions.list_sessions(
        context.engine,
        context.settings,
        actor=context.actor,
        user_id=None if name is None else _id(context, name),
    )
    table = Table("Session", "Name", "Since (UTC)", "Last seen (UTC)", "From", "Browser")
    for each in found:
        since, seen = f"{each.started_at:%Y-%m-%d %H:%M}", f"{each.seen_at:%Y-%m-%d %H:%M}"
        row = (str(each.id), escape(each.user_name), since, seen)
        table.add_row(*row, escape(each.address), escape(each.user_agent))
    console.stdout.print(table)


@app.command("end-session")
def end_session_command(
    session_id: Annotated[int, typer.Argument(help="Number of the session.")],
) -> None:
    """End a session."""
    context = _context()
    sessions.end(context.engine, actor=context.actor, session_id=session_id)
    _say(f"Session {session_id} has ended.")


def _context() -> Context:
    """The installation and its local user, whom commands on this machine act as."""
    engine = database.get_ready_engine()
    return Context(get_settings(), engine, database.local_actor(engine))


def _id(context: Context, name: str) -> int:
    return users.find_user_id(context.engine, actor=context.actor, name=name)


def _record(user: users.User) -> dict[str, object]:
    return {
        "name": user.name,
        "role": user.role,
        "signs_in": user.signs_in,
        "is_disabled": user.is_disabled,
        "sessions": user.sessions,
    }


def _print_password(name: str, password: str) -> None:
    """Print a password alone on standard output, so that a script can pass it on."""
    console.stderr.print(
        f"The one-time password of {name}, shown once and kept nowhere:",
        highlight=False,
        markup=False,
    )
    console.stdout.print(password, highlight=False, markup=False)


def _say(words: str) -> None:
    console.stderr.print(words, highlight=False, markup=False)
