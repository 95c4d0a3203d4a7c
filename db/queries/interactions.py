"""What shoppers liked and viewed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, delete, or_, select
from sqlalchemy.orm import Session

from db.queries.upsert import insert_missing
from db.rows import InteractionRow, ListingRow

_CONFLICT = ("shopper", "listing_id", "kind", "at")


class Interaction(NamedTuple):
    listing_id: int
    kind: str
    at: datetime


def insert_interactions(session: Session, *, values: Sequence[Mapping[str, Any]]) -> int:
    """Insert what is not there; return how many those were."""
    return insert_missing(session, InteractionRow, values, conflict=_CONFLICT)


def list_listings(session: Session, *, listing_ids: Collection[int]) -> set[int]:
    """Return those of the ids that a listing has."""
    return set(session.scalars(select(ListingRow.id).where(ListingRow.id.in_(listing_ids))))


def list_newest(
    session: Session, *, shopper: str, since: datetime, limit: int
) -> Sequence[Interaction]:
    """Return what a shopper did last, the newest first."""
    query = (
        select(InteractionRow.listing_id, InteractionRow.kind, InteractionRow.at)
        .where(InteractionRow.shopper == shopper, InteractionRow.at >= since)
        .order_by(InteractionRow.at.desc(), InteractionRow.id.desc())
        .limit(limit)
    )
    return [Interaction._make(row) for row in session.execute(query)]


def delete_shopper(session: Session, *, shopper: str) -> int:
    """Delete all of a shopper; return how many rows those were."""
    done = session.connection().execute(
        delete(InteractionRow).where(InteractionRow.shopper == shopper)
    )
    return done.rowcount


def has_outside(session: Session, *, since: datetime, until: datetime) -> bool:
    """Whether something was done before or after that."""
    return bool(session.scalar(select(_outside(since, until).exists())))


def delete_outside(session: Session, *, since: datetime, until: datetime, limit: int) -> int:
    """Delete what was done before or after that, at most so much; return how much."""
    ids = _outside(since, until).limit(limit)
    done = session.connection().execute(delete(InteractionRow).where(InteractionRow.id.in_(ids)))
    return done.rowcount


def _outside(since: datetime, until: datetime) -> Select[int]:
    return select(InteractionRow.id).where(
        or_(InteractionRow.at < since, InteractionRow.at > until)
    )
