"""What is known: the embeddings of the training photos, and the classifier on them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SMALLEST = 1e-12  # stands for a length of 0, so that nothing is divided by it


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What novelty is measured against.

    Attributes:
        embeddings: (N, D) float64, of the training photos.
        labels: (N,) int64, their categories, each of 0 to C - 1 at least once.
        weight: (C, D) float64 of the linear classifier on the embeddings.
        bias: (C,) float64.
    """

    embeddings: Floats
    labels: NDArray[np.int64]
    weight: Floats
    bias: Floats

    @classmethod
    def by_means(cls, embeddings: Floats, labels: NDArray[np.int64]) -> Self:
        """Return these with the classifier that takes the category with the nearest mean."""
        width = int(labels.max()) + 1
        sums = np.zeros((width, embeddings.shape[1]))
        np.add.at(sums, labels, embeddings)
        means = sums / np.bincount(labels)[:, None]
        return cls(embeddings, labels, weight=means, bias=-(means**2).sum(axis=1) / 2)

    def classify(self, embeddings: Floats) -> Floats:
        """Return the logits, (M, C), of (M, D) embeddings."""
        logits: Floats = embeddings @ self.weight.T + self.bias
        return logits

    def category_means(self) -> Floats:
        """Return the mean embedding of each category, (C, D)."""
        sums = np.zeros_like(self.weight)
        np.add.at(sums, self.labels, self.embeddings)
        counts = np.bincount(self.labels, minlength=len(sums))
        means: Floats = sums / counts[:, None]
        return means

    def deviations(self) -> Floats:
        """Return what sets each photo apart from the mean of its category, (N, D)."""
        away: Floats = self.embeddings - self.category_means()[self.labels]
        return away


def to_unit(vectors: Floats) -> Floats:
    """Return (M, D) vectors at length 1; one of length 0 stays as it is."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = vectors / np.maximum(lengths, SMALLEST)
    return unit


def find_whitening(deviations: Floats, shrinkage: float) -> Floats:
    """Return (D, D) that gives (N, D) deviations a covariance near the identity.

    Args:
        shrinkage: Added to every variance, as a share of their mean.
    """
    covariance = deviations.T @ deviations / len(deviations)
    width = len(covariance)
    floor = shrinkage * np.trace(covariance) / width + SMALLEST
    variances, axes = np.linalg.eigh(covariance + floor * np.eye(width))
    whitening: Floats = axes / np.sqrt(variances)
    return whitening
