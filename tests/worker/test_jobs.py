"""Jobs and chunks as rows: no worker process."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from core.actors import Actor
from core.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from core.services import chunks, jobs
from core.services.jobs import JobProgress
from core.settings import Settings
from db.engine import reading, transaction
from db.rows import ImageRow, JobChunkRow, JobRow, ListingRow
from db.states import ChunkState, ImageState, JobState, ListingState
from tests.worker import catalog


@pytest.fixture
def any_settings(any_settings: Settings) -> Settings:
    return any_settings.model_copy(update={"chunk_size": 4})


@pytest.fixture
def job_id(any_engine: sa.Engine, any_settings: Settings, actor: Actor, tmp_path: Path) -> int:
    """A classification of ten photos in three chunks."""
    catalog.draw_photos(tmp_path / "photos", count=10)
    _, job_id = catalog.import_photos(any_engine, any_settings, actor, tmp_path / "photos")
    return job_id


def list_chunk_ids(engine: sa.Engine) -> list[int]:
    return [chunk_id for chunk_id, _ in chunks.list_unfinished(engine, kind="classification")]


def begin(engine: sa.Engine, chunk_id: int) -> chunks.Chunk:
    chunk = chunks.begin(engine, chunk_id=chunk_id)
    assert chunk is not None
    return chunk


def complete(engine: sa.Engine, chunk: chunks.Chunk, *, failed: int = 0) -> bool:
    with transaction(engine) as session:
        if not chunks.lock(session, chunk=chunk):
            return False
        chunks.complete(session, chunk=chunk, done=len(chunk.items) - failed, failed=failed)
        return True


def get_progress(engine: sa.Engine, actor: Actor, job_id: int) -> JobProgress:
    return jobs.get_progress(engine, actor=actor, job_id=job_id)


def test_a_new_job_knows_its_size_and_nothing_of_its_speed(
    any_engine: sa.Engine, actor: Actor, job_id: int
) -> None:
    progress = get_progress(any_engine, actor, job_id)
    assert (progress.state, progress.total, progress.done) == (JobState.QUEUED, 10, 0)
    assert progress.rate_per_s is None
    assert progress.seconds_left is None
    assert [p.job_id for p in jobs.list_jobs(any_engine, actor=actor)] == [job_id]


def test_rate_and_time_left_follow_from_the_counters(
    any_engine: sa.Engine, actor: Actor, job_id: int
) -> None:
    complete(any_engine, begin(any_engine, list_chunk_ids(any_engine)[0]), failed=1)
    with transaction(any_engine) as session:
        session.get_one(JobRow, job_id).started_at = datetime.now(UTC) - timedelta(seconds=800)
    progress = get_progress(any_engine, actor, job_id)
    assert (progress.done, progress.failed) == (3, 1)
    assert progress.rate_per_s == pytest.approx(0.005, rel=0.1)
    assert progress.seconds_left == pytest.approx(1200, rel=0.1)


def test_the_last_chunk_ends_the_job(any_engine: sa.Engine, actor: Actor, job_id: int) -> None:
    for chunk_id in list_chunk_ids(any_engine):
        assert not get_progress(any_engine, actor, job_id).is_finished
        complete(any_engine, begin(any_engine, chunk_id))
    progress = get_progress(any_engine, actor, job_id)
    assert (progress.state, progress.done, progress.seconds_left) == (JobState.DONE, 10, 0.0)


def test_a_chunk_that_is_run_twice_counts_once(
    any_engine: sa.Engine, actor: Actor, job_id: int
) -> None:
    chunk_id = list_chunk_ids(any_engine)[0]
    one, other = begin(any_engine, chunk_id), begin(any_engine, chunk_id)
    assert complete(any_engine, one)
    assert not complete(any_engine, other)
    assert chunks.begin(any_engine, chunk_id=chunk_id) is None
    assert get_progress(any_engine, actor, job_id).done == 4


def test_every_start_is_counted_and_a_handed_back_one_is_not(
    any_engine: sa.Engine, job_id: int
) -> None:
    chunk_id = list_chunk_ids(any_engine)[0]
    assert begin(any_engine, chunk_id).crashes == 0
    chunk = begin(any_engine, chunk_id)
    assert chunk.crashes == 1
    chunks.hand_back(any_engine, chunk=chunk)
    assert begin(any_engine, chunk_id).crashes == 1


def test_a_split_chunk_leaves_one_chunk_an_item(
    any_engine: sa.Engine, actor: Actor, job_id: int
) -> None:
    chunk = begin(any_engine, list_chunk_ids(any_engine)[0])
    chunks.split(any_engine, chunk=chunk)
    chunks.split(any_engine, chunk=chunk)  # a second worker, too late
    with reading(any_engine) as session:
        rows = session.scalars(select(JobChunkRow).order_by(JobChunkRow.position)).all()
        assert [row.state for row in rows].count(ChunkState.SPLIT) == 1
        assert [tuple(row.items) for row in rows[3:]] == [(item,) for item in chunk.items]
    for chunk_id in list_chunk_ids(any_engine):
        complete(any_engine, begin(any_engine, chunk_id))
    assert get_progress(any_engine, actor, job_id).done == 10


def test_a_cancelled_job_takes_no_results(any_engine: sa.Engine, actor: Actor, job_id: int) -> None:
    chunk = begin(any_engine, list_chunk_ids(any_engine)[0])
    assert jobs.cancel(any_engine, actor=actor, job_id=job_id).state == JobState.CANCELLED
    assert not complete(any_engine, chunk)
    assert not list_chunk_ids(any_engine)
    with pytest.raises(ConflictError, match="cancelled"):
        jobs.cancel(any_engine, actor=actor, job_id=job_id)


def test_a_failed_job_says_why_and_lets_its_listings_go(
    any_engine: sa.Engine, actor: Actor, job_id: int
) -> None:
    with transaction(any_engine) as session:
        listing = session.scalars(select(ListingRow)).first()
        assert listing
        listing.state = ListingState.PROCESSING
    chunks.fail(any_engine, chunk_id=list_chunk_ids(any_engine)[0], error="the disk is broken")
    progress = get_progress(any_engine, actor, job_id)
    assert (progress.state, progress.error) == (JobState.FAILED, "the disk is broken")
    with reading(any_engine) as session:
        assert set(session.scalars(select(ListingRow.state))) == {ListingState.RECEIVED}


def test_an_error_of_any_length_is_stored_as_far_as_it_fits(
    any_engine: sa.Engine, actor: Actor, job_id: int
) -> None:
    chunks.fail_job(any_engine, job_id=job_id, error="\0bad " * 2_000)
    error = get_progress(any_engine, actor, job_id).error or ""
    assert (len(error), error[:4], error[-1]) == (4_000, "\N{REPLACEMENT CHARACTER}bad", "…")


def test_a_batch_is_classified_again_when_nothing_works_on_it(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, job_id: int
) -> None:
    batch_id = get_progress(any_engine, actor, job_id).batch_id or 0
    with pytest.raises(ConflictError, match=f"job {job_id} classifies"):
        jobs.classify_batch(any_engine, any_settings, actor=actor, batch_id=batch_id)
    jobs.cancel(any_engine, actor=actor, job_id=job_id)
    with transaction(any_engine) as session:
        image = session.scalars(select(ImageRow)).first()
        assert image
        image.state, image.reason = ImageState.UNREADABLE, "its file was missing"
    again_id = jobs.classify_batch(any_engine, any_settings, actor=actor, batch_id=batch_id)
    assert get_progress(any_engine, actor, again_id).total == 10
    assert len(list_chunk_ids(any_engine)) == 3
    with reading(any_engine) as session:
        images = session.execute(select(ImageRow.state, ImageRow.reason)).all()
        assert set(images) == {(ImageState.READABLE, None)}


def test_only_who_may_upload_has_a_batch_that_is_there_classified_again(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, job_id: int
) -> None:
    reviewer = Actor(id=actor.id, name="r", role="reviewer")
    with pytest.raises(ForbiddenError):
        jobs.classify_batch(any_engine, any_settings, actor=reviewer, batch_id=1)
    with pytest.raises(NotFoundError, match="no batch 999"):
        jobs.classify_batch(any_engine, any_settings, actor=actor, batch_id=999)


def test_only_known_kinds_and_allowed_actors_get_a_job(
    any_engine: sa.Engine, actor: Actor, job_id: int
) -> None:
    reviewer = Actor(id=actor.id, name="r", role="reviewer")
    with transaction(any_engine) as session:
        with pytest.raises(InvalidInputError, match="no job kind 'dance'"):
            jobs.add_job(session, kind="dance", actor=actor, params={})
        with pytest.raises(ForbiddenError):
            jobs.add_job(session, kind="training", actor=reviewer, params={})
        with pytest.raises(InvalidInputError, match="no photos"):
            jobs.add_classification(session, batch_id=999, actor=actor)
    with pytest.raises(ForbiddenError):
        jobs.cancel(any_engine, actor=reviewer, job_id=job_id)
    with pytest.raises(NotFoundError):
        get_progress(any_engine, actor, 999)


def test_chunks_never_part_the_photos_of_a_listing() -> None:
    photos = [(1, 10), (1, 11), (2, 20), (3, 30), (3, 31), (3, 32), (4, 40)]
    assert list(jobs._whole_listings(photos, 3)) == [[10, 11, 20], [30, 31, 32], [40]]
    assert list(jobs._whole_listings(photos, 1)) == [[10, 11], [20], [30, 31, 32], [40]]
