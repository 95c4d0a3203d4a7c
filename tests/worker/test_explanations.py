"""Grad-CAM pictures on request: no worker process."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from core.actors import Actor
from core.errors import ForbiddenError, NotFoundError
from core.services import chunks, classification, explanations, map_agreement
from core.services.active_models import ModelCache
from core.services.copies import KnownPrints
from core.services.explanations import Explanation
from core.services.map_agreement import MapAgreement
from core.settings import Settings
from core.worker.kinds import TASK_KINDS
from core.worker.workplace import Workplace
from db.engine import reading, transaction
from db.rows import ExplanationRow, PredictionRow
from db.states import ExplanationState
from tests.worker import catalog


@pytest.fixture
def models(engine: sa.Engine, settings: Settings) -> ModelCache:
    return ModelCache(engine, settings)


@pytest.fixture
def prediction_id(
    engine: sa.Engine, settings: Settings, actor: Actor, tmp_path: Path, models: ModelCache
) -> int:
    [only] = predict(engine, settings, actor, tmp_path, models, archs=("custom_cnn",))
    return only


def predict(
    engine: sa.Engine,
    settings: Settings,
    actor: Actor,
    tmp_path: Path,
    models: ModelCache,
    *,
    archs: Sequence[str],
) -> Sequence[int]:
    """Have one photo looked at by a model of each architecture; return the predictions' ids."""
    for arch in archs:
        catalog.add_model(engine, settings, actor, arch=arch)
    catalog.draw_photos(tmp_path / "photos", count=1)
    catalog.import_photos(engine, settings, actor, tmp_path / "photos")
    for chunk_id, _ in chunks.list_unfinished(engine, kind="classification"):
        chunk = chunks.begin(engine, chunk_id=chunk_id)
        assert chunk
        classification.classify_chunk(
            engine, settings, chunk=chunk, models=models, raise_if_stopped=lambda: None
        )
    with reading(engine) as session:
        return session.scalars(select(PredictionRow.id).order_by(PredictionRow.id)).all()


def request(engine: sa.Engine, settings: Settings, actor: Actor, prediction_id: int) -> Explanation:
    return explanations.request(
        engine,
        settings,
        actor=actor,
        prediction_id=prediction_id,
        category_id=predicted(engine, prediction_id),
    )


def predicted(engine: sa.Engine, prediction_id: int) -> int:
    """Return the category that was predicted; any for a prediction that is not there."""
    with reading(engine) as session:
        row = session.get(PredictionRow, prediction_id)
        return 1 if row is None else row.category_id


def draw_pending(engine: sa.Engine, settings: Settings, models: ModelCache) -> int:
    place = Workplace(engine, settings, models, KnownPrints(engine))
    pending = explanations.list_pending(engine)
    for explanation_id, _ in pending:
        TASK_KINDS["explanation"].run(place, explanation_id)
    return len(pending)


def test_a_picture_is_drawn_once_and_again_when_the_cache_was_emptied(
    engine: sa.Engine, settings: Settings, actor: Actor, prediction_id: int, models: ModelCache
) -> None:
    assert request(engine, settings, actor, prediction_id).state == ExplanationState.PENDING
    assert draw_pending(engine, settings, models) == 1
    done = request(engine, settings, actor, prediction_id)
    assert done.state == ExplanationState.DONE
    assert done.path
    with Image.open(done.path) as picture:
        assert picture.size == (40, 40)
    assert draw_pending(engine, settings, models) == 0
    done.path.unlink()
    assert request(engine, settings, actor, prediction_id).state == ExplanationState.PENDING
    assert draw_pending(engine, settings, models) == 1
    assert done.path.exists()
    explanations.heat_path(done.path).unlink()
    assert request(engine, settings, actor, prediction_id).state == ExplanationState.PENDING


def test_the_maps_of_all_models_of_a_photo_are_compared(
    engine: sa.Engine, settings: Settings, actor: Actor, tmp_path: Path, models: ModelCache
) -> None:
    archs = ("custom_cnn", "resnet50", "vit")
    first, *_ = predict(engine, settings, actor, tmp_path, models, archs=archs)

    def compare(by: Actor = actor) -> MapAgreement | None:
        return map_agreement.request(
            engine, settings, actor=by, prediction_id=first, category_id=predicted(engine, first)
        )

    assert compare() is None
    assert draw_pending(engine, settings, models) == 3
    found = compare()
    assert found is not None
    assert (found.models, found.by_chance) == (3, 0.2)
    assert found.overlap is None or 0 <= found.overlap <= 1
    with reading(engine) as session:
        drawn = session.scalars(select(ExplanationRow.category_id)).all()
    assert set(drawn) == {predicted(engine, first)}
    with pytest.raises(ForbiddenError):
        compare(by=Actor(actor.id, "s", "staff"))


def test_one_model_alone_has_nobody_to_agree_with(
    engine: sa.Engine, settings: Settings, actor: Actor, prediction_id: int, models: ModelCache
) -> None:
    def compare(id_: int = prediction_id) -> MapAgreement | None:
        return map_agreement.request(
            engine, settings, actor=actor, prediction_id=id_, category_id=predicted(engine, id_)
        )

    assert compare() is None
    draw_pending(engine, settings, models)
    assert compare() == MapAgreement(overlap=None, by_chance=0.2, models=1)
    with pytest.raises(NotFoundError, match="no prediction 999"):
        compare(999)


def test_a_failure_is_stored_with_its_reason_and_tried_again_later(
    engine: sa.Engine, settings: Settings, actor: Actor, prediction_id: int, models: ModelCache
) -> None:
    (path,) = settings.models_dir.glob("custom_cnn-*")
    path.unlink()
    request(engine, settings, actor, prediction_id)
    draw_pending(engine, settings, models)
    failed = request(engine, settings, actor, prediction_id)
    assert failed.state == ExplanationState.FAILED
    assert path.name in (failed.error or "")
    with transaction(engine) as session:
        row = session.scalars(select(ExplanationRow)).one()
        row.created_at -= explanations.RETRY_FAILED_AFTER + timedelta(seconds=1)
    assert request(engine, settings, actor, prediction_id).state == ExplanationState.PENDING


def test_a_picture_that_killed_the_worker_is_not_tried_again(
    engine: sa.Engine, settings: Settings, actor: Actor, prediction_id: int, models: ModelCache
) -> None:
    request(engine, settings, actor, prediction_id)
    (explanation_id, _), *_ = explanations.list_pending(engine)
    # And here the worker dies.
    assert explanations.begin(engine, explanation_id=explanation_id) is not None
    assert request(engine, settings, actor, prediction_id).error is None
    draw_pending(engine, settings, models)
    assert request(engine, settings, actor, prediction_id).error == explanations.DIED


def test_a_database_that_is_away_meanwhile_is_no_death(
    engine: sa.Engine,
    settings: Settings,
    actor: Actor,
    prediction_id: int,
    models: ModelCache,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request(engine, settings, actor, prediction_id)
    end, outages = explanations._end, [OperationalError("UPDATE", {}, OSError("away"))]

    def end_or_fail(*arguments: Any) -> None:
        if outages:
            raise outages.pop()
        end(*arguments)

    monkeypatch.setattr(explanations, "_end", end_or_fail)
    draw_pending(engine, settings, models)
    assert request(engine, settings, actor, prediction_id).state == ExplanationState.DONE


def test_what_is_not_there_and_who_may_not_look(
    engine: sa.Engine, settings: Settings, actor: Actor, prediction_id: int
) -> None:
    with pytest.raises(NotFoundError, match="no prediction 999"):
        request(engine, settings, actor, 999)
    with pytest.raises(NotFoundError, match="no category 999"):
        explanations.request(
            engine, settings, actor=actor, prediction_id=prediction_id, category_id=999
        )
    with pytest.raises(ForbiddenError):
        request(engine, settings, Actor(actor.id, "s", "staff"), prediction_id)
