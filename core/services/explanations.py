"""Grad-CAM pictures: asked for by a page, drawn by the worker, kept in the cache.

The cache may be deleted: a picture that is gone is drawn again when somebody asks.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa

from core.actors import Actor, require
from core.errors import CatalogError, InvalidInputError, NotFoundError
from core.explain.agreement import to_grid
from core.imaging import ImageLimits, decode, encode_jpeg
from core.settings import Settings
from core.storage import ImageStore
from db.engine import reading, transaction
from db.queries import explanations as queries
from db.queries.explanations import Subject
from db.rows import ExplanationRow
from db.states import ExplanationState

if TYPE_CHECKING:  # pages ask for explanations, and no page may load torch
    from core.services.active_models import ModelCache

log = logging.getLogger(__name__)

MAX_SIDE_PX = 640
RETRY_FAILED_AFTER = timedelta(seconds=60)
DIED = "the worker died while it drew this picture"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A Grad-CAM picture.

    Attributes:
        path: The JPEG, once the state is ``done``. The heat lies beside it, see ``heat_path``.
        error: Why there is none, when the state is ``failed``.
    """

    state: ExplanationState
    path: Path | None = None
    error: str | None = None


def request(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    prediction_id: int,
    category_id: int,
) -> Explanation:
    """Return the picture if it is drawn, and have it drawn if not; ask again until it is.

    Args:
        category_id: What to look for in the photo. Whoever asks names it: what was predicted is
            not always told to a reviewer (``core.services.masks``).

    Raises:
        ForbiddenError: The actor may not review.
        NotFoundError: No prediction, or no category, has this id.
    """
    require(actor, "review")
    with transaction(engine) as session:
        if not queries.has_prediction(session, prediction_id=prediction_id):
            raise NotFoundError(f"no prediction {prediction_id}")
        if not queries.has_category(session, category_id=category_id):
            raise NotFoundError(f"no category {category_id}")
        row = queries.ensure_explanation(
            session, prediction_id=prediction_id, category_id=category_id
        )
        path = _path(settings, row.prediction_id, row.category_id)
        if _is_due_again(row, path):
            row.state, row.error, row.created_at = ExplanationState.PENDING, None, datetime.now(UTC)
        return _explanation(row, path)


def list_pending(engine: sa.Engine, *, limit: int = 50) -> tuple[tuple[int, datetime], ...]:
    """Return (id, when it was asked for) of the oldest that wait for the worker."""
    with reading(engine) as session:
        return tuple(queries.list_pending(session, limit=limit))


def begin(engine: sa.Engine, *, explanation_id: int) -> Subject | None:
    """Return what is to be drawn, and note what is to be said if the worker does not survive it.

    None when nothing waits any more, or when the worker died over it before.
    """
    with transaction(engine) as session:
        row = queries.find_explanation(session, explanation_id=explanation_id)
        if row is None or row.state != ExplanationState.PENDING:
            return None
        if row.error == DIED:
            row.state = ExplanationState.FAILED
            log.error("explanation %d: %s", explanation_id, DIED)
            return None
        row.error = DIED
        return queries.get_subject(session, explanation_id=explanation_id)


def draw(
    engine: sa.Engine,
    settings: Settings,
    *,
    explanation_id: int,
    subject: Subject,
    models: "ModelCache",
) -> None:
    """Draw what has begun, through the model that made the prediction; a failure is stored."""
    try:
        _draw(settings, subject, models)
        error = None
    except CatalogError as problem:
        error = str(problem)
    _end(engine, explanation_id, error)


def fail(engine: sa.Engine, *, explanation_id: int, error: str) -> None:
    """Store why there is no picture."""
    _end(engine, explanation_id, error)


def _draw(settings: Settings, subject: Subject, models: "ModelCache") -> None:
    from core.explain.gradcam import heatmap, overlay

    active = models.get(subject.model_version_id)
    if subject.category_id not in active.category_ids:
        raise InvalidInputError(f"{active.model.arch} does not know this category")
    data = ImageStore.of(settings).read(subject.sha256)
    limits = ImageLimits.of(settings)
    pixels = decode(data, limits).pixels
    heat = heatmap(active.model, pixels, active.category_ids.index(subject.category_id))
    path = _path(settings, subject.prediction_id, subject.category_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        np.save(file, to_grid(heat))
    unfinished.replace(heat_path(path))
    unfinished.write_bytes(encode_jpeg(overlay(pixels, heat), max_side_px=MAX_SIDE_PX))
    unfinished.replace(path)


def _end(engine: sa.Engine, explanation_id: int, error: str | None) -> None:
    with transaction(engine) as session:
        queries.finish(session, explanation_id=explanation_id, error=error)
    if error:
        log.error("explanation %d: %s", explanation_id, error)


def _path(settings: Settings, prediction_id: int, category_id: int) -> Path:
    return settings.cache_dir / "gradcam" / f"{prediction_id}-{category_id}.jpg"


def heat_path(path: Path) -> Path:
    """Return where the heat of a picture lies, as ``core.explain.agreement.Grid``."""
    return path.with_suffix(".npy")


def _is_due_again(row: ExplanationRow, path: Path) -> bool:
    if row.state == ExplanationState.FAILED:
        return datetime.now(UTC) - row.created_at > RETRY_FAILED_AFTER
    is_there = path.exists() and heat_path(path).exists()
    return row.state == ExplanationState.DONE and not is_there


def _explanation(row: ExplanationRow, path: Path) -> Explanation:
    state = ExplanationState(row.state)
    return Explanation(
        state=state,
        path=path if state == ExplanationState.DONE else None,
        error=row.error if state == ExplanationState.FAILED else None,
    )
