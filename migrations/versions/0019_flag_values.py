"""what flags compare with their limits, where only judging a photo anew would tell

Revision: 0019, after 0018
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | Sequence[str] | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "flag_values",
        sa.Column("listing_image_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["listing_image_id"],
            ["listing_images.id"],
            name=op.f("fk_flag_values_listing_image_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag_values")),
        sa.UniqueConstraint(
            "listing_image_id", "kind", name=op.f("uq_flag_values_listing_image_id_kind")
        ),
    )


def downgrade() -> None:
    op.drop_table("flag_values")
