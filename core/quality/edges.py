"""Blur: how abrupt edges are, and how much fine detail there is."""

from collections.abc import Iterator

import cv2
import numpy as np

from core.quality.views import Plane

FAINTEST_BEND = 2
"""Less, of 255, is what rounding leaves behind in a picture without any edge."""


def measure_sharpness(luma: Plane) -> tuple[float, float]:
    """Return the sharpness of edges: the mean over four directions, and the least of them.

    It is how much the luminance bends in a direction beside how much it rises there, root
    mean square, so that the strongest edges count most and a plain backdrop not at all. An
    edge blurred by a Gaussian bends at most 1 / (1.65 sigma) of its rise, whatever its
    height. Defocus lowers all directions, motion one of them.
    """
    if min(luma.shape) < 3:
        return 0.0, 0.0
    smooth = np.asarray(cv2.GaussianBlur(luma, (3, 3), 0), np.uint8)
    ratios = [_bend_by_rise(smooth, *pair) for pair in _opposites(smooth)]
    return float(np.mean(ratios)), min(ratios)


def _opposites(plane: Plane) -> Iterator[tuple[Plane, Plane]]:
    """The neighbours on both sides of every inner pixel: across, down, and both diagonals."""
    yield plane[1:-1, :-2], plane[1:-1, 2:]
    yield plane[:-2, 1:-1], plane[2:, 1:-1]
    yield plane[:-2, :-2], plane[2:, 2:]
    yield plane[:-2, 2:], plane[2:, :-2]


def _bend_by_rise(plane: Plane, one: Plane, other: Plane) -> float:
    between = cv2.addWeighted(one, 0.5, other, 0.5, 0.0)
    bend = cv2.absdiff(between, plane[1:-1, 1:-1])
    _limit, clear = cv2.threshold(bend, FAINTEST_BEND - 1, 0, cv2.THRESH_TOZERO)
    return 2.0 * cv2.norm(clear) / max(cv2.norm(one, other), 1.0)


def measure_detail(luma: Plane) -> float:
    """Return how much luminance changes from pixel to pixel beside over two, root mean square.

    0.5 where there is no detail finer than some pixels, 1 for pure noise.
    """
    return _change(luma, 1) / max(_change(luma, 2), 1.0)


def _change(luma: Plane, step_px: int) -> float:
    if min(luma.shape) <= step_px:
        return 0.0
    across = cv2.norm(luma[:, step_px:], luma[:, :-step_px])
    return float(np.hypot(across, cv2.norm(luma[step_px:], luma[:-step_px])))
