"""Jobs and the chunks that they are done in.

Who locks both a job and one of its chunks locks the job first.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from db.queries.reasons import fit
from db.rows import BatchRow, ImageRow, JobChunkRow, JobRow, ListingImageRow, ListingRow
from db.states import ChunkState, ImageState, JobState, ListingState

UNFINISHED_JOB = (JobState.QUEUED, JobState.RUNNING)
UNFINISHED_CHUNK = (ChunkState.PENDING, ChunkState.RUNNING)


def insert_job(
    session: Session,
    *,
    kind: str,
    created_by: int,
    params: Mapping[str, Any],
    batch_id: int | None,
    total: int,
    chunks: Sequence[Sequence[int]],
) -> int:
    """Insert a queued job with its chunks; return its id."""
    job = JobRow(
        kind=kind, created_by=created_by, params=dict(params), batch_id=batch_id, total=total
    )
    session.add(job)
    session.flush()
    insert_chunks(session, job_id=job.id, first_position=0, chunks=chunks)
    return job.id


def insert_chunks(
    session: Session, *, job_id: int, first_position: int, chunks: Sequence[Sequence[int]]
) -> None:
    """Insert pending chunks at consecutive positions."""
    session.add_all(
        JobChunkRow(job_id=job_id, position=position, items=list(items))
        for position, items in enumerate(chunks, start=first_position)
    )
    session.flush()


def find_job(session: Session, *, job_id: int) -> JobRow | None:
    return session.get(JobRow, job_id)


def find_job_for_update(session: Session, *, job_id: int) -> JobRow | None:
    """Find the job and lock its row until the transaction ends."""
    return session.get(JobRow, job_id, with_for_update=True, populate_existing=True)


def find_chunk(session: Session, *, chunk_id: int) -> JobChunkRow | None:
    """Find the chunk as it is now, even if the session saw it before."""
    return session.get(JobChunkRow, chunk_id, populate_existing=True)


def list_jobs(
    session: Session,
    *,
    batch_id: int | None = None,
    kind: str | None = None,
    owner: int | None = None,
    limit: int,
) -> Sequence[JobRow]:
    """Return the newest jobs first, of one batch, kind or user (and the user's batches), or all."""
    query = select(JobRow).order_by(JobRow.id.desc()).limit(limit)
    if kind is not None:
        query = query.where(JobRow.kind == kind)
    if batch_id is not None:
        query = query.where(JobRow.batch_id == batch_id)
    if owner is not None:
        own = select(BatchRow.id).where(BatchRow.created_by == owner)
        query = query.where(sa.or_(JobRow.created_by == owner, JobRow.batch_id.in_(own)))
    return session.scalars(query).all()


def list_job_ids(session: Session, *, states: Sequence[JobState]) -> Sequence[int]:
    query = select(JobRow.id).where(JobRow.state.in_(states)).order_by(JobRow.id)
    return session.scalars(query).all()


def list_unfinished_chunks(
    session: Session, *, kind: str, limit: int
) -> Sequence[tuple[int, datetime]]:
    """Return (id, when it was made) of the oldest chunks that jobs of the kind still need."""
    query = (
        select(JobChunkRow.id, JobChunkRow.created_at)
        .join(JobRow, JobRow.id == JobChunkRow.job_id)
        .where(
            JobRow.kind == kind,
            JobRow.state.in_(UNFINISHED_JOB),
            JobChunkRow.state.in_(UNFINISHED_CHUNK),
        )
        .order_by(JobRow.id, JobChunkRow.position)
        .limit(limit)
    )
    return [(id_, made_at) for id_, made_at in session.execute(query)]


def list_unfinished_items(session: Session, *, job_id: int) -> set[int]:
    """Return the items of all chunks that are not done."""
    query = select(JobChunkRow.items).where(
        JobChunkRow.job_id == job_id, JobChunkRow.state.in_(UNFINISHED_CHUNK)
    )
    return {item for items in session.scalars(query) for item in items}


def get_last_position(session: Session, *, job_id: int) -> int:
    """Return the highest position of the job's chunks."""
    query = select(func.max(JobChunkRow.position)).where(JobChunkRow.job_id == job_id)
    return session.scalars(query).one()


def is_cancelled(session: Session, *, job_id: int) -> bool:
    state = session.scalar(select(JobRow.state).where(JobRow.id == job_id))
    return state == JobState.CANCELLED


def is_queued(session: Session, *, kind: str, batch_id: int) -> bool:
    """Whether a job of the kind waits that has not begun."""
    query = select(JobRow.id).where(
        JobRow.kind == kind, JobRow.batch_id == batch_id, JobRow.state == JobState.QUEUED
    )
    return session.scalars(query).first() is not None


def set_progress(session: Session, *, job_id: int, progress: Mapping[str, Any]) -> None:
    """Replace what the job shows beside its counters."""
    session.execute(update(JobRow).where(JobRow.id == job_id).values(progress=dict(progress)))


def list_photos(session: Session, *, batch_id: int) -> Sequence[tuple[int, int]]:
    """Return (listing id, listing image id) of the batch's photos, listing by listing."""
    query = (
        select(ListingImageRow.listing_id, ListingImageRow.id)
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .where(ListingRow.batch_id == batch_id)
        .order_by(ListingImageRow.listing_id, ListingImageRow.position)
    )
    return [(listing_id, photo_id) for listing_id, photo_id in session.execute(query)]


def finish_job(
    session: Session, *, job_id: int, state: JobState, error: str | None, now: datetime
) -> bool:
    """End an unfinished job; return whether it was unfinished."""
    statement = (
        update(JobRow)
        .where(JobRow.id == job_id, JobRow.state.in_(UNFINISHED_JOB))
        .values(state=state, error=error and fit(error, JobRow.error), finished_at=now)
    )
    return _rows(session, statement) == 1


def lock_batch(session: Session, *, batch_id: int) -> None:
    """Lock the batch's row, if there is one, until the transaction ends."""
    session.get(BatchRow, batch_id, with_for_update=True)


def find_newest(session: Session, *, kind: str) -> JobRow | None:
    """Return the job of the kind that was asked for last."""
    query = select(JobRow).where(JobRow.kind == kind).order_by(JobRow.id.desc()).limit(1)
    return session.scalar(query)


def find_unfinished_classification(session: Session, *, batch_id: int) -> int | None:
    """Return the id of the oldest classification of the batch that has not ended."""
    query = select(JobRow.id).where(*_classifies(batch_id)).order_by(JobRow.id).limit(1)
    return session.scalar(query)


def reset_unreadable(session: Session, *, batch_id: int) -> None:
    """Take the batch's unreadable images for readable again."""
    shown = (
        select(ListingImageRow.image_id)
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .where(ListingRow.batch_id == batch_id)
    )
    session.execute(
        update(ImageRow)
        .where(ImageRow.state == ImageState.UNREADABLE, ImageRow.id.in_(shown))
        .values(state=ImageState.READABLE, reason=None)
        .execution_options(synchronize_session=False)
    )


def release_listings(session: Session, *, batch_id: int) -> int:
    """Send listings in processing back to received, unless a job still works on the batch."""
    at_work = select(JobRow.id).where(*_classifies(batch_id))
    statement = (
        update(ListingRow)
        .where(
            ListingRow.batch_id == batch_id,
            ListingRow.state == ListingState.PROCESSING,
            ~sa.exists(at_work),
        )
        .values(state=ListingState.RECEIVED, version=ListingRow.version + 1)
    )
    return _rows(session, statement)


def _classifies(batch_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    """What is true of a job that is to classify the batch and has not ended."""
    return (
        JobRow.batch_id == batch_id,
        JobRow.kind == "classification",
        JobRow.state.in_(UNFINISHED_JOB),
    )


def _rows(session: Session, statement: sa.Update) -> int:
    done = session.execute(statement.execution_options(synchronize_session=False))
    assert isinstance(done, sa.CursorResult)
    return int(done.rowcount)
