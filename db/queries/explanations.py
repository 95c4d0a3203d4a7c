"""Grad-CAM pictures that were asked for."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.queries.reasons import fit
from db.queries.upsert import insert_missing
from db.rows import CategoryRow, ExplanationRow, ImageRow, ListingImageRow, PredictionRow
from db.states import ExplanationState


class Subject(NamedTuple):
    """What is to be explained: a category, to one model version, on one image."""

    prediction_id: int
    category_id: int
    model_version_id: int
    sha256: str


def has_prediction(session: Session, *, prediction_id: int) -> bool:
    return session.get(PredictionRow, prediction_id) is not None


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
