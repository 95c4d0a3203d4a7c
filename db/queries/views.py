"""Saved views of the queue."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.rows import SavedViewRow


def list_views(session: Session, *, user_id: int) -> Sequence[SavedViewRow]:
    query = select(SavedViewRow).where(SavedViewRow.user_id == user_id)
    return session.scalars(query.order_by(SavedViewRow.name)).all()


def find_view(session: Session, *, user_id: int, name: str) -> SavedViewRow | None:
    query = select(SavedViewRow).where(SavedViewRow.user_id == user_id, SavedViewRow.name == name)
    return session.scalar(query)


def add_view(session: Session, *, user_id: int, name: str, query: str) -> SavedViewRow:
    row = SavedViewRow(user_id=user_id, name=name, query=query)
    session.add(row)
    session.flush()
    return row
