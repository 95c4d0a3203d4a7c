"""Limits of the flags, and the measures that they are held against."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, aliased

from db.queries.upsert import insert_missing
from db.rows import (
    CategoryRow,
    ImageRow,
    LimitRow,
    ListingImageRow,
    ListingRow,
    MeasuresRow,
    UserRow,
)
from db.states import ListingState


class Measured(NamedTuple):
    """A photo with its measures; ``category`` is the claimed one's path, else the suggested."""

    photo_id: int
    image_id: int
    listing_id: int
    state: str
    sku: str
    sha256: str
    claimed: str | None
    category: str | None
    record: dict[str, Any]


class Change(NamedTuple):
    """A limit as it was set; ``category`` None is for all, ``value`` None goes back."""

    changed_at: datetime
    changed_by: str
    category: str | None
    value: float | None


def insert_limit(
    session: Session, *, kind: str, category_id: int | None, value: float | None, user_id: int
) -> None:
    session.add(LimitRow(kind=kind, category_id=category_id, value=value, user_id=user_id))
    session.flush()


def list_limits(session: Session) -> Sequence[tuple[str, str | None, float]]:
    """Return (kind, path of the branch, value) of those that hold."""
    newest = select(func.max(LimitRow.id)).group_by(LimitRow.kind, LimitRow.category_id)
    query = (
        select(LimitRow.kind, CategoryRow.path, LimitRow.value)
        .outerjoin(CategoryRow, CategoryRow.id == LimitRow.category_id)
        .where(LimitRow.id.in_(newest), LimitRow.value.is_not(None))
    )
    return [
        (kind, path, value) for kind, path, value in session.execute(query) if value is not None
    ]


def list_changes(session: Session, *, kind: str, limit: int) -> Sequence[Change]:
    """Return who set the limit to what, the newest first."""
    query = (
        select(LimitRow.created_at, UserRow.name, CategoryRow.path, LimitRow.value)
        .join(UserRow, UserRow.id == LimitRow.user_id)
        .outerjoin(CategoryRow, CategoryRow.id == LimitRow.category_id)
        .where(LimitRow.kind == kind)
        .order_by(LimitRow.id.desc())
        .limit(limit)
    )
    return [Change._make(row) for row in session.execute(query)]


def replace_measures(session: Session, *, values: Sequence[Mapping[str, Any]]) -> None:
    """Write ``{"image_id", "record"}``, in place of what older versions measured."""
    image_ids = {value["image_id"] for value in values}
    session.execute(delete(MeasuresRow).where(MeasuresRow.image_id.in_(image_ids)))
    insert_missing(session, MeasuresRow, values, conflict=["image_id"])


def list_measured(
    session: Session,
    *,
    batch_id: int | None = None,
    photo_ids: Collection[int] | None = None,
) -> Sequence[Measured]:
    """Return the photos that were measured, of a batch or these."""
    claimed, suggested = aliased(CategoryRow), aliased(CategoryRow)
    query = (
        select(
            ListingImageRow.id,
            ImageRow.id,
            ListingRow.id,
            ListingRow.state,
            ListingRow.sku,
            ImageRow.sha256,
            claimed.path,
            func.coalesce(claimed.path, suggested.path),
            MeasuresRow.record,
        )
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .join(MeasuresRow, MeasuresRow.image_id == ImageRow.id)
        .outerjoin(claimed, claimed.id == ListingRow.claimed_category_id)
        .outerjoin(suggested, suggested.id == ListingRow.suggested_category_id)
        .order_by(ListingImageRow.id)
    )
    if batch_id is not None:
        query = query.where(ListingRow.batch_id == batch_id)
    if photo_ids is not None:
        query = query.where(ListingImageRow.id.in_(photo_ids))
    return [Measured._make(row) for row in session.execute(query)]


def list_photo_ids(session: Session, *, states: Collection[ListingState]) -> Sequence[int]:
    """Return photos of listings in these states, by id."""
    query = (
        select(ListingImageRow.id)
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .where(ListingRow.state.in_(states))
        .order_by(ListingImageRow.id)
    )
    return session.scalars(query).all()


def has_photos(session: Session, *, states: Collection[ListingState]) -> bool:
    """Whether ``list_photo_ids`` returns any."""
    query = (
        select(ListingImageRow.id)
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .where(ListingRow.state.in_(states))
        .limit(1)
    )
    return session.scalar(query) is not None


def find_category(session: Session, *, path: str) -> int | None:
    return session.scalar(select(CategoryRow.id).where(CategoryRow.path == path))


def list_category_paths(session: Session, *, batch_id: int) -> Sequence[str]:
    """Return the paths of the categories that a batch's listings claim or are suggested."""
    both = sa.union(
        select(ListingRow.claimed_category_id).where(ListingRow.batch_id == batch_id),
        select(ListingRow.suggested_category_id).where(ListingRow.batch_id == batch_id),
    ).subquery()
    query = select(CategoryRow.path).where(CategoryRow.id.in_(select(both)))
    return session.scalars(query.order_by(CategoryRow.path)).all()
