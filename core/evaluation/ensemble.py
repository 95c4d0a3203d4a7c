"""Several models as one: a weighted mean of their calibrated probabilities."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_MAX_ROUNDS = 10_000
_TOLERANCE = 1e-10  # of the mean log-likelihood, between rounds
_LEAST = 1e-12  # stands for a probability of 0


def fit_weights(true_probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the weights, (M,), at least 0 and summing to 1, that make the labels likeliest.

    The likelihood of a mixture is concave in its weights, and expectation-maximisation
    climbs it without leaving the simplex (Dempster, Laird and Rubin, JRSS B 39, 1977).

    Args:
        true_probabilities: (N, M), what each model gives the true label; of pictures that
            no model was trained on. N = 0 gives equal weights.
    """
    chances = np.maximum(true_probabilities.astype(np.float64), _LEAST)
    weights = np.full(chances.shape[1], 1 / chances.shape[1])
    before = -np.inf
    for _ in range(_MAX_ROUNDS if len(chances) else 0):
        shares = chances * weights
        mixture = shares.sum(axis=1)
        likelihood = float(np.log(mixture).mean())
        if likelihood - before < _TOLERANCE:
            break
        before = likelihood
        weights = (shares / mixture[:, None]).mean(axis=0)
    return weights


def mix(
    members: Sequence[tuple[NDArray[np.int32], NDArray[np.float32]]],
    weights: NDArray[np.float64],
    labels: int,
) -> NDArray[np.float64]:
    """Return (N, labels) mixed probabilities of each member's likeliest labels.

    Exact where the members kept the probabilities of all their labels; otherwise what they
    left out counts as 0 and rows sum to a little less than 1.

    Args:
        members: For each, (N, k) indices into the common labels and (N, k) probabilities.
    """
    count = len(members[0][0])
    rows = np.arange(count)[:, None]
    mixed = np.zeros((count, labels))
    for (indices, probabilities), weight in zip(members, weights, strict=True):
        mixed[rows, indices] += weight * probabilities
    return mixed
