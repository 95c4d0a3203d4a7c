"""label audits: what was found, and what somebody said of it

Revision: 0007, after 0006
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import guards
from migrations.guards import append_only

revision: str = "0007"
down_revision: str | Sequence[str] | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
UTC = sa.DateTime(timezone=True)

GUARDS = append_only("audit_verdicts", "words on findings")


def upgrade() -> None:
    op.create_table(
        "audits",
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("data_name", sa.String(length=200), nullable=False),
        sa.Column("data", sa.String(length=4000), nullable=False),
        sa.Column("photos", sa.Integer(), nullable=False),
        sa.Column("categories", sa.Integer(), nullable=False),
        sa.Column("false_alarms", sa.Double(), nullable=False),
        sa.Column("trusted", sa.Integer(), nullable=False),
        sa.Column("skipped_photos", sa.Integer(), nullable=False),
        sa.Column("skipped", JSON, nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint(
            "false_alarms >= 0 AND false_alarms <= 1", name=op.f("ck_audits_false_alarms")
        ),
        sa.CheckConstraint("photos > 0", name=op.f("ck_audits_photos")),
        sa.CheckConstraint("trusted >= 0 AND skipped_photos >= 0", name=op.f("ck_audits_counters")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_audits_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audits")),
        sa.UniqueConstraint("file_name", name=op.f("uq_audits_file_name")),
    )
    op.create_table(
        "audit_findings",
        sa.Column("audit_id", BIG_ID, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("photo", sa.Integer(), nullable=False),
        sa.Column("claimed", sa.String(length=1000), nullable=False),
        sa.Column("suggested", sa.String(length=1000), nullable=False),
        sa.Column("wrong", sa.Double(), nullable=False),
        sa.Column("rate", sa.Double(), nullable=False),
        sa.Column("alike", JSON, nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.CheckConstraint("rank > 0 AND photo >= 0", name=op.f("ck_audit_findings_places")),
        sa.CheckConstraint("wrong >= 0 AND wrong <= 1", name=op.f("ck_audit_findings_wrong")),
        sa.CheckConstraint("rate >= 0 AND rate <= 1", name=op.f("ck_audit_findings_rate")),
        sa.ForeignKeyConstraint(
            ["audit_id"], ["audits.id"], name=op.f("fk_audit_findings_audit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_findings")),
        sa.UniqueConstraint("audit_id", "photo", name=op.f("uq_audit_findings_audit_id_photo")),
        sa.UniqueConstraint("audit_id", "rank", name=op.f("uq_audit_findings_audit_id_rank")),
    )
    op.create_table(
        "audit_verdicts",
        sa.Column("finding_id", BIG_ID, nullable=False),
        sa.Column("label", sa.String(length=1000), nullable=True),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["audit_findings.id"], name=op.f("fk_audit_verdicts_finding_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_audit_verdicts_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_verdicts")),
    )
    op.create_index(
        "ix_audit_verdicts_finding_id_id", "audit_verdicts", ["finding_id", "id"], unique=False
    )
    guards.create(GUARDS)


def downgrade() -> None:
    guards.drop(GUARDS)
    op.drop_table("audit_verdicts")
    op.drop_table("audit_findings")
    op.drop_table("audits")
