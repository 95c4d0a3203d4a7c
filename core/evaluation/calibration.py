"""Making probabilities honest: temperature scaling.

Guo et al., "On Calibration of Modern Neural Networks", ICML 2017 (arXiv:1706.04599).
"""

import numpy as np
from numpy.typing import NDArray

TEMPERATURE_RANGE = (0.05, 20.0)
_GOLDEN = (5**0.5 - 1) / 2
_NORMAL_95 = 1.959964
_TOLERANCE = 1e-4  # of the temperature's logarithm
_MOST_LOGITS = 20_000_000  # 160 MB in double precision


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the temperature that makes the labels likeliest, within TEMPERATURE_RANGE.

    The loss is convex in the temperature's inverse, so along the temperature it has one
    valley, whose floor a golden-section search finds. One number needs no more than a few
    thousand images: of very many logits every n-th row is taken.

    Args:
        logits: (N, C), of images that the network was not trained on. N = 0 gives 1.
        labels: (N,) indices below C.
    """
    if len(labels) == 0:
        return 1.0
    step_rows = -(-logits.size // _MOST_LOGITS)
    logits, labels = logits[::step_rows], labels[::step_rows]
    low, high = np.log(TEMPERATURE_RANGE)
    while high - low > _TOLERANCE:
        step = _GOLDEN * (high - low)
        left, right = (
            negative_log_likelihood(logits, labels, float(np.exp(edge)))
            for edge in (high - step, low + step)
        )
        if left < right:
            high = low + step
        else:
            low = high - step
    return float(np.exp((low + high) / 2))


def fit_cautiously(views: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the upper end of the temperature's 95 % interval, within TEMPERATURE_RANGE.

    Being too sure files a wrong label unseen, being too unsure costs a glance. The standard
    error is the sandwich's of a maximum likelihood estimate, clustered by image (White,
    Econometrica 50, 1982).

    Args:
        views: (V, N, C) logits of the same images seen V times. N = 0 gives 1.
        labels: (N,) indices below C.
    """
    every = -(-views.size // _MOST_LOGITS) if views.size else 1
    views, labels = views[:, ::every], labels[::every]
    logits, repeated = views.reshape(-1, views.shape[-1]), np.tile(labels, len(views))
    best = fit_temperature(logits, repeated)
    error = _relative_error(logits, repeated, best, len(labels)) if len(labels) else 0.0
    return float(np.clip(best * np.exp(_NORMAL_95 * error), *TEMPERATURE_RANGE))


def _relative_error(
    logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float, images: int
) -> float:
    """Return the standard error of the temperature's logarithm; no more than 1."""
    scores = logits.astype(np.float64) / temperature
    shares = np.exp(_log_softmax(scores))
    means = (shares * scores).sum(axis=1)
    own = scores[np.arange(len(labels)), labels]
    slopes = (own - means).reshape(-1, images).sum(axis=0)
    curvature = (shares * (scores - means[:, None]) ** 2).sum()
    return float(min(1.0, np.sqrt((slopes**2).sum()) / max(curvature, np.finfo(float).tiny)))


def negative_log_likelihood(
    logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float
) -> float:
    """Return the mean over (N, C) logits of -log p(label)."""
    scores = _log_softmax(logits.astype(np.float64) / temperature)
    return float(-scores[np.arange(len(labels)), labels].mean())


def calibrated(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return probabilities, (N, C) float32, rows sum to 1."""
    return np.exp(_log_softmax(logits.astype(np.float64) / temperature)).astype(np.float32)


def _log_softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs
