"""brands, what their goods look like, and what speaks for listings being copies of them

Revision: 0017, after 0016
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import guards

revision: str = "0017"
down_revision: str | Sequence[str] | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
UTC = sa.DateTime(timezone=True)

GUARDS = guards.append_only("brand_outcomes", "outcomes of evidence")


def upgrade() -> None:
    _create_register()
    _create_evidence()
    guards.create(GUARDS)


def downgrade() -> None:
    guards.drop(GUARDS)
    for table in ("brand_outcomes", "brand_evidence", "brand_references", "brands"):
        op.drop_table(table)


def _create_register() -> None:
    op.create_table(
        "brands",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("sellers", JSON, nullable=False),
        sa.Column("lowest", sa.Numeric(12, 2), nullable=True),
        sa.Column("highest", sa.Numeric(12, 2), nullable=True),
        sa.Column("is_watched", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("created_by", BIG_ID, nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint(
            "lowest >= 0 AND highest >= 0 AND lowest <= highest", name=op.f("ck_brands_price_range")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_brands_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brands")),
        sa.UniqueConstraint("name", name=op.f("uq_brands_name")),
    )
    op.create_table(
        "brand_references",
        sa.Column("brand_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("file_name", sa.String(1000), nullable=False),
        sa.Column("removed_at", UTC, nullable=True),
        sa.Column("created_by", BIG_ID, nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint("kind IN ('photo', 'logo')", name=op.f("ck_brand_references_kind")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_brand_references_sha256")),
        sa.ForeignKeyConstraint(
            ["brand_id"], ["brands.id"], name=op.f("fk_brand_references_brand_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_brand_references_created_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brand_references")),
        sa.UniqueConstraint(
            "brand_id", "kind", "sha256", name=op.f("uq_brand_references_brand_id_kind_sha256")
        ),
    )


def _create_evidence() -> None:
    op.create_table(
        "brand_evidence",
        sa.Column("listing_id", BIG_ID, nullable=False),
        sa.Column("brand_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("reference_id", BIG_ID, nullable=True),
        sa.Column("image_id", BIG_ID, nullable=True),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("judged_at", UTC, nullable=False),
        sa.Column("withdrawn_at", UTC, nullable=True),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint("score >= 0 AND score <= 1", name=op.f("ck_brand_evidence_score")),
        sa.CheckConstraint(
            "(reference_id IS NULL) = (image_id IS NULL)",
            name=op.f("ck_brand_evidence_reference"),
        ),
        *(
            sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_brand_evidence_{column}"))
            for column, target in (
                ("listing_id", "listings.id"),
                ("brand_id", "brands.id"),
                ("reference_id", "brand_references.id"),
                ("image_id", "images.id"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brand_evidence")),
        sa.UniqueConstraint(
            "listing_id",
            "brand_id",
            "kind",
            name=op.f("uq_brand_evidence_listing_id_brand_id_kind"),
        ),
    )
    op.create_index("ix_brand_evidence_withdrawn_at_id", "brand_evidence", ["withdrawn_at", "id"])
    op.create_index("ix_brand_evidence_brand_id", "brand_evidence", ["brand_id"])
    op.create_table(
        "brand_outcomes",
        sa.Column("evidence_id", BIG_ID, nullable=False),
        sa.Column("outcome", sa.String(20), nullable=True),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint(
            "outcome IN ('confirmed', 'unfounded')", name=op.f("ck_brand_outcomes_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["brand_evidence.id"], name=op.f("fk_brand_outcomes_evidence_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_brand_outcomes_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brand_outcomes")),
    )
    op.create_index("ix_brand_outcomes_evidence_id_id", "brand_outcomes", ["evidence_id", "id"])
