"""What a shopper would like to see, by what they liked and viewed before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.recommendation.diversity import Floats, Indices, diversify

HALF_LIFE_DAYS = 30.0
"""What is so much older counts half."""

MAX_AGE_DAYS = 365.0
"""Nothing counts less than what is so old, or it would be lost in rounding."""

POWER = 8.0
"""Of the mean of likenesses: 1 asks for what is a little like everything, a high one for what is
very like anything. Chosen among 2, 4, 8, 12 and 16 on shoppers drawn from Grocery's train split."""

SOUGHT = 8
"""Listings whose neighbours are looked for; each is a search of the index."""


@dataclass(frozen=True, slots=True)
class InteractionKind:
    """Something that a shopper does with a listing.

    Attributes:
        key: Stored, so never renamed.
        weight: What it counts, beside the others.
    """

    key: str
    weight: float


INTERACTION_KINDS: Mapping[str, InteractionKind] = {
    kind.key: kind for kind in (InteractionKind("liked", 1.0), InteractionKind("viewed", 0.2))
}


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What a shopper looked at.

    Attributes:
        vectors: (N, D) float32, of length 1.
        weights: (N,) float32, above 0.
    """

    vectors: Floats
    weights: Floats

    @property
    def seeds(self) -> Indices:
        """Those to look for neighbours of: what counts most, and is unlike the others."""
        return diversify(self.weights / self.weights.max(), self.vectors, count=SOUGHT)

    def likeness(self, candidates: Floats) -> Floats:
        """Return how much (M, D) unit vectors are what the shopper likes, (M,), 0 to 1.

        It is the weighted power mean of the cosines.
        """
        cosines = np.clip(candidates @ self.vectors.T, 0.0, 1.0).astype(np.float64)
        means = (cosines**POWER) @ self.weights / self.weights.sum()
        liked: NDArray[np.float32] = (means ** (1 / POWER)).astype(np.float32)
        return liked


def weigh(kinds: Sequence[str], ages_days: Sequence[float]) -> Floats:
    """Return what each interaction counts, (N,) float32: by its kind, recent ones more.

    Args:
        kinds: Keys of ``INTERACTION_KINDS``.
        ages_days: 0 for now; what is said to be of the future counts as of now.
    """
    weights = np.array([INTERACTION_KINDS[kind].weight for kind in kinds])
    ages = np.clip(np.array(ages_days, np.float64), 0.0, MAX_AGE_DAYS)
    return (weights * 0.5 ** (ages / HALF_LIFE_DAYS)).astype(np.float32)
