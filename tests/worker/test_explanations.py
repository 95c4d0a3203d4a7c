"""Grad-CAM pictures on request: no worker process."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from PIL import Image
from sqlalchemy import select

from core.actors import Actor
from core.errors import ForbiddenError, NotFoundError
from core.services import chunks, classification, explanations
from core.services.active_models import ModelCache
from core.services.explanations import Explanation
from core.settings import Settings
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
    catalog.add_model(engine, settings, actor)
    catalog.draw_photos(tmp_path / "photos", count=1)
    catalog.import_photos(engine, settings, actor, tmp_path / "photos")
    for chunk_id, _ in chunks.list_unfinished(engine, kind="classification"):
        chunk = chunks.begin(engine, chunk_id=chunk_id)
        assert chunk
        classification.classify_chunk(
            engine, settings, chunk=chunk, models=models, raise_if_stopped=lambda: None
        )
    with reading(engine) as session:
        return session.scalars(select(PredictionRow.id)).one()


def request(engine: sa.Engine, settings: Settings, actor: Actor, prediction_id: int) -> Explanation:
    return explanations.request(engine, settings, actor=actor, prediction_id=prediction_id)


def draw_pending(engine: sa.Engine, settings: Settings, models: ModelCache) -> int:
    pending = explanations.list_pending(engine)
    for explanation_id, _ in pending:
        explanations.draw(engine, settings, explanation_id=explanation_id, models=models)
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
    assert explanations._begin(engine, explanation_id) is not None  # and here the worker dies
    assert request(engine, settings, actor, prediction_id).error is None
    draw_pending(engine, settings, models)
    assert request(engine, settings, actor, prediction_id).error == explanations.DIED


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
