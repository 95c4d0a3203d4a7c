"""Train a network and put it to use; also as a job of the worker.

A training is asked for in ``training_requests``, which loads no torch.
"""

import shutil
import time
from dataclasses import asdict
from pathlib import Path

import sqlalchemy as sa

from core.actors import Actor, require
from core.errors import NotFoundError
from core.imaging import ImageLimits
from core.models import checkpoint
from core.models.architectures import get_architecture
from core.models.checkpoint import LoadedModel
from core.models.weights import FILE_PREFIX
from core.services.datasets import open_dataset
from core.services.ensembles import refresh_ensemble
from core.services.measuring import record_training
from core.services.models import ModelVersion, load_version, register_checkpoint
from core.settings import Settings
from core.storage import work_folder
from core.training import TrainingRequest, distributed
from core.training.fitting import CANCELLED
from core.training.progress import OnProgress, ShouldStop, TrainingProgress
from core.training.trainer import Resources, Trained, train
from db.engine import reading, transaction
from db.queries import jobs as job_queries
from db.queries import models as model_queries
from db.rows import UserRow

_REPORT_EVERY_S = 0.5


def train_and_register(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    request: TrainingRequest,
    on_progress: OnProgress,
    should_stop: ShouldStop,
    resume: bool = False,
) -> ModelVersion | None:
    """Train, register the checkpoint, and make it the active version of its architecture.

    What was trained until a cancel is registered too, but not made active.

    Args:
        resume: Go on where a training of the same recipe and data was killed.

    Returns:
        The version; None in all but the first of several processes.

    Raises:
        ForbiddenError: The actor may not train.
        InvalidInputError: The request or the data cannot be used.
        WeightsUnavailableError: The first weights could not be had.
        JobCancelledError: ``should_stop`` said so before the first epoch was done.
    """
    require(actor, "train")
    recipe = request.resolve()
    trained = train(
        request,
        open_dataset(engine, settings, actor=actor, data=request.data),
        resources=_resources(settings),
        on_progress=on_progress,
        should_stop=should_stop,
        teacher=_load_named(engine, settings, recipe.teacher),
        stem_from=_load_named(engine, settings, recipe.stem_from),
        resume=resume,
    )
    if distributed.rank() != 0:
        return None
    version = _register(engine, settings, actor, trained)
    refresh_ensemble(engine, settings, actor=actor)
    if trained.folder:
        shutil.rmtree(trained.folder, ignore_errors=True)
    return version


def _register(
    engine: sa.Engine, settings: Settings, actor: Actor, trained: Trained
) -> ModelVersion:
    """Keep the network, and what it said of the pictures that measured it."""
    activate = trained.stopped != CANCELLED
    with work_folder(settings.work_dir) as folder:
        path = folder / "trained.safetensors"
        checkpoint.save(path, network=trained.network, card=trained.card)
        version = register_checkpoint(engine, settings, actor=actor, path=path, activate=activate)
    record_training(
        engine,
        settings,
        actor=actor,
        version_id=version.id,
        data_name=trained.card.metrics["training"]["data"]["name"],
        looked_at=trained.looked_at,
    )
    return version


def _load_named(engine: sa.Engine, settings: Settings, name: str) -> LoadedModel | None:
    """Return the model that a recipe names: by architecture, by a version's id, by a file.

    Raises:
        NotFoundError: There is no such version.
        CheckpointError: Its file is missing or damaged.
    """
    if not name:
        return None
    if name.startswith(FILE_PREFIX):
        return checkpoint.load(Path(name.removeprefix(FILE_PREFIX)))
    if name.isdecimal():
        return load_version(engine, settings, version_id=int(name)).model
    get_architecture(name)
    with reading(engine) as session:
        ids = [row.id for row in model_queries.list_active(session) if row.arch == name]
    if not ids:
        raise NotFoundError(
            f"there is no active version of {name}; first run: catalens train --arch {name}"
        )
    return load_version(engine, settings, version_id=ids[0]).model


def run_training_job(engine: sa.Engine, settings: Settings, job_id: int) -> ModelVersion | None:
    """Do the training that a job of kind ``training`` asks for; its params are the request.

    A training that was killed goes on after its last epoch.

    Writes to the job's progress twice a second at most: stage, done, total, epoch, epochs,
    loss, val_accuracy, seconds_left and curve.

    Raises:
        NotFoundError: No job has this id.
        JobCancelledError: The job was cancelled; and whatever ``train_and_register`` raises.
    """
    with reading(engine) as session:
        job = job_queries.find_job(session, job_id=job_id)
        if job is None:
            raise NotFoundError(f"no job {job_id}")
        request = TrainingRequest.from_dict(job.params)
        user = session.get_one(UserRow, job.created_by)
        actor = Actor(id=user.id, name=user.name, role=user.role)
    return train_and_register(
        engine,
        settings,
        actor=actor,
        request=request,
        on_progress=_every(_REPORT_EVERY_S, lambda progress: _write(engine, job_id, progress)),
        should_stop=_asked_every(_REPORT_EVERY_S, lambda: _is_cancelled(engine, job_id)),
        resume=True,
    )


def _resources(settings: Settings) -> Resources:
    return Resources(
        limits=ImageLimits.of(settings),
        device=settings.device,
        precision=settings.precision,
        decode_threads=settings.decode_threads,
        snapshots_dir=settings.training_dir,
    )


def _every(seconds: float, report: OnProgress) -> OnProgress:
    """Pass on a progress when this much time has gone by, and whenever the stage changes."""
    last: tuple[str, float] = ("", 0.0)

    def on_progress(progress: TrainingProgress) -> None:
        nonlocal last
        now = time.monotonic()
        if progress.stage != last[0] or now - last[1] >= seconds:
            last = (progress.stage, now)
            report(progress)

    return on_progress


def _asked_every(seconds: float, ask: ShouldStop) -> ShouldStop:
    """Ask at most this often; in between the answer stands."""
    asked_at, answer = float("-inf"), False

    def should_stop() -> bool:
        nonlocal asked_at, answer
        if time.monotonic() - asked_at >= seconds:
            asked_at, answer = time.monotonic(), ask()
        return answer

    return should_stop


def _write(engine: sa.Engine, job_id: int, progress: TrainingProgress) -> None:
    with transaction(engine) as session:
        job_queries.set_progress(session, job_id=job_id, progress=asdict(progress))


def _is_cancelled(engine: sa.Engine, job_id: int) -> bool:
    with reading(engine) as session:
        return job_queries.is_cancelled(session, job_id=job_id)
