"""the moves of a listing, and triggers that guard them and the decisions

Revision: 0002, after 0001
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations import guards
from migrations.guards import Guard, append_only

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

GUARDS = (
    Guard(
        "listings_move",
        "listings",
        "UPDATE OF state",
        (
            "NEW.state <> OLD.state AND NOT EXISTS (SELECT 1 FROM listing_transitions"
            " WHERE from_state = OLD.state AND to_state = NEW.state)"
        ),
        "a listing cannot make this move; see listing_transitions",
    ),
    *append_only("decisions", "decisions"),
)


def upgrade() -> None:
    transitions = sa.table("listing_transitions", sa.column("from_state"), sa.column("to_state"))
    op.bulk_insert(transitions, [{"from_state": a, "to_state": b} for a, b in TRANSITIONS])
    guards.create(GUARDS)


def downgrade() -> None:
    guards.drop(GUARDS)
    op.execute("DELETE FROM listing_transitions")
