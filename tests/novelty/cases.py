"""What each novelty score is by its paper's formula, written out for one photo at a time.

``expected`` takes a reference and one embedding, (D,); it is slow and plain on purpose.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from core.novelty import Reference
from core.novelty.methods import NEIGHBOURS, PRINCIPAL, SHRINKAGE

Vector = NDArray[np.float64]


def _softmax(logits: Vector) -> Vector:
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum()


def _max_softmax(reference: Reference, one: Vector) -> float:
    return -_softmax(reference.weight @ one + reference.bias).max()


def _max_logit(reference: Reference, one: Vector) -> float:
    return -(reference.weight @ one + reference.bias).max()


def _energy(reference: Reference, one: Vector) -> float:
    return -np.log(np.exp(reference.weight @ one + reference.bias).sum())


def _nearest(reference: Reference, one: Vector) -> float:
    centre = reference.embeddings.mean(axis=0)
    cosines = [
        (known - centre) @ (one - centre) / np.linalg.norm(known - centre)
        for known in reference.embeddings
    ]
    return -sorted(cosines, reverse=True)[NEIGHBOURS - 1] / np.linalg.norm(one - centre)


def _shrunk_precision(deviations: Vector) -> Vector:
    covariance = np.cov(deviations.T, bias=True)
    width = len(covariance)
    return np.linalg.inv(covariance + SHRINKAGE * np.trace(covariance) / width * np.eye(width))


def _mahalanobis(reference: Reference, one: Vector) -> float:
    means = _means(reference)
    precision = _shrunk_precision(reference.embeddings - means[reference.labels])
    return min((one - mean) @ precision @ (one - mean) for mean in means)


def _relative_mahalanobis(reference: Reference, one: Vector) -> float:
    offset = one - reference.embeddings.mean(axis=0)
    return _mahalanobis(reference, one) - offset @ _shrunk_precision(reference.embeddings) @ offset


def _vim(reference: Reference, one: Vector) -> float:
    origin = -np.linalg.lstsq(reference.weight, reference.bias)[0]
    shifted = reference.embeddings - origin
    axes = np.linalg.svd(shifted)[2][PRINCIPAL:]
    residuals = [np.linalg.norm(axes @ each) for each in shifted]
    largest = [(reference.weight @ each + reference.bias).max() for each in reference.embeddings]
    virtual = np.mean(largest) / np.mean(residuals) * np.linalg.norm(axes @ (one - origin))
    return virtual + _energy(reference, one)


def _means(reference: Reference) -> Vector:
    return np.stack(
        [
            reference.embeddings[reference.labels == label].mean(axis=0)
            for label in range(len(reference.weight))
        ]
    )


EXPECTED: Mapping[str, Callable[[Reference, Vector], float]] = {
    "max_softmax": _max_softmax,
    "max_logit": _max_logit,
    "energy": _energy,
    "nearest": _nearest,
    "mahalanobis": _mahalanobis,
    "relative_mahalanobis": _relative_mahalanobis,
    "vim": _vim,
}
