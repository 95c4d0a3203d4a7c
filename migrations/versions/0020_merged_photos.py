"""photos that a listing took over from its duplicates

Revision: 0020, after 0019
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | Sequence[str] | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REFERENCES = (
    ("listing_image_id", "listing_images"),
    ("source_id", "listing_images"),
    ("decision_id", "decisions"),
)


def upgrade() -> None:
    op.create_table(
        "merged_photos",
        *(sa.Column(name, BIG_ID, nullable=False) for name, _ in REFERENCES),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_merged_photos_{name}"))
            for name, table in REFERENCES
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merged_photos")),
        sa.UniqueConstraint("listing_image_id", name=op.f("uq_merged_photos_listing_image_id")),
    )
    op.create_index("ix_merged_photos_source_id", "merged_photos", ["source_id"])
    op.create_index("ix_merged_photos_decision_id", "merged_photos", ["decision_id"])


def downgrade() -> None:
    op.drop_table("merged_photos")
