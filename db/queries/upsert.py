"""Insert what is not there yet, on either database."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.base import Base


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
    statement = insert(row_class).on_conflict_do_nothing(index_elements=list(conflict) or None)
    done = session.connection().execute(
        statement, list(values), execution_options={"preserve_rowcount": True}
    )
    return done.rowcount
