"""How likely each listing's claimed category is wrong.

The true category is a hidden variable. Three witnesses tell of it: the models' probabilities,
the votes of the nearest neighbours, and a linear classifier of the embeddings. What is
claimed of it has passed through a noise that confuses some pairs more often than others.
Belief and noise are estimated in turns, as Dawid and Skene do (Applied Statistics 28, 1979): in
each round suspects lose their votes, the classifier is fitted again without them, and the
estimated joint of true and claimed categories (Northcutt, Jiang and Chuang, JAIR 70, 2021,
arXiv:1911.00068; here expected counts instead of confident ones) says which pairs to doubt.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.mislabel.neighbours import count_votes, find_neighbours
from core.mislabel.refit import OutOfFoldRidge

Floats = NDArray[np.float64]

# Chosen on noised labels of Grocery's train split, which docs/benchmarks.md does not report on.
NEIGHBOURS = 10
ROUNDS = 5
_MODELS_WEIGHT, _REFIT_WEIGHT, _VOTES_WEIGHT = 0.5, 8.0, 0.5
_DOUBT = 0.1  # share of wrong labels that is held likely before anything is seen
_SPREAD = 2.0  # wrong labels that an even spread over the other categories counts as
_LEAST = 1e-9  # stands for a probability of 0


@dataclass(frozen=True, slots=True)
class Suspicions:
    """What is held of N claimed categories.

    Attributes:
        wrong: (N,) estimated probability that the claimed category is wrong, 0 to 1. It
            orders well; how many flags are unfounded is what ``false_alarm_rates`` says.
        suggested: (N,) the likeliest category, be it the claimed one.
        joint: (C, C) expected number of listings of each true category (row) that are
            claimed to be of each (column); sums to N.
    """

    wrong: Floats
    suggested: NDArray[np.int64]
    joint: Floats


def score_labels(
    probabilities: Sequence[NDArray[np.floating]],
    embeddings: NDArray[np.floating],
    claimed: NDArray[np.integer],
    folds: NDArray[np.integer],
) -> Suspicions:
    """Return how likely each claimed category is wrong.

    Args:
        probabilities: Of each of at least one model (N, C), rows sum to 1, calibrated and
            out-of-fold: no row by a model that was trained on that row's picture or claim.
        embeddings: (N, D), of any length; directions from their mean are compared.
        claimed: (N,) indices below C; C is at least 2.
        folds: (N,) fold of each listing, from 0, at least two. Neither neighbours nor
            classifier use what is claimed in a listing's own fold.
    """
    claims = np.eye(probabilities[0].shape[1])[claimed]
    directions = _directions(embeddings)
    neighbours, closeness = find_neighbours(directions, folds, count=NEIGHBOURS)
    ridge = OutOfFoldRidge(directions, folds)
    models = _MODELS_WEIGHT * np.mean([_log(each) for each in probabilities], axis=0)
    beliefs = claims
    for _ in range(ROUNDS):
        votes = _VOTES_WEIGHT * _log(count_votes(neighbours, closeness, beliefs))
        told = models + votes + _REFIT_WEIGHT * ridge.predict(beliefs)
        noise = estimate_noise(beliefs.T @ claims)
        beliefs = _softmax(told + np.log(noise[:, claimed].T))
    wrong = (beliefs * (1 - claims)).sum(axis=1)
    return Suspicions(wrong, beliefs.argmax(axis=1), beliefs.T @ claims)


def _directions(embeddings: NDArray[np.floating]) -> Floats:
    """Return (N, D) rows of length 1; what lies on the mean itself stays 0."""
    centred = embeddings.astype(np.float64) - embeddings.mean(axis=0, dtype=np.float64)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    directions: Floats = centred / np.where(lengths > 0, lengths, 1.0)
    return directions


def estimate_noise(joint: Floats) -> Floats:
    """Return what each true category (row) is claimed to be, (C, C), rows sum to 1.

    Wrong labels are few, so all categories share one rate of them (a rate of each one's own
    ranks worse), and which others they go to leans on an even spread.
    """
    classes, total = len(joint), joint.sum()
    others = 1 - np.eye(classes)
    doubt = ((joint * others).sum() + _DOUBT) / (total + 1)
    pairs = (joint + _SPREAD / (classes - 1)) * others
    noise: Floats = doubt * pairs / pairs.sum(axis=1, keepdims=True) + (1 - doubt) * np.eye(classes)
    return noise


def _log(probabilities: NDArray[np.floating]) -> Floats:
    logs: Floats = np.log(np.maximum(probabilities.astype(np.float64), _LEAST))
    return logs


def _softmax(scores: Floats) -> Floats:
    """Return probabilities, (N, C), none quite 0, so that even the surest keep an order."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares
