"""Counts for the overview and the batches."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.rows import BatchRow, FlagRow, ImageRow, ListingImageRow, ListingRow, UserRow
from db.states import FlagState


def list_batches(
    session: Session, *, owner: int | None = None, limit: int
) -> Sequence[tuple[BatchRow, str]]:
    """Return the newest batches first, of a user or all, each with the name of who made it."""
    query = _batches().order_by(BatchRow.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(BatchRow.created_by == owner)
    return [(batch, name) for batch, name in session.execute(query)]


def find_batch(session: Session, *, batch_id: int) -> tuple[BatchRow, str] | None:
    for batch, name in session.execute(_batches().where(BatchRow.id == batch_id)):
        return batch, name
    return None


def count_states(
    session: Session, *, batch_ids: Sequence[int] | None = None, owner: int | None = None
) -> Sequence[tuple[int, str, int]]:
    """Return (batch id, listing state, listings), of these batches, of a user's, or of all."""
    query = select(ListingRow.batch_id, ListingRow.state, func.count()).group_by(
        ListingRow.batch_id, ListingRow.state
    )
    if batch_ids is not None:
        query = query.where(ListingRow.batch_id.in_(batch_ids))
    if owner is not None:
        query = query.where(ListingRow.batch_id.in_(_ids_of(owner)))
    return [(batch_id, state, count) for batch_id, state, count in session.execute(query)]


def count_flags(session: Session, *, batch_ids: Sequence[int]) -> Sequence[tuple[int, str, int]]:
    """Return (batch id, flag kind, listings with it open)."""
    query = (
        select(ListingRow.batch_id, FlagRow.kind, func.count(sa.distinct(FlagRow.listing_id)))
        .join(ListingRow, ListingRow.id == FlagRow.listing_id)
        .where(FlagRow.state == FlagState.OPEN, ListingRow.batch_id.in_(batch_ids))
        .group_by(ListingRow.batch_id, FlagRow.kind)
    )
    return [(batch_id, kind, count) for batch_id, kind, count in session.execute(query)]


def list_flagged_photos(
    session: Session, *, batch_id: int, kind: str, limit: int
) -> Sequence[tuple[int, str, str]]:
    """Return (listing id, sku, photo's SHA-256), the worst first."""
    query = (
        select(ListingRow.id, ListingRow.sku, ImageRow.sha256)
        .join(FlagRow, FlagRow.listing_id == ListingRow.id)
        .join(ListingImageRow, ListingImageRow.id == FlagRow.listing_image_id)
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .where(
            ListingRow.batch_id == batch_id, FlagRow.kind == kind, FlagRow.state == FlagState.OPEN
        )
        .order_by(FlagRow.score.desc(), FlagRow.id)
        .limit(limit)
    )
    return [(id_, sku, sha256) for id_, sku, sha256 in session.execute(query)]


def _ids_of(owner: int) -> sa.Select[int]:
    return select(BatchRow.id).where(BatchRow.created_by == owner)


def _batches() -> sa.Select[BatchRow, str]:
    return select(BatchRow, UserRow.name).join(UserRow, UserRow.id == BatchRow.created_by)
