"""Triggers that refuse a change, on either database. Past migrations call this: keep its effect."""

from collections.abc import Iterable
from typing import NamedTuple

from alembic import op


class Guard(NamedTuple):
    """A trigger that refuses with the message where the SQL condition holds.

    Attributes:
        timing: ``UPDATE``, ``UPDATE OF column`` or ``DELETE``.
    """

    name: str
    table: str
    timing: str
    condition: str
    message: str


def append_only(table: str, what: str) -> tuple[Guard, Guard]:
    """Return the guards of a table whose rows are never changed and never deleted."""
    message = f"{what} are append-only"
    return (
        Guard(f"{table}_no_update", table, "UPDATE", "1 = 1", message),
        Guard(f"{table}_no_delete", table, "DELETE", "1 = 1", message),
    )


def create(guards: Iterable[Guard]) -> None:
    """Put the guards up."""
    for guard in guards:
        for statement in _postgres(guard) if _on_postgres() else _sqlite(guard):
            op.execute(statement)


def drop(guards: Iterable[Guard]) -> None:
    """Take the guards down."""
    for guard in guards:
        if _on_postgres():
            op.execute(f"DROP TRIGGER {guard.name} ON {guard.table}")
            op.execute(f"DROP FUNCTION {guard.name}()")
        else:
            op.execute(f"DROP TRIGGER {guard.name}")


def _on_postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _sqlite(guard: Guard) -> tuple[str, ...]:
    return (
        (
            f"CREATE TRIGGER {guard.name} BEFORE {guard.timing} ON {guard.table} "
            f"WHEN {guard.condition} BEGIN SELECT RAISE(ABORT, '{guard.message}'); END"
        ),
    )


def _postgres(guard: Guard) -> tuple[str, ...]:
    return (
        (
            f"CREATE FUNCTION {guard.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {guard.condition} THEN RAISE EXCEPTION '{guard.message}' "
            "USING ERRCODE = 'check_violation'; "
            "END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
        ),
        (
            f"CREATE TRIGGER {guard.name} BEFORE {guard.timing} ON {guard.table} "
            f"FOR EACH ROW EXECUTE FUNCTION {guard.name}()"
        ),
    )
