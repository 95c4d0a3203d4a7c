"""listings that a reviewer is given as a check, and what became of them

Revision: 0015, after 0014
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from migrations import guards
from migrations.guards import append_only

revision: str = "0015"
down_revision: str | Sequence[str] | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("check_shares", "checks", "check_answers", "check_verdicts")
GUARDS = tuple(guard for table in TABLES for guard in append_only(table, table.replace("_", " ")))
SHARES = ("second", "hidden", "planted")


def upgrade() -> None:
    _create_shares()
    _create_checks()
    _create_answers()
    _create_verdicts()
    guards.create(GUARDS)


def downgrade() -> None:
    guards.drop(GUARDS)
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_shares() -> None:
    op.create_table(
        "check_shares",
        *(sa.Column(name, sa.Double(), nullable=False) for name in SHARES),
        sa.Column("user_id", BIG_ID, nullable=True),
        *_identity(),
        *(
            sa.CheckConstraint(f"{name} >= 0 AND {name} <= 1", name=op.f(f"ck_check_shares_{name}"))
            for name in SHARES
        ),
        _reference("check_shares", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_shares")),
    )


def _create_checks() -> None:
    op.create_table(
        "checks",
        sa.Column("listing_id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("decision_id", BIG_ID, nullable=True),
        sa.Column("category_id", BIG_ID, nullable=True),
        *_identity(),
        sa.CheckConstraint("kind IN ('second', 'hidden', 'planted')", name=op.f("ck_checks_kind")),
        sa.CheckConstraint(
            "(kind = 'hidden') = (decision_id IS NULL)", name=op.f("ck_checks_decision")
        ),
        sa.CheckConstraint(
            "kind = 'second' OR category_id IS NOT NULL", name=op.f("ck_checks_category")
        ),
        _reference("checks", "listing_id", "listings"),
        _reference("checks", "user_id", "users"),
        _reference("checks", "decision_id", "decisions"),
        _reference("checks", "category_id", "categories"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checks")),
        sa.UniqueConstraint(
            "listing_id", "user_id", "kind", name=op.f("uq_checks_listing_id_user_id_kind")
        ),
    )
    op.create_index("ix_checks_user_id_id", "checks", ["user_id", "id"])


def _create_answers() -> None:
    op.create_table(
        "check_answers",
        sa.Column("check_id", BIG_ID, nullable=False),
        sa.Column("key", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("category_id", BIG_ID, nullable=True),
        sa.Column("undoes_id", BIG_ID, nullable=True),
        sa.Column("active_ms", sa.Integer(), nullable=False),
        *_identity(),
        sa.CheckConstraint(
            "kind IN ('accept', 'correct', 'reject', 'skip', 'undo')",
            name=op.f("ck_check_answers_kind"),
        ),
        sa.CheckConstraint(
            "(kind IN ('accept', 'correct')) = (category_id IS NOT NULL)",
            name=op.f("ck_check_answers_category"),
        ),
        sa.CheckConstraint(
            "(kind = 'undo') = (undoes_id IS NOT NULL)", name=op.f("ck_check_answers_undo")
        ),
        sa.CheckConstraint("active_ms >= 0", name=op.f("ck_check_answers_active_ms")),
        _reference("check_answers", "check_id", "checks"),
        _reference("check_answers", "category_id", "categories"),
        _reference("check_answers", "undoes_id", "check_answers"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_answers")),
        sa.UniqueConstraint("key", name=op.f("uq_check_answers_key")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_check_answers_undoes_id")),
    )
    op.create_index("ix_check_answers_check_id_id", "check_answers", ["check_id", "id"])


def _create_verdicts() -> None:
    op.create_table(
        "check_verdicts",
        sa.Column("check_id", BIG_ID, nullable=False),
        sa.Column("kept", sa.String(length=20), nullable=True),
        sa.Column("user_id", BIG_ID, nullable=False),
        *_identity(),
        sa.CheckConstraint("kept IN ('first', 'second')", name=op.f("ck_check_verdicts_kept")),
        _reference("check_verdicts", "check_id", "checks"),
        _reference("check_verdicts", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_verdicts")),
    )
    op.create_index("ix_check_verdicts_check_id_id", "check_verdicts", ["check_id", "id"])


def _identity() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )


def _reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))
