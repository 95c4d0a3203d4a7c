"""Listings that may be of no category, and what the known ones look like."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.rows import CategoryRow, FlagRow, ImageRow, ListingImageRow, ListingRow
from db.states import CATEGORISED, FlagState, ImageState, ListingState


class UnknownPhoto(NamedTuple):
    """A photo with an open flag of the kind; ``detail`` as the flag keeps it."""

    listing_id: int
    version: int
    sku: str
    title: str
    photo_id: int
    sha256: str
    detail: dict[str, Any]


def list_flagged(
    session: Session, *, kind: str, states: Collection[ListingState], limit: int
) -> Sequence[UnknownPhoto]:
    """Return photos with an open flag of the kind, listing by listing, in their order."""
    query = (
        select(
            ListingRow.id,
            ListingRow.version,
            ListingRow.sku,
            ListingRow.title,
            ListingImageRow.id,
            ImageRow.sha256,
            FlagRow.detail,
        )
        .select_from(FlagRow)
        .join(ListingRow, ListingRow.id == FlagRow.listing_id)
        .join(ListingImageRow, ListingImageRow.id == FlagRow.listing_image_id)
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .where(FlagRow.kind == kind, FlagRow.state == FlagState.OPEN, ListingRow.state.in_(states))
        .order_by(ListingRow.id, ListingImageRow.position)
        .limit(limit)
    )
    return [UnknownPhoto._make(row) for row in session.execute(query)]


def count_flagged(session: Session, *, kind: str, states: Collection[ListingState]) -> int:
    """Count the listings with an open flag of the kind."""
    query = (
        select(func.count(FlagRow.listing_id.distinct()))
        .join(ListingRow, ListingRow.id == FlagRow.listing_id)
        .where(FlagRow.kind == kind, FlagRow.state == FlagState.OPEN, ListingRow.state.in_(states))
    )
    return session.scalar(query) or 0


def map_newest_photos(session: Session, *, paths: Collection[str]) -> Mapping[str, str]:
    """Return by category path the SHA-256 of its newest decided photo, where it has one."""
    newest = (
        select(func.max(ListingImageRow.id))
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .join(CategoryRow, CategoryRow.id == ListingRow.decided_category_id)
        .where(
            CategoryRow.path.in_(paths),
            ListingRow.state.in_(CATEGORISED),
            ImageRow.state == ImageState.READABLE,
        )
        .group_by(CategoryRow.id)
    )
    query = (
        select(CategoryRow.path, ImageRow.sha256)
        .join(ListingRow, ListingRow.decided_category_id == CategoryRow.id)
        .join(ListingImageRow, ListingImageRow.listing_id == ListingRow.id)
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .where(ListingImageRow.id.in_(newest))
    )
    return {row.path: row.sha256 for row in session.execute(query)}


def count_decided_photos(session: Session, *, category_id: int | None = None) -> int:
    """Count the readable main photos of decided listings, of a category or of all."""
    query = (
        select(func.count())
        .select_from(ListingImageRow)
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .where(
            ListingImageRow.position == 0,
            ListingRow.state.in_(CATEGORISED),
            ImageRow.state == ImageState.READABLE,
        )
    )
    if category_id is not None:
        query = query.where(ListingRow.decided_category_id == category_id)
    return session.scalar(query) or 0
