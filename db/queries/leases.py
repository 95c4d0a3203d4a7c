"""Who has which listing before them."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from db.rows import LeaseRow, ListingRow, UserRow
from db.states import ListingState

OPEN_STATES = (ListingState.NEEDS_REVIEW, ListingState.AUTO_ACCEPTED)


def take(
    session: Session, *, listing_ids: Collection[int], user_id: int, now: datetime, until: datetime
) -> set[int]:
    """Give the user those of the listings that are open and that nobody else holds.

    Who comes second waits for the first here and then gets nothing. Ids go in order, so that
    two who take the same ones never wait for each other.
    """
    query = select(ListingRow.id).where(
        ListingRow.id.in_(listing_ids), ListingRow.state.in_(OPEN_STATES)
    )
    wanted = sorted(session.scalars(query))
    if not wanted:
        return set()
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = [{"listing_id": id_, "user_id": user_id, "until": until} for id_ in wanted]
    statement = insert(LeaseRow).values(values)
    taken = statement.on_conflict_do_update(
        index_elements=[LeaseRow.listing_id],
        set_={"user_id": user_id, "until": until},
        where=or_(LeaseRow.until <= now, LeaseRow.user_id == user_id),
    ).returning(LeaseRow.listing_id)
    return set(session.scalars(taken))


def release(session: Session, *, listing_ids: Collection[int], user_id: int) -> None:
    """Give back what the user holds of the listings."""
    session.execute(
        delete(LeaseRow).where(LeaseRow.listing_id.in_(listing_ids), LeaseRow.user_id == user_id)
    )


def map_holders(
    session: Session, *, listing_ids: Collection[int], other_than: int, now: datetime
) -> Mapping[int, str]:
    """Return by listing the name of who else holds it."""
    query = (
        select(LeaseRow.listing_id, UserRow.name)
        .join(UserRow, UserRow.id == LeaseRow.user_id)
        .where(
            LeaseRow.listing_id.in_(listing_ids),
            LeaseRow.user_id != other_than,
            LeaseRow.until > now,
        )
    )
    return {row.listing_id: row.name for row in session.execute(query)}
