"""What most shoppers liked and viewed, summed up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import case, delete, func, select
from sqlalchemy.orm import Session

from db.queries.search import CATEGORY_ID, Wanted, among
from db.queries.upsert import insert_missing
from db.rows import InteractionRow, ListingRow, PopularListingRow


class Worth(NamedTuple):
    listing_id: int
    worth: float


def count(
    session: Session, *, weights: Mapping[str, float], since: datetime, of_category: int
) -> Sequence[Worth]:
    """Return the most popular listings of each category. It reads all interactions of the time.

    Args:
        weights: What each kind counts. A shopper counts once a listing and kind.
        of_category: So many of each are returned.
    """
    once = (
        select(InteractionRow.listing_id, InteractionRow.shopper, InteractionRow.kind)
        .where(InteractionRow.at >= since)
        .distinct()
        .subquery()
    )
    worth = func.sum(case(weights, value=once.c.kind, else_=0.0)).label("worth")
    summed = select(once.c.listing_id, worth).group_by(once.c.listing_id).subquery()
    order = (summed.c.worth.desc(), summed.c.listing_id.desc())
    place = func.row_number().over(partition_by=CATEGORY_ID, order_by=order).label("place")
    placed = (
        select(summed.c.listing_id, summed.c.worth, place)
        .join(ListingRow, ListingRow.id == summed.c.listing_id)
        .where(summed.c.worth > 0)
        .subquery()
    )
    query = select(placed.c.listing_id, placed.c.worth).where(placed.c.place <= of_category)
    return [Worth._make(row) for row in session.execute(query)]


def replace(session: Session, *, found: Sequence[Worth], at: datetime) -> None:
    """Let this be what is popular, counted at that time."""
    session.execute(delete(PopularListingRow))
    values = [{**each._asdict(), "created_at": at} for each in found]
    # Another worker may have counted at the same time.
    insert_missing(session, PopularListingRow, values, conflict=("listing_id",))


def find_counted_at(session: Session) -> datetime | None:
    """Return when it was counted; None where nothing is popular."""
    return session.scalar(select(PopularListingRow.created_at).limit(1))


def list_popular(session: Session, *, wanted: Wanted, limit: int) -> Sequence[int]:
    """Return the ids of the most popular listings that are wanted."""
    query = select(ListingRow.id).join(
        PopularListingRow, PopularListingRow.listing_id == ListingRow.id
    )
    ranked = among(query, wanted).order_by(
        PopularListingRow.worth.desc(), PopularListingRow.listing_id.desc()
    )
    return session.scalars(ranked.limit(limit)).all()
