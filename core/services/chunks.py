"""The life of a chunk: the piece of a job that is done, and repeated, as a whole.

A chunk may be run more than once (a worker dies, two workers take it), so every step
here is safe to repeat: a start is counted before the work begins, and results are
written in the transaction that ends the chunk, which only the first run can do.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.services.states import UNDECIDED
from db.engine import reading, transaction
from db.queries import jobs as queries
from db.queries import limits as limit_queries
from db.rows import JobChunkRow, JobRow
from db.states import ChunkState, JobState

log = logging.getLogger(__name__)

# A chunk that took its worker along this many times is not tried again as it is. A single
# photo gets one try more: chance, such as a machine that is switched off, hits it less easily.
MAX_CRASHES = 2
MAX_CRASHES_ALONE = 3

PHOTOS_A_CHUNK = 500  # of those of which only rows are read


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk whose start was counted.

    Attributes:
        items: Ids; none when the job is a single piece of work.
        crashes: Earlier starts that neither ended nor were handed back.
    """

    id: int
    job_id: int
    batch_id: int | None
    items: tuple[int, ...]
    crashes: int

    @property
    def is_dangerous(self) -> bool:
        return self.crashes >= (MAX_CRASHES_ALONE if len(self.items) == 1 else MAX_CRASHES)


def list_unfinished(
    engine: sa.Engine, *, kind: str, limit: int = 200
) -> tuple[tuple[int, datetime], ...]:
    """Return (id, when it was made) of the oldest chunks that jobs of the kind still need."""
    with reading(engine) as session:
        return tuple(queries.list_unfinished_chunks(session, kind=kind, limit=limit))


def list_undecided(session: Session) -> Iterator[Sequence[int]]:
    """Yield the photos of undecided listings, in pieces of a job."""
    photo_ids = limit_queries.list_photo_ids(session, states=UNDECIDED)
    for start in range(0, len(photo_ids), PHOTOS_A_CHUNK):
        yield photo_ids[start : start + PHOTOS_A_CHUNK]


def begin(engine: sa.Engine, *, chunk_id: int) -> Chunk | None:
    """Count a start of the chunk; None when nobody needs it any more."""
    with transaction(engine) as session:
        seen = queries.find_chunk(session, chunk_id=chunk_id)
        job = seen and queries.find_job_for_update(session, job_id=seen.job_id)
        row = queries.find_chunk(session, chunk_id=chunk_id)
        if not job or not row or not _is_wanted(job, row.state):
            return None
        chunk = _chunk(row, job)
        row.attempts += 1
        row.state = ChunkState.RUNNING
        job.state = JobState.RUNNING
        job.started_at = job.started_at or datetime.now(UTC)
        return chunk


def find_begun(engine: sa.Engine, *, chunk_id: int) -> Chunk | None:
    """Return the chunk if its start was counted and it has not ended."""
    with reading(engine) as session:
        row = queries.find_chunk(session, chunk_id=chunk_id)
        job = row and queries.find_job(session, job_id=row.job_id)
        return _chunk(row, job) if row and job and row.state == ChunkState.RUNNING else None


def hand_back(engine: sa.Engine, *, chunk: Chunk) -> None:
    """Take the counted start back: the worker stops, which is not the chunk's fault."""
    with transaction(engine) as session:
        row = queries.find_chunk(session, chunk_id=chunk.id)
        if row and row.state == ChunkState.RUNNING:
            row.attempts -= 1
            row.state = ChunkState.PENDING


def is_cancelled(engine: sa.Engine, *, job_id: int) -> bool:
    with reading(engine) as session:
        return queries.is_cancelled(session, job_id=job_id)


def lock(session: Session, *, chunk: Chunk) -> bool:
    """Lock the job for writing the chunk's results; False when nobody wants them any more."""
    job = queries.find_job_for_update(session, job_id=chunk.job_id)
    row = queries.find_chunk(session, chunk_id=chunk.id)
    return bool(job and row and _is_wanted(job, row.state))


def complete(session: Session, *, chunk: Chunk, done: int, failed: int) -> None:
    """End the chunk, and the job with its last one; the caller holds ``lock``."""
    row = queries.find_chunk(session, chunk_id=chunk.id)
    job = queries.find_job_for_update(session, job_id=chunk.job_id)
    assert row
    assert job
    row.state = ChunkState.DONE
    job.done += done
    job.failed += failed
    session.flush()
    if job.done + job.failed == job.total:
        now = datetime.now(UTC)
        queries.finish_job(session, job_id=job.id, state=JobState.DONE, error=None, now=now)
        log.info("job %d is done: %d went well, %d failed", job.id, job.done, job.failed)


def complete_single(engine: sa.Engine, *, chunk: Chunk) -> None:
    """End a job that is a single piece of work."""
    with transaction(engine) as session:
        if lock(session, chunk=chunk):
            complete(session, chunk=chunk, done=1, failed=0)


def split(engine: sa.Engine, *, chunk: Chunk) -> None:
    """Replace the chunk by one chunk an item, so that a bad item takes no other along."""
    with transaction(engine) as session:
        if not lock(session, chunk=chunk):
            return
        _replace(session, chunk, [[item] for item in chunk.items])
    log.warning("chunk %d is now one chunk an item, to find the bad one", chunk.id)


def expand(session: Session, *, chunk: Chunk, items: Sequence[int], size: int) -> None:
    """Replace a job's one chunk, which had no items, by chunks of these; the caller holds ``lock``.

    Args:
        size: So many items a chunk.
    """
    job = queries.find_job_for_update(session, job_id=chunk.job_id)
    assert job
    job.total = len(items)
    parts = [items[start : start + size] for start in range(0, len(items), size)]
    _replace(session, chunk, parts)


def fail(engine: sa.Engine, *, chunk_id: int, error: str) -> None:
    """End the chunk's job as failed, unless another worker has done the chunk meanwhile."""
    with reading(engine) as session:
        row = queries.find_chunk(session, chunk_id=chunk_id)
        assert row
        job_id, state = row.job_id, row.state
    if state in queries.UNFINISHED_CHUNK:
        fail_job(engine, job_id=job_id, error=error)


def fail_job(engine: sa.Engine, *, job_id: int, error: str) -> None:
    """End the job as failed and let go of its listings."""
    with transaction(engine) as session:
        job = queries.find_job_for_update(session, job_id=job_id)
        now = datetime.now(UTC)
        if job and queries.finish_job(
            session, job_id=job_id, state=JobState.FAILED, error=error, now=now
        ):
            log.error("job %d failed: %s", job_id, error)
            if job.batch_id is not None:
                queries.release_listings(session, batch_id=job.batch_id)


def _replace(session: Session, chunk: Chunk, parts: Sequence[Sequence[int]]) -> None:
    row = queries.find_chunk(session, chunk_id=chunk.id)
    assert row
    row.state = ChunkState.SPLIT
    first = queries.get_last_position(session, job_id=chunk.job_id) + 1
    queries.insert_chunks(session, job_id=chunk.job_id, first_position=first, chunks=parts)


def _chunk(row: JobChunkRow, job: JobRow) -> Chunk:
    return Chunk(row.id, job.id, job.batch_id, tuple(row.items), row.attempts)


def _is_wanted(job: JobRow, chunk_state: str) -> bool:
    return job.state in queries.UNFINISHED_JOB and chunk_state in queries.UNFINISHED_CHUNK
