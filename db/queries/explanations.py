"""Grad-CAM pictures that were asked for."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.queries.reasons import fit
from db.queries.upsert import insert_missing
from db.rows import (
    CategoryRow,
    ExplanationRow,
    ImageRow,
    ListingImageRow,
    ListingRow,
    PredictionRow,
)
from db.states import ExplanationState, ListingState


class Subject(NamedTuple):
    """What is to be explained: a category, to one model version, on one image."""

    prediction_id: int
    category_id: int
    model_version_id: int
    sha256: str


def has_prediction(session: Session, *, prediction_id: int) -> bool:
    return session.get(PredictionRow, prediction_id) is not None


class Opinion(NamedTuple):
    """The category that one model version finds likeliest on one photo."""

    photo_id: int
    sha256: str
    version_id: int
    category_id: int


def has_category(session: Session, *, category_id: int) -> bool:
    return session.get(CategoryRow, category_id) is not None


def ensure_explanation(session: Session, *, prediction_id: int, category_id: int) -> ExplanationRow:
    """Return the explanation, made as pending if nobody asked for it before."""
    row = {"prediction_id": prediction_id, "category_id": category_id}
    insert_missing(session, ExplanationRow, [row], conflict=["prediction_id", "category_id"])
    return session.scalars(
        select(ExplanationRow).where(
            ExplanationRow.prediction_id == prediction_id,
            ExplanationRow.category_id == category_id,
        )
    ).one()


def find_explanation(session: Session, *, explanation_id: int) -> ExplanationRow | None:
    return session.get(ExplanationRow, explanation_id)


def finish(session: Session, *, explanation_id: int, error: str | None) -> None:
    """End the explanation: as done, or as failed for the reason given."""
    row = session.get_one(ExplanationRow, explanation_id)
    row.state = ExplanationState.FAILED if error else ExplanationState.DONE
    row.error = error and fit(error, ExplanationRow.error)


def list_pending(session: Session, *, limit: int) -> Sequence[tuple[int, datetime]]:
    """Return (id, when it was asked for) of the oldest that wait for the worker."""
    query = (
        select(ExplanationRow.id, ExplanationRow.created_at)
        .where(ExplanationRow.state == ExplanationState.PENDING)
        .order_by(ExplanationRow.id)
        .limit(limit)
    )
    return [(id_, asked_at) for id_, asked_at in session.execute(query)]


def get_subject(session: Session, *, explanation_id: int) -> Subject:
    query = (
        select(
            ExplanationRow.prediction_id,
            ExplanationRow.category_id,
            PredictionRow.model_version_id,
            ImageRow.sha256,
        )
        .join(PredictionRow, PredictionRow.id == ExplanationRow.prediction_id)
        .join(ListingImageRow, ListingImageRow.id == PredictionRow.listing_image_id)
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .where(ExplanationRow.id == explanation_id)
    )
    return Subject._make(session.execute(query).one())


def list_agreed(
    session: Session,
    *,
    batch_id: int,
    version_ids: Collection[int],
    states: Collection[ListingState],
) -> Sequence[int]:
    """Return the main photos of a batch's listings on which the versions agree.

    At least two have seen each, and all that did find the same category likeliest. First come
    the listings that the queue gives first.
    """
    query = (
        select(ListingImageRow.id)
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .join(PredictionRow, PredictionRow.listing_image_id == ListingImageRow.id)
        .where(
            ListingRow.batch_id == batch_id,
            ListingRow.state.in_(states),
            ListingImageRow.position == 0,
            PredictionRow.model_version_id.in_(version_ids),
        )
        .group_by(ListingImageRow.id, ListingRow.id, ListingRow.expected_errors)
        .having(
            func.count() > 1,
            func.min(PredictionRow.category_id) == func.max(PredictionRow.category_id),
        )
        .order_by(ListingRow.expected_errors.desc(), ListingRow.id)
    )
    return session.scalars(query).all()


def list_opinions(
    session: Session, *, photo_ids: Collection[int], version_ids: Collection[int]
) -> Sequence[Opinion]:
    """Return what the versions say of the photos, photo by photo."""
    query = (
        select(
            PredictionRow.listing_image_id,
            ImageRow.sha256,
            PredictionRow.model_version_id,
            PredictionRow.category_id,
        )
        .join(ListingImageRow, ListingImageRow.id == PredictionRow.listing_image_id)
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .where(
            PredictionRow.listing_image_id.in_(photo_ids),
            PredictionRow.model_version_id.in_(version_ids),
        )
        .order_by(PredictionRow.listing_image_id, PredictionRow.model_version_id)
    )
    return [Opinion._make(row) for row in session.execute(query)]
