"""Blur: how abrupt edges are, and how much fine detail there is."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.quality.views import Plane

ROUNDING = 2
"""Twice the bend, in levels of 255, that rounding leaves in a picture without any edge."""


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
    levels = smooth.astype(np.int16)
    twice = cv2.add(levels, levels)[1:-1, 1:-1]
    bends = [_bend(twice, *pair) for pair in _opposites(levels)]
    rises = [cv2.norm(*pair) for pair in _opposites(smooth)]
    ratios = [bend / max(rise, 1.0) for bend, rise in zip(bends, rises, strict=True)]
    return sum(ratios) / len(ratios), min(ratios)


def _opposites(plane: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """The neighbours on both sides of every inner pixel: across, down, and both diagonals."""
    yield plane[1:-1, :-2], plane[1:-1, 2:]
    yield plane[:-2, 1:-1], plane[2:, 1:-1]
    yield plane[:-2, :-2], plane[2:, 2:]
    yield plane[:-2, 2:], plane[2:, :-2]


def _bend(twice: cv2.typing.MatLike, one: cv2.typing.MatLike, other: cv2.typing.MatLike) -> float:
    bend = cv2.absdiff(cv2.add(one, other), twice)
    return cv2.norm(cv2.threshold(bend, ROUNDING, 0, cv2.THRESH_TOZERO)[1])


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
