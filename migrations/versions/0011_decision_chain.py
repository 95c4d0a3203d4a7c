"""decisions are chained by digests, and publishing is kept

Revision: 0011, after 0010
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC

import sqlalchemy as sa
from alembic import op

from migrations import guards
from migrations.guards import append_only

revision: str = "0011"
down_revision: str | Sequence[str] | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DECISION_GUARDS = append_only("decisions", "decisions")
GUARDS = append_only("publications", "publications")

DECISIONS = sa.table(
    "decisions",
    sa.column("id", BIG_ID),
    sa.column("key", sa.String),
    sa.column("listing_id", BIG_ID),
    sa.column("listing_version", sa.Integer),
    sa.column("user_id", BIG_ID),
    sa.column("kind", sa.String),
    sa.column("category_id", BIG_ID),
    sa.column("undoes_id", BIG_ID),
    sa.column("shown", sa.JSON),
    sa.column("active_ms", sa.Integer),
    sa.column("created_at", sa.DateTime(timezone=True)),
    sa.column("digest", sa.String),
)


def upgrade() -> None:
    guards.drop(DECISION_GUARDS)
    op.add_column(
        "decisions",
        sa.Column("digest", sa.String(length=64), nullable=False, server_default=sa.text("''")),
    )
    _chain()
    guards.create(DECISION_GUARDS)
    op.create_table(
        "publications",
        sa.Column("listing_id", BIG_ID, nullable=False),
        sa.Column("listing_version", sa.Integer(), nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listings.id"], name=op.f("fk_publications_listing_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_publications_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publications")),
        sa.UniqueConstraint("listing_id", name=op.f("uq_publications_listing_id")),
    )
    guards.create(GUARDS)


def downgrade() -> None:
    guards.drop(GUARDS)
    op.drop_table("publications")
    guards.drop(DECISION_GUARDS)
    op.drop_column("decisions", "digest")
    guards.create(DECISION_GUARDS)


def _chain() -> None:
    """Chain the decisions that are there, as ``core.ledger`` did at this revision."""
    connection = op.get_bind()
    previous, last = "0" * 64, 0
    page = sa.select(DECISIONS).order_by(DECISIONS.c.id).limit(1000)
    while rows := connection.execute(page.where(DECISIONS.c.id > last)).mappings().all():
        for row in rows:
            previous, last = _link(previous, row), row["id"]
            connection.execute(
                sa.update(DECISIONS).where(DECISIONS.c.id == last).values(digest=previous)
            )


def _link(previous: str, row: sa.RowMapping) -> str:
    at = row["created_at"]
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    entry = {name: row[name] for name in row if name not in ("id", "digest", "created_at")}
    text = json.dumps(
        entry | {"at": at.isoformat(timespec="microseconds")},
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()
