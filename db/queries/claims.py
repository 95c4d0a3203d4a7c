"""Claimed categories beside what reviewers decided, by the main photos of listings."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.rows import (
    CategoryRow,
    EmbeddingRow,
    FlagRow,
    ImageRow,
    ListingImageRow,
    ListingRow,
    PredictionRow,
)
from db.states import CATEGORISED, FlagState, ImageState, ListingState

_IS_CONFIRMED = ListingRow.decided_category_id == ListingRow.claimed_category_id


class ClaimPhoto(NamedTuple):
    """The main photo of a listing with a claimed category; ``decided_id`` None is undecided."""

    listing_id: int
    photo_id: int
    sha256: str
    claimed_id: int
    decided_id: int | None
    vector: bytes


def list_open(
    session: Session,
    *,
    batch_id: int,
    space: str,
    states: Collection[ListingState],
    after_id: int = 0,
    limit: int,
) -> Sequence[ClaimPhoto]:
    """Return the embedded claims of a batch's listings in these states, by listing id.

    Args:
        after_id: Last listing id of the previous page; 0 starts over.
    """
    query = (
        _claims(space)
        .where(
            ListingRow.batch_id == batch_id,
            ListingRow.state.in_(states),
            ListingRow.id > after_id,
        )
        .order_by(ListingRow.id)
        .limit(limit)
    )
    return [ClaimPhoto._make(row) for row in session.execute(query)]


def list_confirmed(session: Session, *, space: str, limit: int) -> Sequence[ClaimPhoto]:
    """Return the newest embedded claims that were decided as they were claimed."""
    query = (
        _claims(space)
        .where(ListingRow.state.in_(CATEGORISED), _IS_CONFIRMED)
        .order_by(ListingRow.id.desc())
        .limit(limit)
    )
    return [ClaimPhoto._make(row) for row in session.execute(query)]


def count_confirmed(session: Session, *, space: str, limit: int) -> int:
    """Count what ``list_confirmed`` returns."""
    found = (
        _claims(space)
        .with_only_columns(ListingRow.id)
        .where(ListingRow.state.in_(CATEGORISED), _IS_CONFIRMED)
        .limit(limit)
        .subquery()
    )
    return session.scalars(select(func.count()).select_from(found)).one()


def count_pairs(session: Session) -> Sequence[tuple[int, int, int]]:
    """Return (decided category id, claimed category id, listings) of what was decided."""
    query = (
        select(ListingRow.decided_category_id, ListingRow.claimed_category_id, func.count())
        .where(
            ListingRow.state.in_(CATEGORISED),
            ListingRow.decided_category_id.is_not(None),
            ListingRow.claimed_category_id.is_not(None),
        )
        .group_by(ListingRow.decided_category_id, ListingRow.claimed_category_id)
    )
    return [
        (decided, claimed, count)
        for decided, claimed, count in session.execute(query)
        if decided is not None and claimed is not None
    ]


def list_claiming(
    session: Session,
    *,
    states: Collection[ListingState],
    batch_id: int | None = None,
    after_id: int = 0,
    limit: int,
) -> Sequence[int]:
    """Return ids of listings in these states that have a claim, of a batch or all, by id."""
    query = (
        select(ListingRow.id)
        .where(
            ListingRow.state.in_(states),
            ListingRow.claimed_category_id.is_not(None),
            ListingRow.id > after_id,
        )
        .order_by(ListingRow.id)
        .limit(limit)
    )
    if batch_id is not None:
        query = query.where(ListingRow.batch_id == batch_id)
    return session.scalars(query).all()


def list_claiming_batches(session: Session, *, states: Collection[ListingState]) -> Sequence[int]:
    """Return the batches with listings in these states that have a claim."""
    query = (
        select(ListingRow.batch_id)
        .where(ListingRow.state.in_(states), ListingRow.claimed_category_id.is_not(None))
        .distinct()
        .order_by(ListingRow.batch_id)
    )
    return session.scalars(query).all()


def map_paths(session: Session) -> Mapping[int, str]:
    """Return the path of every category, in the order of their ids."""
    query = select(CategoryRow.id, CategoryRow.path).order_by(CategoryRow.id)
    return {row.id: row.path for row in session.execute(query)}


def list_predictions(
    session: Session, *, photo_ids: Collection[int], version_ids: Collection[int]
) -> Sequence[tuple[int, int, list[dict[str, Any]]]]:
    """Return (photo id, version id, ``PredictionRow.top``)."""
    query = select(
        PredictionRow.listing_image_id, PredictionRow.model_version_id, PredictionRow.top
    ).where(
        PredictionRow.listing_image_id.in_(photo_ids),
        PredictionRow.model_version_id.in_(version_ids),
    )
    return [(photo_id, version_id, top) for photo_id, version_id, top in session.execute(query)]


def list_open_details(session: Session, *, batch_id: int, kind: str) -> Sequence[Mapping[str, Any]]:
    """Return the details of the open flags of a kind in a batch."""
    query = (
        select(FlagRow.detail)
        .join(ListingRow, ListingRow.id == FlagRow.listing_id)
        .where(
            ListingRow.batch_id == batch_id, FlagRow.kind == kind, FlagRow.state == FlagState.OPEN
        )
    )
    return session.scalars(query).all()


def _claims(space: str) -> sa.Select[int, int, str, int | None, int | None, bytes]:
    return (
        select(
            ListingRow.id,
            ListingImageRow.id,
            ImageRow.sha256,
            ListingRow.claimed_category_id,
            ListingRow.decided_category_id,
            EmbeddingRow.vector,
        )
        .join(ListingImageRow, ListingImageRow.listing_id == ListingRow.id)
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .join(EmbeddingRow, EmbeddingRow.image_id == ImageRow.id)
        .where(
            ListingRow.claimed_category_id.is_not(None),
            ListingImageRow.position == 0,
            ImageRow.state == ImageState.READABLE,
            EmbeddingRow.space == space,
        )
    )
