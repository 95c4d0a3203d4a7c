"""the moves of a listing, and triggers that guard them and the decisions

Revision: 0002, after 0001
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | Sequence[str] | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# A copy of db.states.LISTING_TRANSITIONS as of this revision.
TRANSITIONS = (
    ("received", "processing"),
    ("processing", "received"),
    ("processing", "needs_review"),
    ("processing", "auto_accepted"),
    ("needs_review", "accepted"),
    ("needs_review", "corrected"),
    ("needs_review", "rejected"),
    ("auto_accepted", "accepted"),
    ("auto_accepted", "corrected"),
    ("auto_accepted", "rejected"),
    ("accepted", "needs_review"),
    ("corrected", "needs_review"),
    ("rejected", "needs_review"),
    ("accepted", "published"),
    ("corrected", "published"),
)

# Each is trigger, table, timing, condition and message.
GUARDS = (
    (
        "listings_move",
        "listings",
        "UPDATE OF state",
        (
            "NEW.state <> OLD.state AND NOT EXISTS (SELECT 1 FROM listing_transitions"
            " WHERE from_state = OLD.state AND to_state = NEW.state)"
        ),
        "a listing cannot make this move; see listing_transitions",
    ),
    ("decisions_no_update", "decisions", "UPDATE", "1 = 1", "decisions are append-only"),
    ("decisions_no_delete", "decisions", "DELETE", "1 = 1", "decisions are append-only"),
)


def upgrade() -> None:
    transitions = sa.table("listing_transitions", sa.column("from_state"), sa.column("to_state"))
    op.bulk_insert(transitions, [{"from_state": a, "to_state": b} for a, b in TRANSITIONS])
    create = _create_postgres if _on_postgres() else _create_sqlite
    for guard in GUARDS:
        create(*guard)


def downgrade() -> None:
    for name, table, *_ in GUARDS:
        if _on_postgres():
            op.execute(f"DROP TRIGGER {name} ON {table}")
            op.execute(f"DROP FUNCTION {name}()")
        else:
            op.execute(f"DROP TRIGGER {name}")
    op.execute("DELETE FROM listing_transitions")


def _on_postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _create_sqlite(name: str, table: str, timing: str, condition: str, message: str) -> None:
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {timing} ON {table} WHEN {condition} "
        f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def _create_postgres(name: str, table: str, timing: str, condition: str, message: str) -> None:
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {condition} THEN RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation'; "
        "END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {timing} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    )
