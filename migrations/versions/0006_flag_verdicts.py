"""what reviewers say of flags, and no publishing against an open blocking flag

Revision: 0006, after 0005

On SQLite a batch migration of ``flags`` must drop ``listings_publish`` first and make it
again afterwards: its condition names that table.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | Sequence[str] | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Each is trigger, table, timing, condition and message.
GUARDS = (
    (
        "listings_publish",
        "listings",
        "UPDATE OF state",
        (
            "NEW.state = 'published' AND OLD.state <> 'published' AND EXISTS (SELECT 1 FROM flags"
            " WHERE listing_id = NEW.id AND state = 'open' AND severity = 'block')"
        ),
        "a listing with an open blocking flag cannot be published",
    ),
    ("flag_verdicts_no_update", "flag_verdicts", "UPDATE", "1 = 1", "verdicts are append-only"),
    ("flag_verdicts_no_delete", "flag_verdicts", "DELETE", "1 = 1", "verdicts are append-only"),
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
    create = _create_postgres if _on_postgres() else _create_sqlite
    for guard in GUARDS:
        create(*guard)


def downgrade() -> None:
    """Without their verdicts nobody could say who dismissed the flags, so they are open again."""
    for name, table, *_ in GUARDS:
        if _on_postgres():
            op.execute(f"DROP TRIGGER {name} ON {table}")
            op.execute(f"DROP FUNCTION {name}()")
        else:
            op.execute(f"DROP TRIGGER {name}")
    op.execute("UPDATE flags SET state = 'open' WHERE state = 'dismissed'")
    op.drop_table("flag_verdicts")


def _on_postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _create_sqlite(name: str, table: str, timing: str, condition: str, message: str) -> None:
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {timing} ON {table} WHEN {condition} "
        f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def _create_postgres(name: str, table: str, timing: str, condition: str, message: str) -> None:
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {condition} THEN RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation'; "
        "END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {timing} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    )
