"""What a session sees, on both databases."""

import sqlalchemy as sa
from sqlalchemy import func, select

from db.engine import reading, transaction
from db.queries.categories import ensure_paths
from db.rows import CategoryRow


def test_who_reads_sees_one_moment(any_engine: sa.Engine) -> None:
    query = select(func.count()).select_from(CategoryRow)
    with reading(any_engine) as session:
        before = session.scalars(query).one()
        with transaction(any_engine) as other:
            ensure_paths(other, ["Fruit"])
        assert session.scalars(query).one() == before
    with reading(any_engine) as session:
        assert session.scalars(query).one() == before + 1
