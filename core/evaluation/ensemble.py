"""Several models as one: a weighted mean of their calibrated probabilities."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.evaluation.predictions import MAX_KEPT, Predictions, predict

_MAX_ROUNDS = 10_000
_TOLERANCE = 1e-10  # of the mean log-likelihood, between rounds
_LEAST = 1e-12  # stands for a probability of 0

Top = tuple[NDArray[np.int32], NDArray[np.float32]]
"""What a member says: (N, k) indices into the common labels, and their probabilities."""


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
    members: Sequence[Top], weights: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the labels that any member kept, (N, U), and their mixed probabilities, (N, U).

    Labels rise along a row; one that several members kept has its sum in one place and -1
    in the others. Exact where the members kept all of their labels; otherwise what a member
    left out counts as 0, and rows sum to a little less than 1.
    """
    labels = np.concatenate([indices for indices, _ in members], axis=1).astype(np.int64)
    shares = [weight * chances for (_, chances), weight in zip(members, weights, strict=True)]
    order = np.argsort(labels, axis=1, kind="stable")
    labels = np.take_along_axis(labels, order, axis=1)
    sums = np.cumsum(np.take_along_axis(np.concatenate(shares, axis=1), order, axis=1), axis=1)
    last = np.ones(labels.shape, np.bool_)
    last[:, :-1] = labels[:, 1:] != labels[:, :-1]
    # The sum up to the last place of the label before: the differences are the labels' own.
    before = np.maximum.accumulate(np.where(last, sums, 0.0), axis=1)
    before = np.concatenate([np.zeros((len(sums), 1)), before[:, :-1]], axis=1)
    return np.where(last, labels, -1), np.where(last, sums - before, 0.0)


def predict_mixture(
    members: Sequence[Top],
    weights: NDArray[np.float64],
    targets: NDArray[np.int64],
    *,
    labels: int,
    temperature: float,
) -> Predictions:
    """Return what the members together say of N pictures.

    Args:
        targets: (N,) indices below ``labels``; -1 where no member knows the label.
        temperature: Logarithms of the mixed probabilities are divided by it.
    """
    columns, chances = mix(members, weights)
    logits = np.where(columns < 0, -np.inf, np.log(np.maximum(chances, _LEAST)))
    is_target = (columns == targets[:, None]) & (targets[:, None] >= 0)
    places = np.where(is_target.any(axis=1), is_target.argmax(axis=1), -1)
    found = predict(logits.astype(np.float32), places, temperature=temperature)
    kept = min(MAX_KEPT, labels)
    lost = (targets >= 0) & (places < 0)  # no member kept the true label
    return Predictions(
        targets=targets.astype(np.int32),
        ranks=np.where(lost, columns.shape[1], found.ranks).astype(np.int32),
        true_probabilities=found.true_probabilities,
        raw_confidences=found.raw_confidences,
        top_indices=np.take_along_axis(
            columns, found.top_indices[:, :kept].astype(np.int64), axis=1
        ).astype(np.int32),
        top_probabilities=found.top_probabilities[:, :kept],
    )
