"""Two models on the same pictures: is one better, or was it luck?"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluation.bootstrap import Interval, bootstrap_difference

EXACT_BELOW = 25
"""Discordant pairs under which the binomial test is exact and needed."""


@dataclass(frozen=True, slots=True)
class PairedTest:
    """McNemar's test of two models on the same pictures.

    McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12 (1947); with Edwards' correction for continuity (1948).

    Attributes:
        difference: Accuracy of the first minus that of the second.
        p_value: Chance of a difference as large between equally good models, 0 to 1.
        method: ``exact`` binomial, or ``chi_square`` with continuity correction.
    """

    pictures: int
    both_right: int
    only_first: int
    only_second: int
    both_wrong: int
    difference: Interval
    p_value: float
    method: str


def compare(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> PairedTest:
    """Compare (N,) and (N,) of whether each was right on the same picture; N above 0."""
    only_first = int((first & ~second).sum())
    only_second = int((second & ~first).sum())
    p_value, method = mcnemar(only_first, only_second)
    return PairedTest(
        pictures=len(first),
        both_right=int((first & second).sum()),
        only_first=only_first,
        only_second=only_second,
        both_wrong=int((~first & ~second).sum()),
        difference=bootstrap_difference(only_first, only_second, len(first)),
        p_value=p_value,
        method=method,
    )


def mcnemar(only_first: int, only_second: int) -> tuple[float, str]:
    """Return the two-sided p-value of the discordant pairs, and the method used."""
    pairs = only_first + only_second
    if pairs < EXACT_BELOW:
        fewer = min(only_first, only_second)
        tail = sum(math.comb(pairs, hits) for hits in range(fewer + 1)) / 2**pairs
        return min(1.0, 2 * tail), "exact"
    statistic = max(0, abs(only_first - only_second) - 1) ** 2 / pairs
    return math.erfc(math.sqrt(statistic / 2)), "chi_square"  # one degree of freedom
