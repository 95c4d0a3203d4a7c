from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from core.actors import Actor
from core.errors import CheckpointError, ForbiddenError
from core.services.models import ModelVersion, list_versions, load_active, register_checkpoint
from core.settings import Settings
from db.engine import reading
from db.rows import CategoryRow
from tests.networks import LABELS, save_random

REVIEWER = Actor(id=2, name="Rita", role="reviewer")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "given.safetensors"
    save_random(path, "custom_cnn")
    return path


def register(engine: sa.Engine, settings: Settings, actor: Actor, path: Path) -> ModelVersion:
    return register_checkpoint(engine, settings, actor=actor, path=path)


def stored(settings: Settings, version: ModelVersion) -> Path:
    return settings.models_dir / f"{version.arch}-{version.digest[:12]}.safetensors"


def test_a_registered_checkpoint_is_active_and_loads(
    any_engine: sa.Engine, settings: Settings, actor: Actor, checkpoint: Path
) -> None:
    version = register(any_engine, settings, actor, checkpoint)
    assert version.state == "active"
    assert version.label_count == len(LABELS)
    assert version.metrics["file_bytes"] == version.file_bytes == checkpoint.stat().st_size
    assert list_versions(any_engine, actor=actor) == (version,)
    active = load_active(any_engine, settings)
    assert active.problems == ()
    assert active.models[0].version_id == version.id
    assert active.models[0].model.labels == LABELS
    with reading(any_engine) as session:
        paths = {row.id: row.path for row in session.scalars(select(CategoryRow))}
    assert tuple(paths[each] for each in active.models[0].category_ids) == LABELS


def test_the_same_checkpoint_twice_is_one_version(
    any_engine: sa.Engine, settings: Settings, actor: Actor, checkpoint: Path
) -> None:
    first = register(any_engine, settings, actor, checkpoint)
    assert register(any_engine, settings, actor, checkpoint).id == first.id
    assert len(list_versions(any_engine, actor=actor)) == 1


def test_a_newer_version_retires_the_one_before(
    any_engine: sa.Engine, settings: Settings, actor: Actor, checkpoint: Path, tmp_path: Path
) -> None:
    register(any_engine, settings, actor, checkpoint)
    save_random(tmp_path / "new.safetensors", "custom_cnn", seed=5)
    newer = register(any_engine, settings, actor, tmp_path / "new.safetensors")
    states = [version.state for version in list_versions(any_engine, actor=actor)]
    assert states == ["active", "retired"]
    assert [each.version_id for each in load_active(any_engine, settings).models] == [newer.id]


def test_a_candidate_is_not_used(
    engine: sa.Engine, settings: Settings, actor: Actor, checkpoint: Path
) -> None:
    version = register_checkpoint(engine, settings, actor=actor, path=checkpoint, activate=False)
    assert version.state == "candidate"
    assert load_active(engine, settings).models == ()


@pytest.mark.parametrize("harm", ["missing", "damaged", "cut short"])
def test_a_broken_file_is_reported_by_name_and_the_others_go_on(
    engine: sa.Engine,
    settings: Settings,
    actor: Actor,
    checkpoint: Path,
    tmp_path: Path,
    harm: str,
) -> None:
    broken = register(engine, settings, actor, checkpoint)
    save_random(tmp_path / "vit.safetensors", "vit")
    good = register(engine, settings, actor, tmp_path / "vit.safetensors")
    path = stored(settings, broken)
    content = path.read_bytes()
    path.unlink()
    if harm == "damaged":
        path.write_bytes(content[:-4] + b"oops")
    elif harm == "cut short":
        path.write_bytes(content[:1000])

    active = load_active(engine, settings)
    assert [each.version_id for each in active.models] == [good.id]
    assert [(each.version_id, each.file_name) for each in active.problems] == [
        (broken.id, path.name)
    ]
    assert path.name in active.problems[0].reason
    assert {v.id: v.problem for v in list_versions(engine, actor=actor)} == {
        good.id: None,
        broken.id: active.problems[0].reason,
    }

    path.write_bytes(content)
    assert len(load_active(engine, settings).models) == 2
    assert all(version.problem is None for version in list_versions(engine, actor=actor))


def test_a_damaged_checkpoint_is_not_registered(
    engine: sa.Engine, settings: Settings, actor: Actor, checkpoint: Path
) -> None:
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    with pytest.raises(CheckpointError):
        register(engine, settings, actor, checkpoint)
    assert list_versions(engine, actor=actor) == ()
    assert not settings.models_dir.exists()


def test_a_reviewer_neither_registers_nor_lists(
    engine: sa.Engine, settings: Settings, checkpoint: Path
) -> None:
    with pytest.raises(ForbiddenError):
        register(engine, settings, REVIEWER, checkpoint)
    with pytest.raises(ForbiddenError):
        list_versions(engine, actor=REVIEWER)
