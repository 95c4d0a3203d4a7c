"""how popular listings are among shoppers

Revision: 0022, after 0021
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0022"
down_revision: str | Sequence[str] | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "popular_listings",
        sa.Column("listing_id", BIG_ID, nullable=False),
        sa.Column("worth", sa.Double(), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("worth > 0", name=op.f("ck_popular_listings_worth")),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listings.id"], name=op.f("fk_popular_listings_listing_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_popular_listings")),
        sa.UniqueConstraint("listing_id", name=op.f("uq_popular_listings_listing_id")),
    )
    op.create_index("ix_popular_listings_worth", "popular_listings", ["worth", "listing_id"])


def downgrade() -> None:
    op.drop_table("popular_listings")
