"""Find the product on a plain backdrop, so that the backdrop is not judged.

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

FLAT_TOLERANCE = 10
"""Channels this near (0 to 255) to the border's median are a flat backdrop of another colour."""

FLAT_BORDER_SHARE = 0.85
"""So much of the border must be flat: more than of white, which is rarely there by chance."""

MIN_HOLE = 0.002
"""Smaller white areas within the product are highlights, not holes; share of the frame."""

SAME_LEVEL = 6.0
"""So close to the backdrop's level is a hole through which it shows."""

MIN_FOREGROUND = 0.01
"""With less than this left there is no product to judge, and the whole frame counts."""


def find_foreground(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels belong to the product: ``(H, W)`` bool.

    All of them, unless most of the border is white, or nearly all of it of one colour; then
    all but the backdrop that can be reached from the border, and what of the same level
    shows through the product (a mug's handle, the legs of a chair). What is burnt out to
    that very level cannot be told from the backdrop.

    Args:
        pixels: ``(H, W, 3)`` uint8, RGB.
    """
    smooth = np.asarray(cv2.blur(pixels, (3, 3)), np.uint8)  # or noise would tear the backdrop
    red, green, blue = cv2.split(smooth)
    level = np.asarray(cv2.min(cv2.min(red, green), blue), np.uint8)
    plain = _plain(smooth, level)
    if plain is None:
        return np.ones(level.shape, dtype=np.bool_)
    foreground = ~_find_backdrop(level, plain)
    enough = cv2.countNonZero(foreground.view(np.uint8)) >= MIN_FOREGROUND * foreground.size
    return foreground if enough else np.ones(level.shape, dtype=np.bool_)


def _plain(pixels: NDArray[np.uint8], level: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return which pixels look like the backdrop, 0 or 1; None when there is none."""
    if (_border(level) >= WHITE_LEVEL).mean() >= BORDER_SHARE:
        return np.asarray(cv2.threshold(level, WHITE_LEVEL - 1, 1, cv2.THRESH_BINARY)[1])
    border = _border(pixels)
    colour = np.median(border, axis=0)
    is_flat = (np.abs(border - colour) <= FLAT_TOLERANCE).all(axis=1)
    if is_flat.mean() < FLAT_BORDER_SHARE:
        return None
    near = cv2.inRange(pixels, colour - FLAT_TOLERANCE, colour + FLAT_TOLERANCE)
    return np.asarray(near, np.uint8) & np.uint8(1)


def _find_backdrop(level: NDArray[np.uint8], plain: NDArray[np.uint8]) -> NDArray[np.bool_]:
    _count, components, stats, _centres = cv2.connectedComponentsWithStats(plain, connectivity=4)
    labels = np.asarray(components)
    areas = np.asarray(stats)[:, cv2.CC_STAT_AREA]
    is_backdrop = np.zeros(len(areas), dtype=np.bool_)
    is_backdrop[_border(labels)] = True
    is_backdrop[0] = False  # what is not plain
    is_large = areas >= MIN_HOLE * level.size
    if not (is_large & ~is_backdrop)[1:].any():
        return np.asarray(is_backdrop[labels])
    levels = np.bincount(labels.ravel(), weights=level.ravel()) / np.maximum(areas, 1)
    outside = np.average(levels[is_backdrop], weights=areas[is_backdrop])
    is_backdrop[1:] |= (is_large & (np.abs(levels - outside) <= SAME_LEVEL))[1:]
    return np.asarray(is_backdrop[labels])


def _border(values: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate((values[0], values[-1], values[1:-1, 0], values[1:-1, -1]))
