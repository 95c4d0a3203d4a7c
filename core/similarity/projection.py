"""From a network's features to the short unit vectors that are searched."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidInputError

Floats = NDArray[np.float32]

DIMENSIONS = 384
"""Hold 95 % of the variance of EfficientNet-Lite0's 1,280 features of Grocery's photos."""

WHITENING = 0.5
"""0 keeps the spread along each axis, 1 makes all equal; half-way, fewer photos of other
products come near (docs/similarity.md). Power of the standard deviation divided by, as in
Jégou and Chum, "Negative evidences and co-occurrences in image retrieval", ECCV 2012, for 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Principal components about the mean. Vectors of two projections are never compared.

    Attributes:
        mean: (D,) float32.
        axes: (D, K) float32, each divided by the spread along it to the power of the whitening.
    """

    mean: Floats
    axes: Floats

    @classmethod
    def fit(
        cls, features: Floats, *, dimensions: int = DIMENSIONS, whitening: float = WHITENING
    ) -> Self:
        """Learn it from (N, D) features.

        Raises:
            InvalidInputError: There are fewer features, or photos, than dimensions.
        """
        if min(features.shape) < dimensions:
            raise InvalidInputError(
                f"{dimensions} dimensions cannot be learned from {features.shape[0]} photos with"
                f" {features.shape[1]} features; give more, or ask for fewer dimensions"
            )
        mean = features.mean(axis=0)
        variances, vectors = np.linalg.eigh(np.cov((features - mean).T, bias=True))
        kept = np.maximum(variances[-dimensions:], np.finfo(np.float32).tiny)
        axes = vectors[:, -dimensions:] / kept ** (whitening / 2)
        return cls(mean.astype(np.float32), axes.astype(np.float32))

    def apply(self, features: Floats) -> Floats:
        """Return (N, K) float32 of length 1 of (N, D) features."""
        placed = (features - self.mean) @ self.axes
        lengths = np.linalg.norm(placed, axis=1, keepdims=True)
        unit: Floats = placed / np.maximum(lengths, np.finfo(np.float32).tiny)
        return unit


def find_axes(vectors: Floats, *, dimensions: int) -> Floats:
    """Return (D, K) float32: the directions that keep most of the products of (N, D) vectors.

    Products of what lies along them are close to those of the vectors themselves, so the nearest
    stay near. Unlike ``Projection`` it takes no mean away, which would change the order.
    K is ``dimensions``, or D where that is less.
    """
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    return np.ascontiguousarray(axes[:, -dimensions:], np.float32)
