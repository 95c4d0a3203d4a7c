"""Two models on the same pictures: which is better, and where they disagree.

From the files of predictions; no torch in here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from core.actors import Actor, require
from core.errors import InvalidInputError, NotFoundError
from core.evaluation import PairedTest, compare
from core.services.evaluation_breakdown import MAX_ROWS, PhotoCase, list_cases
from core.services.evaluations import (
    MAX_EVALUATIONS,
    EvaluationFilter,
    Measured,
    Narrowing,
    load_measured,
)
from core.settings import Settings
from db.engine import reading
from db.queries import evaluations as queries
from db.states import Split

_MATCHES_IN_MEMORY = 8

Side = Literal["only_first", "only_second", "both_wrong", "both_right"]
SIDES: Mapping[Side, str] = {
    "only_first": "Only the first is right",
    "only_second": "Only the second is right",
    "both_wrong": "Both are wrong, in different ways or the same",
    "both_right": "Both are right",
}


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A photo on which two models differ."""

    first: PhotoCase
    second: PhotoCase


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two evaluations on the same pictures.

    Attributes:
        unpaired: Pictures that only one of the two looked at.
    """

    first_id: int
    second_id: int
    test: PairedTest
    unpaired: int

    @property
    def pictures_by_side(self) -> Mapping[Side, int]:
        """How many photos ``list_disagreements`` has to choose from."""
        test = self.test
        return {
            "only_first": test.only_first,
            "only_second": test.only_second,
            "both_wrong": test.both_wrong,
            "both_right": test.both_right,
        }


def find_common(
    engine: sa.Engine,
    *,
    actor: Actor,
    first: int | None,
    second: int | None,
    only: EvaluationFilter | None = None,
) -> tuple[int, int]:
    """Return the newest evaluations of two versions on the same pictures, a test split first.

    Args:
        first: Version id; None is an ensemble.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        NotFoundError: There are none.
    """
    require(actor, "dashboards")
    with reading(engine) as session:
        found = queries.list_evaluations(
            session, only=only or EvaluationFilter(), limit=MAX_EVALUATIONS
        )
        by_subject: dict[int | None, dict[tuple[str, str], int]] = {first: {}, second: {}}
        for row, _ in found:
            if row.model_version_id in by_subject:
                data = (row.data_digest, row.split)
                by_subject[row.model_version_id].setdefault(data, row.id)
    common = [data for data in by_subject[first] if data in by_subject[second]]
    common.sort(key=lambda data: data[1] != Split.TEST)
    if not common:
        raise NotFoundError(
            "the two were not evaluated on the same pictures yet; "
            "run: catalens evaluate --model ID --data PATH for both"
        )
    return by_subject[first][common[0]], by_subject[second][common[0]]


def compare_evaluations(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    first_id: int,
    second_id: int,
    narrowing: Narrowing | None = None,
) -> Comparison:
    """Compare two evaluations on the pictures that both looked at (McNemar's test).

    A picture whose label a model does not know counts as wrong for that model.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        InvalidInputError: They have no picture in common, of those that count.
        NotFoundError: No such evaluation, or its file is missing.
    """
    require(actor, "dashboards")
    pairing = _pair_up(engine, settings, first_id, second_id)
    counting = pairing.counting(narrowing or Narrowing())
    if not counting.any():
        raise InvalidInputError("the two have no picture of these categories in common")
    right = [
        measured.predictions.correct[at[counting]]
        for measured, at in (
            (pairing.first, pairing.first_at),
            (pairing.second, pairing.second_at),
        )
    ]
    return Comparison(first_id, second_id, compare(*right), pairing.unpaired)


def list_disagreements(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    first_id: int,
    second_id: int,
    side: Side = "only_first",
    narrowing: Narrowing | None = None,
    limit: int = 60,
) -> tuple[Disagreement, ...]:
    """Return photos on which one of two models is right (or both are wrong, or right).

    Those come first of which the two are surest.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        InvalidInputError: The evaluations have no picture in common.
        NotFoundError: No such evaluation, or its file is missing.
    """
    require(actor, "dashboards")
    pairing = _pair_up(engine, settings, first_id, second_id)
    chosen = pairing.select(side, narrowing or Narrowing())
    sureness = sum(
        measured.predictions.confidences[at[chosen]]
        for measured, at in (
            (pairing.first, pairing.first_at),
            (pairing.second, pairing.second_at),
        )
    )
    ranked = chosen[np.argsort(-np.asarray(sureness), kind="stable")][: min(limit, MAX_ROWS)]
    firsts = list_cases(pairing.first, first_id, pairing.first_at[ranked])
    seconds = list_cases(pairing.second, second_id, pairing.second_at[ranked])
    return tuple(Disagreement(*pair) for pair in zip(firsts, seconds, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class _Pairing:
    """The same pictures in two files.

    Attributes:
        first_at: (P,) rows of the first file; ``second_at`` those of the second.
    """

    first: Measured
    second: Measured
    first_at: NDArray[np.int64]
    second_at: NDArray[np.int64]
    unpaired: int

    def counting(self, narrowing: Narrowing) -> NDArray[np.bool_]:
        """Return which pairs count, (P,)."""
        if narrowing.is_open:
            return np.ones(len(self.first_at), np.bool_)
        return self.first.select(narrowing)[self.first_at]

    def select(self, side: Side, narrowing: Narrowing) -> NDArray[np.int64]:
        """Return which pairs are of this side, (Q,) indices below P."""
        first = self.first.predictions.correct[self.first_at]
        second = self.second.predictions.correct[self.second_at]
        sides = {
            "only_first": first & ~second,
            "only_second": second & ~first,
            "both_wrong": ~first & ~second,
            "both_right": first & second,
        }
        return np.flatnonzero(sides[side] & self.counting(narrowing))


def _pair_up(engine: sa.Engine, settings: Settings, first_id: int, second_id: int) -> _Pairing:
    first, second = (
        load_measured(engine, settings, evaluation_id=id_) for id_ in (first_id, second_id)
    )
    pairs = _match(first, second)
    if not pairs:
        raise InvalidInputError(
            f"evaluations {first_id} and {second_id} have no picture in common; "
            "evaluate both models on the same data"
        )
    first_at, second_at = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    unpaired = len(first.pictures) + len(second.pictures) - 2 * len(pairs)
    return _Pairing(first, second, first_at, second_at, unpaired)


@lru_cache(maxsize=_MATCHES_IN_MEMORY)
def _match(first: Measured, second: Measured) -> Sequence[tuple[int, int]]:
    """Return the rows of the same picture in both; measured files never change."""
    waiting: dict[tuple[str, str], list[int]] = {}
    for at, key in enumerate(_keys(second)):
        waiting.setdefault(key, []).append(at)
    return [(at, waiting[key].pop(0)) for at, key in enumerate(_keys(first)) if waiting.get(key)]


def _keys(measured: Measured) -> Sequence[tuple[str, str]]:
    columns = (measured.pictures.column(name) for name in ("sha256", "label"))
    return list(zip(*columns, strict=True))
