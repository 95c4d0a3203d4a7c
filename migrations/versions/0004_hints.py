"""flags that are only hints

Revision: 0004, after 0003
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0004"
down_revision: str | Sequence[str] | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _allow("severity IN ('hint', 'warn', 'block')")


def downgrade() -> None:
    op.execute("UPDATE flags SET severity = 'warn' WHERE severity = 'hint'")
    _allow("severity IN ('warn', 'block')")


def _allow(severity: str) -> None:
    with op.batch_alter_table("flags") as flags:
        flags.drop_constraint(op.f("ck_flags_severity"), type_="check")
        flags.create_check_constraint(op.f("ck_flags_severity"), severity)
