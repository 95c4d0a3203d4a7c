"""The brand register, and the listings that are held against it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.rows import BrandReferenceRow, BrandRow, ImageRow, ListingImageRow, ListingRow
from db.states import ImageState, ListingState


class OfferedPhoto(NamedTuple):
    """A readable photo of a listing, or the listing alone where none of its photos is."""

    listing_id: int
    title: str
    brand: str
    seller: str
    price: Decimal | None
    image_id: int | None
    sha256: str | None


def list_brands(session: Session, *, only_watched: bool = False) -> Sequence[BrandRow]:
    """Return the brands by name."""
    query = select(BrandRow).order_by(func.lower(BrandRow.name), BrandRow.id)
    if only_watched:
        query = query.where(BrandRow.is_watched)
    return session.scalars(query).all()


def find_brand_for_update(session: Session, *, brand_id: int) -> BrandRow | None:
    return session.get(BrandRow, brand_id, with_for_update=True)


def list_references(session: Session, *, only_watched: bool = False) -> Sequence[BrandReferenceRow]:
    """Return what stands in the register, the oldest first."""
    query = (
        select(BrandReferenceRow)
        .where(BrandReferenceRow.removed_at.is_(None))
        .order_by(BrandReferenceRow.id)
    )
    if only_watched:
        query = query.join(BrandRow, BrandRow.id == BrandReferenceRow.brand_id).where(
            BrandRow.is_watched
        )
    return session.scalars(query).all()


def count_references(session: Session) -> int:
    """Return how many stand in the register, of all brands."""
    query = select(func.count()).where(BrandReferenceRow.removed_at.is_(None))
    return session.scalar(query) or 0


def find_reference_for_update(session: Session, *, reference_id: int) -> BrandReferenceRow | None:
    return session.get(BrandReferenceRow, reference_id, with_for_update=True)


def restore_reference(session: Session, *, brand_id: int, kind: str, sha256: str) -> bool:
    """Put a reference back that was taken out; return whether this content was there at all."""
    row = session.scalar(
        select(BrandReferenceRow).where(
            BrandReferenceRow.brand_id == brand_id,
            BrandReferenceRow.kind == kind,
            BrandReferenceRow.sha256 == sha256,
        )
    )
    if row is not None:
        row.removed_at = None
    return row is not None


def list_batches_offered(session: Session) -> Sequence[int]:
    """Return the batches with listings that were not rejected, oldest first."""
    query = (
        select(ListingRow.batch_id)
        .where(ListingRow.state != ListingState.REJECTED)
        .distinct()
        .order_by(ListingRow.batch_id)
    )
    return session.scalars(query).all()


def list_offered(session: Session, *, batch_id: int) -> Sequence[int]:
    """Return the batch's listings that were not rejected."""
    query = (
        select(ListingRow.id)
        .where(ListingRow.batch_id == batch_id, ListingRow.state != ListingState.REJECTED)
        .order_by(ListingRow.id)
    )
    return session.scalars(query).all()


def list_photos(session: Session, *, listing_ids: Collection[int]) -> Sequence[OfferedPhoto]:
    """Return the listings with each of their readable photos, by listing and place."""
    query = (
        select(
            ListingRow.id,
            ListingRow.title,
            ListingRow.brand,
            ListingRow.seller,
            ListingRow.price,
            ImageRow.id,
            ImageRow.sha256,
        )
        .outerjoin(ListingImageRow, ListingImageRow.listing_id == ListingRow.id)
        .outerjoin(
            ImageRow,
            (ImageRow.id == ListingImageRow.image_id) & (ImageRow.state == ImageState.READABLE),
        )
        .where(ListingRow.id.in_(listing_ids))
        .order_by(ListingRow.id, ListingImageRow.position)
    )
    return [OfferedPhoto._make(row) for row in session.execute(query)]


def remove(row: BrandReferenceRow, *, at: datetime) -> None:
    """Take a reference out; one that was taken out before keeps its time."""
    row.removed_at = row.removed_at or at
