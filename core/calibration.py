"""Making probabilities honest: temperature scaling, and how far off they are.

Guo et al., "On Calibration of Modern Neural Networks", ICML 2017 (arXiv:1706.04599).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

TEMPERATURE_RANGE = (0.05, 20.0)


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the temperature that makes the labels likeliest, within TEMPERATURE_RANGE.

    The likelihood has one peak in the temperature's inverse (it is log-concave there), so a
    search along its logarithm finds it.

    Args:
        logits: (N, C), of images that the network was not trained on. N = 0 gives 1.
        labels: (N,) indices below C.
    """
    if len(labels) == 0:
        return 1.0

    def loss(log_temperature: float) -> float:
        return negative_log_likelihood(logits, labels, float(np.exp(log_temperature)))

    bounds = (np.log(TEMPERATURE_RANGE[0]), np.log(TEMPERATURE_RANGE[1]))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def negative_log_likelihood(
    logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float
) -> float:
    """Return the mean over (N, C) logits of -log p(label)."""
    scores = log_softmax(logits.astype(np.float64) / temperature, axis=1)
    return float(-scores[np.arange(len(labels)), labels].mean())


def calibrated(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return probabilities, (N, C) float32, rows sum to 1."""
    return np.asarray(softmax(logits.astype(np.float32) / temperature, axis=1), dtype=np.float32)


def expected_calibration_error(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], *, bins: int = 15
) -> float:
    """Return the mean gap between confidence and accuracy over equal bins of confidence, 0 to 1.

    Args:
        probabilities: (N, C), rows sum to 1. N = 0 gives 0.
        labels: (N,) indices below C.
    """
    if len(labels) == 0:
        return 0.0
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    bin_of = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(bin_of, weights=confidence - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))
