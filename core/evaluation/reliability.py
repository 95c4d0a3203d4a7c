"""Whether 80 % sure means right in 80 of 100 cases.

Guo et al., "On Calibration of Modern Neural Networks", ICML 2017 (arXiv:1706.04599).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluation.bootstrap import Floats, Statistic

BINS = 15


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Pictures whose confidence lies from ``low`` to ``high``.

    Attributes:
        confidence: Their mean confidence; perfectly calibrated, it equals ``accuracy``.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def measure_reliability(
    confidences: NDArray[np.float32], correct: NDArray[np.bool_]
) -> list[ReliabilityBin]:
    """Return the bins of equal width that hold pictures, least sure first."""
    bin_of = _bin_of(confidences)
    counts = np.bincount(bin_of, minlength=BINS)
    confidence = np.bincount(bin_of, weights=confidences, minlength=BINS)
    hits = np.bincount(bin_of, weights=correct, minlength=BINS)
    return [
        ReliabilityBin(
            low=at / BINS,
            high=(at + 1) / BINS,
            count=int(counts[at]),
            confidence=float(confidence[at] / counts[at]),
            accuracy=float(hits[at] / counts[at]),
        )
        for at in np.flatnonzero(counts).tolist()
    ]


def expected_calibration_error(
    confidences: NDArray[np.float32], correct: NDArray[np.bool_]
) -> float:
    """Return the mean gap between confidence and accuracy, 0 to 1; of no pictures 0."""
    if len(confidences) == 0:
        return 0.0
    return float(calibration_error(confidences, correct)(np.ones((1, len(confidences))))[0])


def calibration_error(confidences: NDArray[np.float32], correct: NDArray[np.bool_]) -> Statistic:
    """Return the statistic ECE: the gap between confidence and accuracy, weighted by bin."""
    gaps = np.zeros((len(confidences), BINS))
    gaps[np.arange(len(confidences)), _bin_of(confidences)] = confidences - correct

    def statistic(weights: Floats) -> Floats:
        total: Floats = weights.sum(axis=1)
        error: Floats = np.abs(weights @ gaps).sum(axis=1) / total
        return error

    return statistic


def _bin_of(confidences: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.minimum((confidences * BINS).astype(np.int64), BINS - 1)
