"""codes and synonyms of categories

Revision: 0016, after 0014

The columns are added and dropped in place: nearly every table refers to ``categories``.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from db.folding import searched_words

revision: str = "0016"
down_revision: str | Sequence[str] | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("categories", sa.Column("code", sa.String(100), nullable=True))
    op.add_column("categories", sa.Column("words", sa.Text(), server_default="", nullable=False))
    op.create_index(op.f("ix_categories_code"), "categories", ["code"], unique=True)
    op.create_table(
        "category_synonyms",
        sa.Column("category_id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("fk_category_synonyms_category_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category_synonyms")),
        sa.UniqueConstraint(
            "category_id", "name", name=op.f("uq_category_synonyms_category_id_name")
        ),
    )
    _fill_words()


def downgrade() -> None:
    op.drop_table("category_synonyms")
    op.drop_index(op.f("ix_categories_code"), table_name="categories")
    op.drop_column("categories", "words")
    op.drop_column("categories", "code")


def _fill_words() -> None:
    table = sa.table("categories", sa.column("id"), sa.column("path"), sa.column("words"))
    connection = op.get_bind()
    rows = connection.execute(sa.select(table.c.id, table.c.path)).all()
    if rows:
        connection.execute(
            sa.update(table)
            .where(table.c.id == sa.bindparam("of"))
            .values(words=sa.bindparam("now")),
            [{"of": id_, "now": searched_words(path=path)} for id_, path in rows],
        )
