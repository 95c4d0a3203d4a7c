"""Whether the models look at the same part of a photo: worked out when somebody asks.

A heat map costs a backward pass through its network, so no photo has one until a reviewer opens
Grad-CAM on it; then those of the other models are drawn, too, after the one that is shown.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from core.actors import Actor, require
from core.errors import NotFoundError
from core.explain.agreement import BY_CHANCE, Grid, mean_overlap
from core.services import explanations
from core.services.explanations import heat_path
from core.settings import Settings
from db.engine import reading
from db.queries import review as review_queries
from db.rows import PredictionRow
from db.states import ExplanationState


@dataclass(frozen=True, slots=True)
class MapAgreement:
    """How far the heat maps of a photo's models, of one category, lie in the same place.

    Attributes:
        overlap: ``core.explain.agreement.mean_overlap``, 0 to 1; None where fewer than two
            models have a map of this category.
        by_chance: What unrelated maps would come to.
        models: How many maps were compared.
    """

    overlap: float | None
    by_chance: float
    models: int


def request(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    prediction_id: int,
    category_id: int,
) -> MapAgreement | None:
    """Return the agreement on the photo of a prediction; None while the worker draws the maps.

    Args:
        category_id: What all are asked for evidence of.

    Raises:
        ForbiddenError: The actor may not review.
        NotFoundError: No prediction, or no category, has this id.
    """
    require(actor, "review")
    ids = _find_predictions(engine, prediction_id)
    drawn = [
        explanations.request(
            engine, settings, actor=actor, prediction_id=id_, category_id=category_id
        )
        for id_ in ids
    ]
    if any(each.state == ExplanationState.PENDING for each in drawn):
        return None
    grids = [_load(each.path) for each in drawn if each.path is not None]
    return MapAgreement(mean_overlap(grids), BY_CHANCE, len(grids))


def _find_predictions(engine: sa.Engine, prediction_id: int) -> list[int]:
    """Return the newest prediction of each model for the same photo."""
    with reading(engine) as session:
        asked = session.get(PredictionRow, prediction_id)
        if asked is None:
            raise NotFoundError(f"no prediction {prediction_id}")
        found = review_queries.list_latest_predictions(
            session, listing_image_ids=[asked.listing_image_id]
        )
        return [row.id for row, _ in found]


def _load(path: Path) -> Grid:
    grid: Grid = np.load(heat_path(path))
    return grid
