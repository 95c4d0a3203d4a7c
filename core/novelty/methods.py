"""The table of novelty scores: from a photo's embedding to how unlike the known it is.

A new one is one row here and one case in ``tests/novelty/cases.py``. Scores are comparable
within a method and a reference only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from core.novelty.reference import SMALLEST, Floats, Reference, find_whitening, to_unit

Scorer = Callable[[Floats], Floats]
"""(M, D) embeddings to (M,) scores, higher for what is less known."""

# Chosen by benchmarks.unknown on draws of held-out categories that do not report.
NEIGHBOURS = 1
SHRINKAGE = 10.0
PRINCIPAL = 64


@dataclass(frozen=True, slots=True)
class NoveltyMethod:
    """One way to score.

    Attributes:
        key: Stored, so never renamed.
        fit: ``Reference`` to scorer; the method's paper, and what of it can be set, stand there.
    """

    key: str
    label: str
    fit: Callable[..., Scorer]


def fit_max_softmax(reference: Reference) -> Scorer:
    """The likeliest category's probability.

    Hendrycks and Gimpel, "A Baseline for Detecting Misclassified and Out-of-Distribution
    Examples in Neural Networks", ICLR 2017 (arXiv:1610.02136).
    """

    def score(embeddings: Floats) -> Floats:
        logits = reference.classify(embeddings)
        probabilities: Floats = np.exp(logits.max(axis=1) - _log_sum_exp(logits))
        return -probabilities

    return score


def fit_max_logit(reference: Reference) -> Scorer:
    """The largest logit.

    Hendrycks et al., "Scaling Out-of-Distribution Detection for Real-World Settings", ICML
    2022 (arXiv:1911.11132); for open sets Vaze et al., ICLR 2022 (arXiv:2110.06207).
    """

    def score(embeddings: Floats) -> Floats:
        largest: Floats = reference.classify(embeddings).max(axis=1)
        return -largest

    return score


def fit_energy(reference: Reference) -> Scorer:
    """The free energy, minus the log of the sum of all exponentiated logits.

    Liu et al., "Energy-based Out-of-distribution Detection", NeurIPS 2020 (arXiv:2010.03759).
    """
    return lambda embeddings: -_log_sum_exp(reference.classify(embeddings))


def fit_nearest(reference: Reference, *, neighbours: int = NEIGHBOURS) -> Scorer:
    """The cosine to the ``neighbours``-th nearest training photo, about the mean of all.

    Sun et al., "Out-of-Distribution Detection with Deep Nearest Neighbors", ICML 2022
    (arXiv:2204.06507).
    """
    centre = reference.embeddings.mean(axis=0)
    known = to_unit(reference.embeddings - centre)
    rank = min(neighbours, len(known))

    def score(embeddings: Floats) -> Floats:
        cosines = to_unit(embeddings - centre) @ known.T
        kth: Floats = np.partition(cosines, -rank, axis=1)[:, -rank]
        return -kth

    return score


def fit_mahalanobis(reference: Reference, *, shrinkage: float = SHRINKAGE) -> Scorer:
    """The squared Mahalanobis distance to the nearest category's mean.

    Lee et al., "A Simple Unified Framework for Detecting Out-of-Distribution Samples and
    Adversarial Attacks", NeurIPS 2018 (arXiv:1807.03888). The covariance that the categories
    share is shrunk by ``shrinkage``: it has more entries than there are photos.
    """
    means = reference.category_means()
    whiten = find_whitening(reference.deviations(), shrinkage)
    return lambda embeddings: _squared_distances(embeddings @ whiten, means @ whiten).min(axis=1)


def fit_relative_mahalanobis(reference: Reference, *, shrinkage: float = SHRINKAGE) -> Scorer:
    """The same, less the squared distance to the mean of all under the covariance of all.

    Ren et al., "A Simple Fix to Mahalanobis Distance for Improving Near-OOD Detection", 2021
    (arXiv:2106.09022).
    """
    to_categories = fit_mahalanobis(reference, shrinkage=shrinkage)
    centre = reference.embeddings.mean(axis=0, keepdims=True)
    whiten = find_whitening(reference.embeddings - centre, shrinkage)

    def score(embeddings: Floats) -> Floats:
        to_all = _squared_distances(embeddings @ whiten, centre @ whiten)[:, 0]
        return to_categories(embeddings) - to_all

    return score


def fit_vim(reference: Reference, *, dimensions: int = PRINCIPAL) -> Scorer:
    """What of the embedding lies outside the principal space, as a logit beside the others.

    Wang et al., "ViM: Out-Of-Distribution with Virtual-logit Matching", CVPR 2022
    (arXiv:2203.10807), with a principal space of so many ``dimensions``.
    """
    origin = -np.linalg.pinv(reference.weight) @ reference.bias
    shifted = reference.embeddings - origin
    outside = np.linalg.eigh(shifted.T @ shifted)[1][:, :-dimensions]  # (D, D - dimensions)
    residuals = np.linalg.norm(shifted @ outside, axis=1)
    largest = reference.classify(reference.embeddings).max(axis=1)
    scale = largest.mean() / max(residuals.mean(), SMALLEST)

    def score(embeddings: Floats) -> Floats:
        virtual = scale * np.linalg.norm((embeddings - origin) @ outside, axis=1)
        novelty: Floats = virtual - _log_sum_exp(reference.classify(embeddings))
        return novelty

    return score


def _log_sum_exp(logits: Floats) -> Floats:
    largest = logits.max(axis=1)
    total: Floats = largest + np.log(np.exp(logits - largest[:, None]).sum(axis=1))
    return total


def _squared_distances(points: Floats, others: Floats) -> Floats:
    """Return (M, C) of (M, D) and (C, D)."""
    products = points @ others.T
    squares = (points**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)
    distances: Floats = squares - 2 * products
    return distances


_ROWS = (
    NoveltyMethod("max_softmax", "Largest probability", fit_max_softmax),
    NoveltyMethod("max_logit", "Largest logit", fit_max_logit),
    NoveltyMethod("energy", "Energy", fit_energy),
    NoveltyMethod("nearest", "Nearest photos", fit_nearest),
    NoveltyMethod("mahalanobis", "Mahalanobis distance", fit_mahalanobis),
    NoveltyMethod("relative_mahalanobis", "Relative Mahalanobis", fit_relative_mahalanobis),
    NoveltyMethod("vim", "Virtual logit", fit_vim),
)

NOVELTY_METHODS: Mapping[str, NoveltyMethod] = {row.key: row for row in _ROWS}
