"""Batches."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.queries.upsert import insert_missing
from db.rows import BatchRow, ImageRow, JobRow, ListingImageRow, ListingRow


def insert_batch(session: Session, values: Mapping[str, Any]) -> bool:
    """Insert a batch unless its content or its name stands; return whether it was inserted."""
    return insert_missing(session, BatchRow, [values], conflict=[]) == 1


def find_by_digest(session: Session, content_digest: str) -> BatchRow | None:
    return session.scalar(select(BatchRow).where(BatchRow.content_digest == content_digest))


def find_by_name(session: Session, name: str) -> BatchRow | None:
    return session.scalar(select(BatchRow).where(BatchRow.name == name))


def has_photo(session: Session, *, owner: int, sha256: str) -> bool:
    """Whether a batch of the user shows the photo."""
    query = (
        select(ListingImageRow.id)
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .join(BatchRow, BatchRow.id == ListingRow.batch_id)
        .where(ImageRow.sha256 == sha256, BatchRow.created_by == owner)
        .limit(1)
    )
    return session.scalar(query) is not None


def count_photos(session: Session, *, batch_id: int) -> int:
    """Return how many photos the batch's listings show."""
    query = (
        select(func.count())
        .select_from(ListingImageRow)
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .where(ListingRow.batch_id == batch_id)
    )
    return session.scalar(query) or 0


def find_first_job_id(session: Session, *, batch_id: int) -> int | None:
    """Return the job that was added with the batch."""
    query = select(JobRow.id).where(JobRow.batch_id == batch_id).order_by(JobRow.id).limit(1)
    return session.scalar(query)
