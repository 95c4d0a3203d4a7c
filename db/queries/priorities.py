"""What the value of a listing is made of: its doubt, its copies, its open flags."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.rows import FlagRow, ListingImageRow, ListingRow
from db.states import FlagSeverity, FlagState


class Valued(NamedTuple):
    """A listing by its main photo's content."""

    listing_id: int
    image_id: int | None
    category_id: int | None
    state: str
    doubt: float | None


def list_valued(session: Session, *, listing_ids: Collection[int]) -> Sequence[Valued]:
    query = _valued().where(ListingRow.id.in_(listing_ids)).order_by(ListingRow.id)
    return [Valued._make(row) for row in session.execute(query)]


def list_copies(session: Session, *, image_ids: Collection[int]) -> Sequence[Valued]:
    """Return the listings with these main photos, and lock those that nobody else has locked."""
    query = (
        _valued(outer=False)
        .where(ListingImageRow.image_id.in_(image_ids))
        .order_by(ListingRow.id)
        .with_for_update(of=ListingRow, skip_locked=True, key_share=True)
    )
    return [Valued._make(row) for row in session.execute(query)]


def count_uses(session: Session, *, image_ids: Collection[int]) -> Mapping[int, int]:
    """Return how many photos of listings have each content."""
    query = (
        select(ListingImageRow.image_id, func.count().label("uses"))
        .where(ListingImageRow.image_id.in_(image_ids))
        .group_by(ListingImageRow.image_id)
    )
    return {row.image_id: row.uses for row in session.execute(query)}


def list_open_flags(session: Session, *, listing_ids: Collection[int]) -> Sequence[tuple[int, str]]:
    """Return (listing id, kind) of open flags that are more than hints."""
    query = select(FlagRow.listing_id, FlagRow.kind).where(
        FlagRow.listing_id.in_(listing_ids),
        FlagRow.state == FlagState.OPEN,
        FlagRow.severity != FlagSeverity.HINT,
    )
    return [(listing_id, kind) for listing_id, kind in session.execute(query)]


def set_values(session: Session, *, values: Sequence[Mapping[str, Any]]) -> None:
    """Write ``{"id", "expected_errors"}``, and ``effort`` where it is named, to listings."""
    if values:
        session.execute(sa.update(ListingRow), list(values))


def _valued(*, outer: bool = True) -> sa.Select[int, int, int | None, str, float | None]:
    main = (ListingImageRow.listing_id == ListingRow.id) & (ListingImageRow.position == 0)
    columns = (
        ListingRow.id,
        ListingImageRow.image_id,
        ListingRow.suggested_category_id,
        ListingRow.state,
        ListingRow.doubt,
    )
    return select(*columns).select_from(ListingRow).join(ListingImageRow, main, isouter=outer)
