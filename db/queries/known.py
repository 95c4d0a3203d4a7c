"""Which listings show a photo already."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from db.rows import BatchRow, ImageRow, ListingImageRow, ListingRow
from db.states import ListingState

_DIGESTS_PER_QUERY = 10_000


class Holder(NamedTuple):
    """A listing that was not rejected, and the photo that it shows.

    Attributes:
        owner: User who brought it in.
    """

    sha256: str
    listing_id: int
    sku: str
    title: str
    batch: str
    owner: int


def list_holders(
    session: Session, *, sha256s: Sequence[str], owner: int | None
) -> dict[str, Holder]:
    """Return the first listing that shows each photo, by SHA-256, of those that are shown.

    Args:
        owner: A listing that this user brought in comes before all others.
    """
    found: dict[str, Holder] = {}
    is_others = case((BatchRow.created_by == owner, 0), else_=1)
    for start in range(0, len(sha256s), _DIGESTS_PER_QUERY):
        query = (
            select(
                ImageRow.sha256,
                ListingRow.id,
                ListingRow.sku,
                ListingRow.title,
                BatchRow.name,
                BatchRow.created_by,
            )
            .join(ListingImageRow, ListingImageRow.image_id == ImageRow.id)
            .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
            .join(BatchRow, BatchRow.id == ListingRow.batch_id)
            .where(
                ImageRow.sha256.in_(sha256s[start : start + _DIGESTS_PER_QUERY]),
                ListingRow.state != ListingState.REJECTED,
            )
            .order_by(is_others, ListingRow.id)
        )
        for row in session.execute(query):
            found.setdefault(row.sha256, Holder._make(row))
    return found
