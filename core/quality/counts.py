"""Histograms of 8-bit planes, and what is read from them."""

import math

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
    rising = histogram.cumsum(dtype=np.float64)
    return [int(rising.searchsorted(share * rising[-1])) for share in shares]


def find_entropy_bits(histogram: Histogram) -> float:
    """Return the entropy of the levels, 0 to 8 bits."""
    count = float(histogram.sum())
    bits = math.log2(count) - float(histogram @ np.log2(np.maximum(histogram, 1))) / count
    return max(0.0, bits)


def mark_above(plane: Plane, level: int) -> Plane:
    """Return 255 where the plane is above the level, 0 elsewhere."""
    return np.asarray(cv2.threshold(plane, level, 255, cv2.THRESH_BINARY)[1], np.uint8)
