"""How accurate a model is on the pictures that it is surest of.

Geifman and El-Yaniv, "Selective Classification for Deep Neural Networks", NeurIPS 2017;
the area under the curve as in Geifman, Uziel and El-Yaniv, ICLR 2019 (arXiv:1805.08206).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluation.bootstrap import Floats, Statistic, divide

POINTS = 100


@dataclass(frozen=True, slots=True)
class CoveragePoint:
    """Keeping the surest ``coverage`` of the pictures, those of at least ``threshold``.

    Attributes:
        accuracy: Of the pictures kept; the selective risk is 1 - accuracy.
    """

    coverage: float
    accuracy: float
    threshold: float


def measure_coverage(
    confidences: NDArray[np.float32], correct: NDArray[np.bool_]
) -> list[CoveragePoint]:
    """Return at most ``POINTS`` points of rising coverage; the last keeps every picture."""
    order = np.argsort(-confidences, kind="stable")
    hits = np.cumsum(correct[order])
    count = len(order)
    kept = np.unique(np.ceil(np.linspace(0, count, POINTS + 1)[1:]).astype(np.int64))
    return [
        CoveragePoint(n / count, float(hits[n - 1] / n), float(confidences[order[n - 1]]))
        for n in kept[kept > 0].tolist()
    ]


def area_under_risk(confidences: NDArray[np.float32], correct: NDArray[np.bool_]) -> Statistic:
    """Return the statistic AURC: the mean of the selective risk over all coverages, 0 to 1."""
    order = np.argsort(-confidences, kind="stable")
    wrong = (~correct[order]).astype(np.float64)

    def statistic(weights: Floats) -> Floats:
        kept = np.take(weights, order, axis=1)
        risks = divide(np.cumsum(kept * wrong, axis=1), np.cumsum(kept, axis=1))
        return divide((kept * np.nan_to_num(risks)).sum(axis=1), kept.sum(axis=1))

    return statistic


def widest(points: Sequence[CoveragePoint], *, accuracy: float) -> CoveragePoint | None:
    """Return the point that keeps most pictures and is this accurate; None if there is none."""
    enough = [point for point in points if point.accuracy >= accuracy]
    return max(enough, key=lambda point: point.coverage, default=None)
