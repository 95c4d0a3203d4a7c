"""Find the product on a plain white backdrop, so that the backdrop is not judged.

A product photo from a studio is mostly white paper. Measured over the whole frame such a
picture is always "bright" and never "dark", whatever happened to the product on it.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

WHITE_LEVEL = 235
"""A border this light (0 to 255, its darkest channel) is taken for a studio backdrop."""

BORDER_SHARE = 0.6
"""So much of the border must be white: the product may touch the edge of the frame."""

MIN_HOLE = 0.002
"""Smaller white areas within the product are highlights, not holes; share of the frame."""

SAME_LEVEL = 6.0
"""So close to the backdrop's level is a hole through which it shows."""

MIN_FOREGROUND = 0.01
"""With less than this left there is no product to judge, and the whole frame counts."""


def find_foreground(darkest_channel: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels belong to the product: ``(H, W)`` bool.

    All of them, unless most of the border is white; then all but the white that can be
    reached from the border, and the white of the same level that shows through the product
    (a mug's handle, the legs of a chair). What is burnt out to that very level cannot be
    told from the backdrop.

    Args:
        darkest_channel: ``(H, W)`` uint8, the smallest of red, green and blue.
    """
    white = darkest_channel >= WHITE_LEVEL
    everything = np.ones(white.shape, dtype=np.bool_)
    if _border(white).mean() < BORDER_SHARE:
        return everything
    foreground = ~_find_backdrop(darkest_channel, white)
    return foreground if foreground.mean() >= MIN_FOREGROUND else everything


def _find_backdrop(
    darkest_channel: NDArray[np.uint8], white: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    _count, components, stats, _centres = cv2.connectedComponentsWithStats(
        white.astype(np.uint8), connectivity=4
    )
    labels = np.asarray(components)
    areas = np.asarray(stats)[:, cv2.CC_STAT_AREA]
    levels = np.bincount(labels.ravel(), weights=darkest_channel.ravel()) / np.maximum(areas, 1)
    is_backdrop = np.zeros(len(areas), dtype=np.bool_)
    is_backdrop[_border(labels)] = True
    is_backdrop[0] = False  # what is not white
    level = np.average(levels[is_backdrop], weights=areas[is_backdrop])
    is_large = areas >= MIN_HOLE * white.size
    is_backdrop[1:] |= (is_large & (np.abs(levels - level) <= SAME_LEVEL))[1:]
    return np.asarray(is_backdrop[labels])


def _border(values: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate((values[0], values[-1], values[1:-1, 0], values[1:-1, -1]))
