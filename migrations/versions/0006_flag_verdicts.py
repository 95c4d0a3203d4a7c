"""what reviewers say of flags, and no publishing against an open blocking flag

Revision: 0006, after 0005

On SQLite a batch migration of ``flags`` must drop ``listings_publish`` first and make it
again afterwards: its condition names that table.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations import guards
from migrations.guards import Guard, append_only

revision: str = "0006"
down_revision: str | Sequence[str] | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

GUARDS = (
    Guard(
        "listings_publish",
        "listings",
        "UPDATE OF state",
        (
            "NEW.state = 'published' AND OLD.state <> 'published' AND EXISTS (SELECT 1 FROM flags"
            " WHERE listing_id = NEW.id AND state = 'open' AND severity = 'block')"
        ),
        "a listing with an open blocking flag cannot be published",
    ),
    *append_only("flag_verdicts", "verdicts"),
)


def upgrade() -> None:
    op.create_table(
        "flag_verdicts",
        sa.Column("listing_image_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('wrong', 'taken_back')", name=op.f("ck_flag_verdicts_verdict")
        ),
        sa.ForeignKeyConstraint(
            ["listing_image_id"],
            ["listing_images.id"],
            name=op.f("fk_flag_verdicts_listing_image_id"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_flag_verdicts_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag_verdicts")),
    )
    op.create_index(
        "ix_flag_verdicts_listing_image_id_kind_id",
        "flag_verdicts",
        ["listing_image_id", "kind", "id"],
        unique=False,
    )
    guards.create(GUARDS)


def downgrade() -> None:
    """Without their verdicts nobody could say who dismissed the flags, so they are open again."""
    guards.drop(GUARDS)
    op.execute("UPDATE flags SET state = 'open' WHERE state = 'dismissed'")
    op.drop_table("flag_verdicts")
