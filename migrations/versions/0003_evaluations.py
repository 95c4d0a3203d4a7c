"""evaluations, and each reading of a test split

Revision: 0003, after 0002
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | Sequence[str] | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "evaluations",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("model_version_id", BIG_ID, nullable=True),
        sa.Column("members", JSON, nullable=False),
        sa.Column("data_name", sa.String(length=200), nullable=False),
        sa.Column("data_digest", sa.String(length=64), nullable=False),
        sa.Column("split", sa.String(length=20), nullable=False),
        sa.Column("pictures", sa.Integer(), nullable=False),
        sa.Column("metrics", JSON, nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint(
            "split IN ('train', 'validation', 'test', 'all')", name=op.f("ck_evaluations_split")
        ),
        sa.CheckConstraint("pictures > 0", name=op.f("ck_evaluations_pictures")),
        sa.CheckConstraint("length(subject) = 64", name=op.f("ck_evaluations_subject")),
        sa.CheckConstraint("length(data_digest) = 64", name=op.f("ck_evaluations_data_digest")),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["model_versions.id"],
            name=op.f("fk_evaluations_model_version_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
        sa.UniqueConstraint(
            "subject", "data_digest", "split", name=op.f("uq_evaluations_subject_data_digest_split")
        ),
    )
    op.create_index(
        op.f("ix_evaluations_model_version_id"), "evaluations", ["model_version_id"], unique=False
    )
    op.create_index(
        "ix_evaluations_data_digest_split", "evaluations", ["data_digest", "split"], unique=False
    )
    op.create_table(
        "test_reads",
        sa.Column("model_version_id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("data_name", sa.String(length=200), nullable=False),
        sa.Column("data_digest", sa.String(length=64), nullable=False),
        sa.Column("pictures", sa.Integer(), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(
            ["model_version_id"], ["model_versions.id"], name=op.f("fk_test_reads_model_version_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_test_reads_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_test_reads")),
    )
    op.create_index(
        op.f("ix_test_reads_model_version_id"), "test_reads", ["model_version_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("test_reads")
    op.drop_table("evaluations")
