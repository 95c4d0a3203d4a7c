"""What becomes of an error that nobody foresaw: no worker process."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image
from sqlalchemy import select

from core.actors import Actor
from core.imaging import DecodedImage
from core.quality import ImageMeasures
from core.services import chunks, classification, jobs
from core.services.active_models import ModelCache
from core.services.copies import KnownPrints
from core.services.jobs import JobProgress
from core.settings import Settings
from core.worker import kinds, stopping
from core.worker.tasks import run_task
from core.worker.workplace import Workplace
from db.engine import reading
from db.rows import ImageRow, JobChunkRow, ListingRow
from db.states import ImageState, JobState, ListingState
from tests.worker import catalog


@pytest.fixture
def place(any_engine: sa.Engine, any_settings: Settings, actor: Actor, tmp_path: Path) -> Workplace:
    """A workplace with a job of five photos."""
    catalog.draw_photos(tmp_path / "photos", count=5)
    catalog.import_photos(any_engine, any_settings, actor, tmp_path / "photos")
    models = ModelCache(any_engine, any_settings)
    return Workplace(any_engine, any_settings, models, KnownPrints(any_engine))


def work_to_the_end(place: Workplace, actor: Actor) -> JobProgress:
    while waiting := chunks.list_unfinished(place.engine, kind="classification"):
        for chunk_id, _ in waiting:
            run_task(place, "classification", chunk_id)
    (job,) = jobs.list_jobs(place.engine, actor=actor)
    return job


def test_a_photo_that_raises_fails_alone(
    place: Workplace, actor: Actor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measure = classification.measure
    bad_pixels = np.asarray(Image.open(tmp_path / "photos" / "002.png"))

    def measure_or_fail(image: DecodedImage) -> ImageMeasures:
        if np.array_equal(image.pixels, bad_pixels):
            raise RuntimeError("no such colour")
        return measure(image)

    monkeypatch.setattr(classification, "measure", measure_or_fail)
    job = work_to_the_end(place, actor)
    assert job.state == JobState.DONE
    assert (job.done, job.failed) == (4, 1)
    with reading(place.engine) as session:
        bad = session.scalars(select(ImageRow).where(ImageRow.state == ImageState.UNREADABLE)).one()
        assert bad.reason == "this photo could not be worked on: RuntimeError: no such colour"
        states = session.scalars(select(ListingRow.state)).all()
        assert states == [ListingState.NEEDS_REVIEW] * 5


def test_a_worker_that_stops_begins_no_other_chunk(place: Workplace) -> None:
    ((chunk_id, _),) = chunks.list_unfinished(place.engine, kind="classification")
    place.stop.set()
    with pytest.raises(stopping.WorkerStopping):
        run_task(place, "classification", chunk_id)
    with reading(place.engine) as session:
        assert session.scalars(select(JobChunkRow.attempts)).one() == 0


def test_a_full_disk_fails_the_job_once_that_can_be_stored(
    place: Workplace, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = sqlite3.OperationalError("database or disk is full")

    def fail(*_: object, **__: object) -> None:
        raise sa.exc.OperationalError("INSERT", None, full)

    monkeypatch.setattr(classification, "classify_chunk", fail)
    monkeypatch.setattr(stopping, "FIRST_WAIT_S", 0.01)
    fail_chunk = kinds.TASK_KINDS["classification"].fail
    answers = iter((fail, fail, fail_chunk))

    def fail_at_last(*given: Any) -> None:
        next(answers)(*given)

    changed = replace(kinds.TASK_KINDS["classification"], fail=fail_at_last)
    monkeypatch.setitem(kinds.TASK_KINDS, "classification", changed)
    job = work_to_the_end(place, actor)
    assert job.state == JobState.FAILED
    assert "disk is full" in (job.error or "")


def test_an_error_of_loading_the_models_fails_the_job(
    place: Workplace, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise MemoryError("4 GB")

    monkeypatch.setattr(place.models, "current", fail)
    job = work_to_the_end(place, actor)
    assert (job.state, job.error) == (JobState.FAILED, "MemoryError: 4 GB")
