"""The sample catalog as a job: draw it, import it, train the three models on it.

The job may be killed and run again at any point: every step first looks whether it was
done already. Photos are classified by jobs of their own, one after each training, so that
predictions of the first model show while the second is being trained.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.actors import Actor
from core.errors import ConflictError, JobCancelledError, NotFoundError
from core.model_names import model_name
from core.sample import MANIFEST, render_catalog
from core.services import jobs
from core.services.imports import import_path
from core.services.models import ModelVersion, list_versions
from core.settings import Settings
from db.engine import reading, transaction
from db.queries import jobs as queries
from db.rows import JobRow, UserRow
from db.states import JobState

if TYPE_CHECKING:  # pages ask for the sample, and no page may load torch
    from core.training.progress import TrainingProgress

JOB_KIND = "sample"
BATCH_NAME = "Sample catalog"
_REPORT_EVERY_S = 0.5

Advance = Callable[[float], None]
"""Takes how much of the step is done, 0 to 1. Raises JobCancelledError."""


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of the job, and what its steps need.

    Attributes:
        since: When the job was asked for; models trained before are not its own.
    """

    engine: sa.Engine
    settings: Settings
    actor: Actor
    job_id: int
    since: datetime

    @property
    def folder(self) -> Path:
        return self.settings.data_dir / "sample"


@dataclass(frozen=True, slots=True)
class _Step:
    """A step of the job.

    Attributes:
        label: Shown while it runs.
        share: Share of the whole time that it takes, about.
    """

    label: str
    share: float
    do: Callable[[_Run, Advance], None]


def start_sample(engine: sa.Engine, *, actor: Actor) -> int:
    """Ask the worker for the sample catalog; return the job's id.

    Raises:
        ForbiddenError: The actor may not train.
        ConflictError: It is there already, or on its way.
    """
    with transaction(engine) as session:
        session.get(UserRow, actor.id, with_for_update=True)  # a second click waits here
        for job in queries.list_jobs(session, kind=JOB_KIND, limit=100):
            if job.state in (JobState.DONE, *queries.UNFINISHED_JOB):
                state = "there already" if job.state == JobState.DONE else "being prepared"
                raise ConflictError(f"the sample catalog is {state} (job {job.id})")
        return jobs.add_job(session, kind=JOB_KIND, actor=actor, params={})


def run_sample_job(engine: sa.Engine, settings: Settings, job_id: int) -> None:
    """Do all steps, in the worker. Progress: step, fraction, seconds_left.

    Raises:
        NotFoundError: No job has this id.
        JobCancelledError: The job was cancelled; and whatever a step raises.
    """
    run = _open(engine, settings, job_id)
    report = _Report(engine, job_id)
    before = 0.0
    for step in STEPS:
        step.do(run, partial(report, step, before))
        before += step.share


def _open(engine: sa.Engine, settings: Settings, job_id: int) -> _Run:
    with reading(engine) as session:
        job = queries.find_job(session, job_id=job_id)
        if job is None:
            raise NotFoundError(f"no job {job_id}")
        user = session.get_one(UserRow, job.created_by)
        actor = Actor(id=user.id, name=user.name, role=user.role)
        return _Run(engine, settings, actor, job_id, job.created_at)


class _Report:
    """Writes the job's progress, and asks whether it was cancelled, twice a second at most."""

    def __init__(self, engine: sa.Engine, job_id: int) -> None:
        self._engine = engine
        self._job_id = job_id
        self._started_at = time.monotonic()
        self._last: tuple[str, float] = ("", 0.0)

    def __call__(self, step: _Step, before: float, done: float) -> None:
        now = time.monotonic()
        label, at = self._last
        if step.label == label and now - at < _REPORT_EVERY_S:
            return
        self._last = (step.label, now)
        fraction = before + step.share * done
        elapsed_s = now - self._started_at
        progress = {
            "step": step.label,
            "fraction": fraction,
            "seconds_left": elapsed_s * (1 - fraction) / fraction if fraction > 0.02 else None,
        }
        with transaction(self._engine) as session:
            if queries.is_cancelled(session, job_id=self._job_id):
                raise JobCancelledError(f"job {self._job_id} was cancelled")
            queries.set_progress(session, job_id=self._job_id, progress=progress)


def _draw(run: _Run, advance: Advance) -> None:
    advance(0.0)
    render_catalog(run.folder, on_progress=lambda done, total: advance(done / total))


def _import(run: _Run, advance: Advance) -> None:
    """Import the incoming listings, and note in the job's params as which batch."""
    advance(0.0)
    if _find_batch_id(run) is not None:
        return
    report = import_path(
        run.engine,
        run.settings,
        actor=run.actor,
        path=run.folder / MANIFEST,
        batch_name=BATCH_NAME,
        on_progress=lambda done, total: advance(done / total),
    )
    with transaction(run.engine) as session:
        session.get_one(JobRow, run.job_id).params = {"batch_id": report.batch_id}


def _find_batch_id(run: _Run) -> int | None:
    with reading(run.engine) as session:
        batch_id: int | None = session.get_one(JobRow, run.job_id).params.get("batch_id")
        return batch_id


def _train(run: _Run, advance: Advance, *, arch: str) -> None:
    """Train one architecture and have the batch classified with it."""
    from core.services.training import train_and_register
    from core.training import quick_request

    advance(0.0)
    version = _find_trained(run, arch) or train_and_register(
        run.engine,
        run.settings,
        actor=run.actor,
        request=quick_request(arch, run.folder / "train"),
        on_progress=lambda progress: advance(_training_share(progress)),
        should_stop=lambda: False,  # advance stops it
        resume=True,
    )
    assert version is not None  # this is the only process
    _classify_with(run, version)


def _find_trained(run: _Run, arch: str) -> ModelVersion | None:
    """Return the version that an earlier run of this job trained."""
    versions = list_versions(run.engine, actor=run.actor)
    mine = (each for each in versions if each.arch == arch and each.created_at >= run.since)
    return next(mine, None)


def _training_share(progress: "TrainingProgress") -> float:
    """Reading the photos takes about a tenth of the time, measuring at the end another."""
    starts = {"reading": (0.0, 0.1), "training": (0.1, 0.8), "measuring": (0.9, 0.1)}
    start, share = starts[progress.stage]
    return start + share * progress.done / max(progress.total, 1)


def _classify_with(run: _Run, version: ModelVersion) -> None:
    """Add a classification job, unless one was added since the version was registered."""
    batch_id = _find_batch_id(run)
    assert batch_id is not None  # the step before saw to it
    with transaction(run.engine) as session:
        for job in queries.list_jobs(session, batch_id=batch_id, kind="classification", limit=100):
            if job.created_at >= version.created_at:
                return
        jobs.add_classification(
            session,
            batch_id=batch_id,
            actor=run.actor,
            chunk_size=run.settings.chunk_size,
        )


STEPS: tuple[_Step, ...] = (
    _Step("drawing 720 product photos", 0.07, _draw),
    _Step("importing the listings", 0.01, _import),
    _Step(f"training {model_name('custom_cnn')}", 0.17, partial(_train, arch="custom_cnn")),
    _Step(f"training {model_name('resnet50')}", 0.43, partial(_train, arch="resnet50")),
    _Step(f"training {model_name('vit')}", 0.32, partial(_train, arch="vit")),
)
