"""what shoppers did with listings, and how well photos are found by each network's features

Revision: 0018, after 0017
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | Sequence[str] | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_interactions()
    _create_retrievals()


def _create_interactions() -> None:
    op.create_table(
        "interactions",
        sa.Column("shopper", sa.String(200), nullable=False),
        sa.Column("listing_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('liked', 'viewed')", name=op.f("ck_interactions_kind")),
        sa.CheckConstraint("length(shopper) > 0", name=op.f("ck_interactions_shopper")),
        sa.ForeignKeyConstraint(
            ["listing_id"], ["listings.id"], name=op.f("fk_interactions_listing_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interactions")),
        sa.UniqueConstraint(
            "shopper",
            "listing_id",
            "kind",
            "at",
            name=op.f("uq_interactions_shopper_listing_id_kind_at"),
        ),
    )
    op.create_index("ix_interactions_shopper_at", "interactions", ["shopper", "at"])
    op.create_index("ix_interactions_at", "interactions", ["at"])


def _create_retrievals() -> None:
    op.create_table(
        "retrievals",
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("model_version_id", BIG_ID, nullable=True),
        sa.Column("data_name", sa.String(200), nullable=False),
        sa.Column("data_digest", sa.String(64), nullable=False),
        sa.Column("dimensions", sa.Integer(), nullable=False),
        sa.Column("queries", sa.Integer(), nullable=False),
        sa.Column("pictures", sa.Integer(), nullable=False),
        sa.Column("recall_at_1", sa.Double(), nullable=False),
        sa.Column("mean_precision", sa.Double(), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.CheckConstraint(f"{name} >= 0 AND {name} <= 1", name=op.f(f"ck_retrievals_{name}"))
            for name in ("recall_at_1", "mean_precision")
        ),
        sa.CheckConstraint(
            "queries > 0 AND pictures > 0 AND dimensions > 0", name=op.f("ck_retrievals_counters")
        ),
        sa.CheckConstraint("length(data_digest) = 64", name=op.f("ck_retrievals_data_digest")),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["model_versions.id"],
            name=op.f("fk_retrievals_model_version_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retrievals")),
        sa.UniqueConstraint(
            "subject", "data_digest", name=op.f("uq_retrievals_subject_data_digest")
        ),
    )
    op.create_index("ix_retrievals_model_version_id", "retrievals", ["model_version_id"])


def downgrade() -> None:
    op.drop_table("retrievals")
    op.drop_table("interactions")
