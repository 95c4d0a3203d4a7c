"""Histograms of 8-bit planes, and what is read from them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.quality.views import Plane

Histogram = NDArray[np.float32]
"""``(256,)`` float32: how many pixels have each level."""


def count_levels(plane: Plane, mask: Plane | None = None) -> Histogram:
    """Return how many of the pixels (under the mask) have each level."""
    return np.asarray(cv2.calcHist([plane], [0], mask, [256], [0, 256]), np.float32).ravel()


def find_percentiles(histogram: Histogram, *shares: float) -> list[int]:
    """Return the levels, 0 to 255, up to which the shares of the pixels lie."""
    rising = np.cumsum(histogram, dtype=np.float64)
    found = np.searchsorted(rising, np.multiply(shares, rising[-1]))
    return [int(level) for level in found]


def share_from(histogram: Histogram, level: int) -> float:
    """Return the share of the pixels that have this level or a higher one."""
    return float(histogram[level:].sum() / max(histogram.sum(), 1.0))


def find_entropy_bits(histogram: Histogram) -> float:
    """Return the entropy of the levels, 0 to 8 bits."""
    seen = histogram[histogram > 0] / histogram.sum()
    return float(-(seen * np.log2(seen)).sum())


def mark_above(plane: Plane, level: int) -> Plane:
    """Return 255 where the plane is above the level, 0 elsewhere."""
    return np.asarray(cv2.threshold(plane, level, 255, cv2.THRESH_BINARY)[1], np.uint8)
