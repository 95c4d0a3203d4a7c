"""What listings of a batch were suggested, and what another model version says of them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.queries.jobs import UNFINISHED_JOB
from db.queries.upsert import insert_missing
from db.rows import ImageRow, JobRow, ListingImageRow, ListingRow, PredictionRow, ReplayRow
from db.states import ImageState


class Replayed(NamedTuple):
    """A listing by its main photo; ``said_id`` is None where the version has not seen it."""

    listing_id: int
    sku: str
    photo_id: int
    sha256: str
    suggested_id: int | None
    decided_id: int | None
    said_id: int | None
    probability: float | None


def list_replayed(session: Session, *, batch_id: int, version_id: int) -> Sequence[Replayed]:
    """Return the listings of the batch whose main photo can be read, by id."""
    query = (
        select(
            ListingRow.id,
            ListingRow.sku,
            ListingImageRow.id,
            ImageRow.sha256,
            ListingRow.suggested_category_id,
            ListingRow.decided_category_id,
            func.coalesce(PredictionRow.category_id, ReplayRow.category_id),
            func.coalesce(PredictionRow.probability, ReplayRow.probability),
        )
        .join(ListingImageRow, ListingImageRow.listing_id == ListingRow.id)
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .outerjoin(
            PredictionRow,
            sa.and_(
                PredictionRow.listing_image_id == ListingImageRow.id,
                PredictionRow.model_version_id == version_id,
            ),
        )
        .outerjoin(
            ReplayRow,
            sa.and_(
                ReplayRow.listing_image_id == ListingImageRow.id,
                ReplayRow.model_version_id == version_id,
            ),
        )
        .where(
            ListingRow.batch_id == batch_id,
            ListingImageRow.position == 0,
            ImageRow.state == ImageState.READABLE,
        )
        .order_by(ListingRow.id)
    )
    return [Replayed(*row) for row in session.execute(query)]


def find_unfinished(session: Session, *, batch_id: int, version_id: int) -> int | None:
    """Return the id of a replay of the batch under the version that has not ended."""
    query = select(JobRow).where(
        JobRow.batch_id == batch_id, JobRow.kind == "replay", JobRow.state.in_(UNFINISHED_JOB)
    )
    for job in session.scalars(query):
        if job.params.get("version_id") == version_id:
            return job.id
    return None


def insert_replays(session: Session, *, values: Sequence[Mapping[str, Any]]) -> None:
    """Insert what the version says of photos that it has not been shown yet."""
    conflict = ["listing_image_id", "model_version_id"]
    insert_missing(session, ReplayRow, values, conflict=conflict)
