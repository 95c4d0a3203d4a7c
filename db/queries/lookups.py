"""Photos from outside that somebody searches by."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from db.queries.upsert import insert_missing
from db.rows import LookupRow
from db.states import LookupState


def ensure_lookup(session: Session, *, user_id: int, sha256: str) -> LookupRow:
    """Return the user's lookup by the photo, made as pending if it is the first."""
    values = {"user_id": user_id, "sha256": sha256}
    insert_missing(session, LookupRow, [values], conflict=["user_id", "sha256"])
    row = find_of_photo(session, user_id=user_id, sha256=sha256)
    assert row is not None
    return row


def find_of_photo(session: Session, *, user_id: int, sha256: str) -> LookupRow | None:
    """Return the user's lookup by a photo."""
    return session.scalar(
        select(LookupRow).where(LookupRow.user_id == user_id, LookupRow.sha256 == sha256)
    )


def delete_older(session: Session, *, than: datetime) -> None:
    session.execute(delete(LookupRow).where(LookupRow.created_at < than))


def find_lookup(session: Session, *, lookup_id: int) -> LookupRow | None:
    return session.get(LookupRow, lookup_id)


def list_pending(session: Session, *, limit: int) -> Sequence[tuple[int, datetime]]:
    """Return (id, when it was asked for) of the oldest that wait for the worker."""
    query = (
        select(LookupRow.id, LookupRow.created_at)
        .where(LookupRow.state == LookupState.PENDING)
        .order_by(LookupRow.id)
        .limit(limit)
    )
    return [(id_, asked_at) for id_, asked_at in session.execute(query)]
