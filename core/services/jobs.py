"""Jobs: work that a door asks for and the worker does.

Asking is only inserting rows, in the caller's own transaction, so a job exists exactly
when what it works on exists. The worker finds the rows by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, Permission, require
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.services.batches import owner_seen_by, require_batch, sees
from core.settings import Settings
from db.engine import reading, transaction
from db.queries import jobs as queries
from db.rows import BatchRow, JobRow
from db.states import JobState

DEFAULT_CHUNK_SIZE = 64

# What a person must be allowed to do to ask for, or to cancel, a job of a kind.
JOB_PERMISSIONS: dict[str, Permission] = {
    "audit": "train",
    "brands": "tune",
    "claims": "review",
    "classification": "upload",
    "evidence": "tune",
    "flags": "tune",
    "recognition": "categorise",
    "replay": "dashboards",
    "sample": "train",
    "training": "train",
}


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is.

    Attributes:
        done: Items that went well; ``failed`` those that did not (unreadable photos).
        rate_per_s: Items a second since the job started; None before the first.
        seconds_left: At that rate; None while nothing can be said.
        params: What was asked for (a training's architecture and data).
        detail: What the kind shows beside the counters (a training's epochs and loss).
        error: Why the job failed.
    """

    job_id: int
    kind: str
    batch_id: int | None
    state: JobState
    done: int
    failed: int
    total: int
    rate_per_s: float | None
    seconds_left: float | None
    error: str | None
    params: Mapping[str, Any]
    detail: Mapping[str, Any]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_finished(self) -> bool:
        return self.state not in queries.UNFINISHED_JOB


def add_job(
    session: Session,
    *,
    kind: str,
    actor: Actor,
    params: Mapping[str, Any],
    batch_id: int | None = None,
    chunks: Sequence[Sequence[int]] = ((),),
) -> int:
    """Add a job in the caller's transaction; return its id.

    Args:
        chunks: Item ids, one sequence for each piece that is done (and repeated) as a
            whole. Without items the job is a single piece of work.

    Raises:
        ForbiddenError: The actor may not ask for this kind.
        InvalidInputError: No such kind.
    """
    if kind not in JOB_PERMISSIONS:
        raise InvalidInputError(f"no job kind {kind!r}; there are {sorted(JOB_PERMISSIONS)}")
    require(actor, JOB_PERMISSIONS[kind])
    return queries.insert_job(
        session,
        kind=kind,
        created_by=actor.id,
        params=params,
        batch_id=batch_id,
        total=sum(map(len, chunks)) or 1,
        chunks=chunks,
    )


def add_classification(
    session: Session, *, batch_id: int, actor: Actor, chunk_size: int = DEFAULT_CHUNK_SIZE
) -> int:
    """Add the job that classifies every photo of the batch; return its id.

    Raises:
        ForbiddenError: The actor may not upload.
        InvalidInputError: The batch has no photos.
    """
    photos = queries.list_photos(session, batch_id=batch_id)
    if not photos:
        raise InvalidInputError(f"batch {batch_id} has no photos to classify")
    chunks = list(_whole_listings(photos, chunk_size))
    return add_job(
        session, kind="classification", actor=actor, params={}, batch_id=batch_id, chunks=chunks
    )


def classify_batch(engine: sa.Engine, settings: Settings, *, actor: Actor, batch_id: int) -> int:
    """Ask for another classification of the batch; return the job's id.

    It adds the predictions of models that have not seen the photos yet and tries the
    photos again that could not be read.

    Raises:
        ConflictError: The batch is being classified.
        ForbiddenError: The actor may not upload.
        NotFoundError: No batch has this id.
    """
    require(actor, JOB_PERMISSIONS["classification"])
    with transaction(engine) as session:
        queries.lock_batch(session, batch_id=batch_id)
        require_batch(session, actor, batch_id)
        unfinished = queries.find_unfinished_classification(session, batch_id=batch_id)
        if unfinished is not None:
            raise ConflictError(
                f"job {unfinished} classifies batch {batch_id} already; wait for it or cancel it"
            )
        queries.reset_unreadable(session, batch_id=batch_id)
        return add_classification(
            session, batch_id=batch_id, actor=actor, chunk_size=settings.chunk_size
        )


def list_jobs(
    engine: sa.Engine, *, actor: Actor, batch_id: int | None = None, limit: int = 50
) -> tuple[JobProgress, ...]:
    """Return the newest jobs first, of one batch or of all that the actor sees.

    Raises:
        ForbiddenError: The actor may not look.
    """
    require(actor, "look")
    now = datetime.now(UTC)
    with reading(engine) as session:
        rows = queries.list_jobs(
            session, batch_id=batch_id, owner=owner_seen_by(actor), limit=limit
        )
        return tuple(_progress(row, now) for row in rows)


def get_progress(engine: sa.Engine, *, actor: Actor, job_id: int) -> JobProgress:
    """Return how far the job is.

    Raises:
        ForbiddenError: The actor may not look.
        NotFoundError: The actor sees no job of this id.
    """
    require(actor, "look")
    with reading(engine) as session:
        job = _get(session, actor, queries.find_job(session, job_id=job_id), job_id)
        return _progress(job, datetime.now(UTC))


def list_progress(engine: sa.Engine, *, job_ids: Sequence[int]) -> tuple[JobProgress, ...]:
    """Return how far the jobs are, for the worker, which is nobody's actor."""
    now = datetime.now(UTC)
    with reading(engine) as session:
        return tuple(
            _progress(row, now)
            for job_id in job_ids
            if (row := queries.find_job(session, job_id=job_id)) is not None
        )


def list_unfinished(engine: sa.Engine) -> tuple[int, ...]:
    """Return the ids of the jobs that are queued or running."""
    with reading(engine) as session:
        return tuple(queries.list_job_ids(session, states=queries.UNFINISHED_JOB))


def cancel(engine: sa.Engine, *, actor: Actor, job_id: int) -> JobProgress:
    """Cancel the job: what is done stays, what is running stops and writes nothing.

    Raises:
        ConflictError: The job has ended.
        ForbiddenError: The actor may not ask for this kind of job either.
        NotFoundError: The actor sees no job of this id.
    """
    now = datetime.now(UTC)
    with transaction(engine) as session:
        job = _get(session, actor, queries.find_job_for_update(session, job_id=job_id), job_id)
        require(actor, JOB_PERMISSIONS[job.kind])
        if not queries.finish_job(
            session, job_id=job_id, state=JobState.CANCELLED, error=None, now=now
        ):
            raise ConflictError(f"job {job_id} is {job.state}; only a job at work can be cancelled")
        if job.batch_id is not None:
            queries.release_listings(session, batch_id=job.batch_id)
        session.refresh(job)
        return _progress(job, now)


def _whole_listings(photos: Sequence[tuple[int, int]], size: int) -> Iterator[list[int]]:
    """Pack (listing id, photo id) into chunks of about ``size`` photos; listings stay whole."""
    chunk: list[int] = []
    for _, group in groupby(photos, key=itemgetter(0)):
        listing = [photo_id for _, photo_id in group]
        if chunk and len(chunk) + len(listing) > size:
            yield chunk
            chunk = []
        chunk = chunk + listing
    yield chunk


def _get(session: Session, actor: Actor, job: JobRow | None, job_id: int) -> JobRow:
    """Return the job if the actor sees it: asked for it, or sees its batch."""
    if job is None or not _sees(session, actor, job):
        raise NotFoundError(f"no job {job_id}")
    return job


def _sees(session: Session, actor: Actor, job: JobRow) -> bool:
    if owner_seen_by(actor) in {None, job.created_by}:
        return True
    return job.batch_id is not None and sees(actor, session.get_one(BatchRow, job.batch_id))


def _progress(job: JobRow, now: datetime) -> JobProgress:
    rate_per_s = _rate_per_s(job, now)
    return JobProgress(
        job_id=job.id,
        kind=job.kind,
        batch_id=job.batch_id,
        state=JobState(job.state),
        done=job.done,
        failed=job.failed,
        total=job.total,
        rate_per_s=rate_per_s,
        seconds_left=_seconds_left(job, rate_per_s),
        error=job.error,
        params=dict(job.params),
        detail=dict(job.progress),
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )


def _rate_per_s(job: JobRow, now: datetime) -> float | None:
    moved = job.done + job.failed
    if job.started_at is None or moved == 0:
        return None
    elapsed_s = ((job.finished_at or now) - job.started_at).total_seconds()
    return moved / elapsed_s if elapsed_s > 0 else None


def _seconds_left(job: JobRow, rate_per_s: float | None) -> float | None:
    if job.state not in queries.UNFINISHED_JOB:
        return 0.0
    if "seconds_left" in job.progress:  # a training knows better than its single item
        left = job.progress["seconds_left"]
        return None if left is None else float(left)
    return None if rate_per_s is None else (job.total - job.done - job.failed) / rate_per_s
