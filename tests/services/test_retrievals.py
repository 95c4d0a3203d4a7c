"""Networks compared as embedders: real ones, with random weights, on small photos."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ForbiddenError, InvalidInputError
from core.services.models import ModelVersion
from core.services.retrievals import list_embedders, measure_embedder
from core.settings import Settings
from db.engine import reading
from db.rows import HeldOutReadRow
from tests.training.trees import COLOURS, draw
from tests.worker.catalog import LABELS, add_model


@pytest.fixture
def version(engine: sa.Engine, settings: Settings, actor: Actor) -> ModelVersion:
    return add_model(engine, settings, actor)


def make_data(folder: Path, *parts: str) -> str:
    for part in parts:
        for label, colour in zip(LABELS, COLOURS.values(), strict=True):
            for number in range(2):
                path = folder.joinpath(part, *label.split(" > "), f"{number}.png")
                draw(path, colour, seed=number + len(part))
    return str(folder)


def count_reads(engine: sa.Engine) -> int:
    with reading(engine) as session:
        return session.scalar(sa.select(sa.func.count()).select_from(HeldOutReadRow)) or 0


def test_a_version_and_the_packaged_network_are_measured_once(
    engine: sa.Engine, settings: Settings, actor: Actor, version: ModelVersion, tmp_path: Path
) -> None:
    data = make_data(tmp_path / "labelled", "train", "test")
    steps: list[tuple[int, int]] = []

    def look(version_id: int | None):
        return measure_embedder(
            engine,
            settings,
            actor=actor,
            version_id=version_id,
            data=data,
            on_progress=lambda done, total: steps.append((done, total)),
        )

    found = {id_: look(id_) for id_ in (version.id, None)}
    total = 2 * 2 * len(LABELS)
    assert steps == 2 * [(at + 1, total) for at in range(total)]
    assert found[None].name.endswith("as it is packaged")
    assert found[None].recall_at_1 == 1.0  # plain colours
    assert found[None].dimensions == 1280
    assert found[version.id].name == version.name
    assert 0 < found[version.id].mean_precision <= 1
    assert look(version.id) == found[version.id]
    assert len(steps) == 2 * total
    assert count_reads(engine) == 1
    listed = list_embedders(engine, actor=actor, data_name="labelled")
    assert set(listed) == set(found.values())
    assert [each.mean_precision for each in listed] == sorted(
        (each.mean_precision for each in listed), reverse=True
    )
    assert list_embedders(engine, actor=actor, data_name="other") == ()


def test_data_without_both_splits_and_others_than_managers_are_refused(
    engine: sa.Engine, settings: Settings, actor: Actor, tmp_path: Path
) -> None:
    data = make_data(tmp_path / "labelled", "train")
    with pytest.raises(InvalidInputError, match="no split 'test'"):
        measure_embedder(engine, settings, actor=actor, version_id=None, data=data)
    reviewer = Actor(actor.id, "x", "reviewer")
    with pytest.raises(ForbiddenError):
        measure_embedder(engine, settings, actor=reviewer, version_id=None, data=data)
    with pytest.raises(ForbiddenError):
        list_embedders(engine, actor=reviewer, data_name="labelled")
