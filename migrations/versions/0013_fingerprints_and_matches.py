"""fingerprints of images, which of them show the same, and photos to search by

Revision: 0013, after 0011
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0013"
down_revision: str | Sequence[str] | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "fingerprints",
        sa.Column("image_id", BIG_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("pixels_sha256", sa.String(64), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("compared_at", UTC, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint(
            "length(pixels_sha256) = 64", name=op.f("ck_fingerprints_pixels_sha256")
        ),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_fingerprints_tries")),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_fingerprints_image_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fingerprints")),
        sa.UniqueConstraint("image_id", name=op.f("uq_fingerprints_image_id")),
    )
    op.create_index("ix_fingerprints_compared_at_id", "fingerprints", ["compared_at", "id"])
    _create_matches()
    _create_lookups()


def downgrade() -> None:
    op.drop_table("lookups")
    op.drop_table("matches")
    op.drop_table("fingerprints")


def _create_matches() -> None:
    op.create_table(
        "matches",
        sa.Column("first_image_id", BIG_ID, nullable=False),
        sa.Column("second_image_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("settled_by", BIG_ID, nullable=True),
        sa.Column("settled_at", UTC, nullable=True),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint("state IN ('open', 'not_duplicate')", name=op.f("ck_matches_state")),
        sa.CheckConstraint("score >= 0 AND score <= 1", name=op.f("ck_matches_score")),
        sa.CheckConstraint("first_image_id <= second_image_id", name=op.f("ck_matches_order")),
        sa.CheckConstraint(
            "(kind = 'same_bytes') = (first_image_id = second_image_id)",
            name=op.f("ck_matches_kind"),
        ),
        sa.CheckConstraint(
            "(state = 'open') = (settled_by IS NULL)", name=op.f("ck_matches_settled")
        ),
        sa.ForeignKeyConstraint(
            ["first_image_id"], ["images.id"], name=op.f("fk_matches_first_image_id")
        ),
        sa.ForeignKeyConstraint(
            ["second_image_id"], ["images.id"], name=op.f("fk_matches_second_image_id")
        ),
        sa.ForeignKeyConstraint(["settled_by"], ["users.id"], name=op.f("fk_matches_settled_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matches")),
        sa.UniqueConstraint(
            "first_image_id",
            "second_image_id",
            name=op.f("uq_matches_first_image_id_second_image_id"),
        ),
    )
    op.create_index("ix_matches_state_id", "matches", ["state", "id"])
    op.create_index("ix_matches_second_image_id", "matches", ["second_image_id"])


def _create_lookups() -> None:
    op.create_table(
        "lookups",
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("error", sa.String(1000), nullable=True),
        sa.Column("space", sa.String(100), nullable=True),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint("state IN ('pending', 'done', 'failed')", name=op.f("ck_lookups_state")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_lookups_sha256")),
        sa.CheckConstraint(
            "(state = 'done') = (vector IS NOT NULL)", name=op.f("ck_lookups_vector")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_lookups_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lookups")),
        sa.UniqueConstraint("user_id", "sha256", name=op.f("uq_lookups_user_id_sha256")),
    )
    op.create_index("ix_lookups_state_id", "lookups", ["state", "id"])
