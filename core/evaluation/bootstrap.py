"""Intervals by drawing the pictures again, with replacement.

Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics 7 (1979): the
percentile interval. A resample is how often it holds each picture, so a figure is a function
of weights, and many resamples are one matrix product.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
CONFIDENCE = 0.95
_CELLS_AT_ONCE = 200_000  # weights held in memory: 1.6 MB, so that they stay in the cache

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""(R, N) weights, each row summing to N, to (R,) values; nan where a resample has none."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and the interval that holds it with 95 % confidence."""

    value: float
    low: float
    high: float


def bootstrap(
    statistics: Mapping[str, Statistic], count: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """Return each statistic over ``count`` pictures; those without any value are left out.

    All statistics see the same resamples, so the same seed gives the same intervals.
    """
    if count == 0:
        return {}
    values = {key: float(of(np.ones((1, count)))[0]) for key, of in statistics.items()}
    defined = {key: of for key, of in statistics.items() if np.isfinite(values[key])}
    drawn = {key: np.empty(resamples) for key in defined}
    rng = np.random.default_rng(seed)
    rows = max(1, _CELLS_AT_ONCE // count)
    for start in range(0, resamples, rows):
        weights = _draw(rng, min(rows, resamples - start), count)
        for key, statistic in defined.items():
            drawn[key][start : start + len(weights)] = statistic(weights)
    return {key: _interval(values[key], drawn[key]) for key in defined}


def bootstrap_difference(
    gained: int, lost: int, count: int, *, resamples: int = 10_000, seed: int = 0
) -> Interval:
    """Return the paired difference of two accuracies, (gained - lost) / count.

    Each picture is worth +1 (only the first is right), -1 or 0, so a resample is one
    multinomial draw.
    """
    cells = np.array([gained, lost, count - gained - lost]) / count
    drawn = np.random.default_rng(seed).multinomial(count, cells, size=resamples)
    return _interval((gained - lost) / count, (drawn[:, 0] - drawn[:, 1]) / count)


def wilson(hits: int, count: int) -> Interval:
    """Return the fraction with its Wilson score interval; for counts too small to resample.

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference",
    JASA 22 (1927). ``count`` must be above 0.
    """
    z = 1.959963984540054  # of 95 %
    fraction = hits / count
    shrink = 1 + z * z / count
    middle = (fraction + z * z / (2 * count)) / shrink
    reach = z / shrink * float(np.sqrt(fraction * (1 - fraction) / count + (z / (2 * count)) ** 2))
    low, high = max(0.0, middle - reach), min(1.0, middle + reach)
    return Interval(fraction, min(low, fraction), max(high, fraction))  # whatever the rounding


def mean_of(values: NDArray[np.generic], among: NDArray[np.bool_] | None = None) -> Statistic:
    """Return the weighted mean of (N,) values, of those pictures only that ``among`` picks."""
    held = np.ones(len(values)) if among is None else among.astype(np.float64)
    parts = np.stack([values.astype(np.float64) * held, held], axis=1)  # (N, 2)

    def statistic(weights: Floats) -> Floats:
        sums = weights @ parts
        return divide(sums[:, 0], sums[:, 1])

    return statistic


def divide(above: Floats, below: Floats) -> Floats:
    """Divide; nan where nothing is below."""
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


def _draw(rng: np.random.Generator, rows: int, count: int) -> Floats:
    picked = rng.integers(0, count, (rows, count))
    picked += np.arange(rows)[:, None] * count
    return np.bincount(picked.ravel(), minlength=rows * count).reshape(rows, count).astype(float)


def _interval(value: float, drawn: Floats) -> Interval:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return Interval(value, float(low), float(high))
