from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import (
    CheckpointError,
    ForbiddenError,
    InvalidInputError,
    JobCancelledError,
    NotFoundError,
)
from core.services import jobs
from core.services.models import ModelVersion, list_versions, load_active
from core.services.training import run_training_job, train_and_register
from core.settings import Settings
from core.training import TrainingRequest
from db.engine import transaction
from tests.training.trees import COLOURS, make_tree


@pytest.fixture
def request_(tmp_path: Path) -> TrainingRequest:
    tree = make_tree(tmp_path / "tree")
    return TrainingRequest(
        "custom_cnn", str(tree), changes={"epochs": 2, "image_size_px": 32, "batch_size": 8}
    )


def add_job(engine: sa.Engine, actor: Actor, request: TrainingRequest) -> int:
    with transaction(engine) as session:
        return jobs.add_job(session, kind="training", actor=actor, params=request.to_dict())


def test_what_was_trained_is_in_use(
    engine: sa.Engine, settings: Settings, actor: Actor, request_: TrainingRequest
) -> None:
    version = train_small(engine, settings, actor, request_)
    assert version.metrics["splits"]["validation"]["count"] == 6
    assert load_active(engine, settings).models[0].model.labels == tuple(COLOURS)


def test_a_job_trains_and_shows_how_far_it_is(
    any_engine: sa.Engine, settings: Settings, actor: Actor, request_: TrainingRequest
) -> None:
    job_id = add_job(any_engine, actor, request_)
    version = run_training_job(any_engine, settings, job_id)
    assert list_versions(any_engine, actor=actor) == (version,)
    progress = jobs.get_progress(any_engine, actor=actor, job_id=job_id).detail
    assert progress["stage"] == "measuring"
    assert [point["epoch"] for point in progress["curve"]] == [1, 2]
    assert progress["val_accuracy"] == progress["curve"][-1]["val_top1"]


def test_a_cancelled_job_registers_nothing(
    engine: sa.Engine, settings: Settings, actor: Actor, request_: TrainingRequest
) -> None:
    job_id = add_job(engine, actor, request_)
    jobs.cancel(engine, actor=actor, job_id=job_id)
    with pytest.raises(JobCancelledError):
        run_training_job(engine, settings, job_id)
    assert list_versions(engine, actor=actor) == ()


def test_a_job_that_does_not_exist_is_named(engine: sa.Engine, settings: Settings) -> None:
    with pytest.raises(NotFoundError, match="77"):
        run_training_job(engine, settings, 77)


def test_a_reviewer_may_not_train(
    engine: sa.Engine, settings: Settings, request_: TrainingRequest
) -> None:
    with pytest.raises(ForbiddenError):
        train_small(engine, settings, Actor(id=2, name="Rita", role="reviewer"), request_)


@pytest.mark.parametrize("by", ["architecture", "number", "file"])
def test_a_teacher_is_named_by_architecture_number_or_file(
    engine: sa.Engine, settings: Settings, actor: Actor, request_: TrainingRequest, by: str
) -> None:
    teacher = train_small(engine, settings, actor, request_)
    (path,) = settings.models_dir.glob("*.safetensors")
    name = {"architecture": "custom_cnn", "number": str(teacher.id), "file": f"file:{path}"}[by]
    taught = replace(request_, changes={**request_.changes, "teacher": name})
    student = train_small(engine, settings, actor, taught)
    assert student.metrics["training"]["teacher"] == teacher.digest


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("efficientnet_lite0", NotFoundError, "catalens train --arch efficientnet_lite0"),
        ("77", NotFoundError, "77"),
        ("file:/nowhere.safetensors", CheckpointError, "/nowhere.safetensors"),
        ("resnet", InvalidInputError, "resnet50"),
    ],
)
def test_a_teacher_that_is_not_there_is_named(
    engine: sa.Engine,
    settings: Settings,
    actor: Actor,
    request_: TrainingRequest,
    name: str,
    error: type[Exception],
    words: str,
) -> None:
    taught = replace(request_, changes={**request_.changes, "teacher": name})
    with pytest.raises(error, match=words):
        train_small(engine, settings, actor, taught)


def train_small(
    engine: sa.Engine, settings: Settings, actor: Actor, request: TrainingRequest
) -> ModelVersion:
    version = train_and_register(
        engine,
        settings,
        actor=actor,
        request=request,
        on_progress=lambda _: None,
        should_stop=lambda: False,
    )
    assert version is not None
    return version
