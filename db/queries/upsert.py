"""Insert what is not there yet, on either database."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.base import Base

# SQLite allows 32,766 bound values a statement, Postgres 65,535.
_MAX_BOUND_VALUES = 30_000


def insert_missing(
    session: Session,
    row_class: type[Base],
    values: Sequence[Mapping[str, Any]],
    *,
    conflict: Sequence[str],
) -> int:
    """Insert the rows whose ``conflict`` columns do not stand yet; return how many those were.

    Without ``conflict`` columns every unique constraint counts.
    """
    if not values:
        return 0
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    rows_a_statement = max(1, _MAX_BOUND_VALUES // (len(row_class.__table__.columns) + 1))
    added = 0
    for start in range(0, len(values), rows_a_statement):
        statement = insert(row_class).values(list(values[start : start + rows_a_statement]))
        done = session.execute(
            statement.on_conflict_do_nothing(index_elements=list(conflict) or None),
            execution_options={"preserve_rowcount": True},
        )
        assert isinstance(done, sa.CursorResult)
        added += done.rowcount
    return added
