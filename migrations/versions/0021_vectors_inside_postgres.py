"""the vector index inside Postgres, where pgvector is to be had; images are counted by state

Revision: 0021, after 0020
"""

from collections.abc import Sequence

from alembic import op

from db import vector_tables

revision: str = "0021"
down_revision: str | Sequence[str] | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index("ix_images_state", "images", ["state"])
    vector_tables.create_where_available(op.get_bind())  # else it is said by who upgrades


def downgrade() -> None:
    vector_tables.drop(op.get_bind())
    op.drop_index("ix_images_state", "images")
