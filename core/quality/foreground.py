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
    smooth = np.asarray(cv2.medianBlur(pixels, 3), np.uint8)  # or noise would tear the backdrop
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
    edge = _border(level)
    if np.count_nonzero(edge >= WHITE_LEVEL) >= BORDER_SHARE * len(edge):
        return np.asarray(cv2.threshold(level, WHITE_LEVEL - 1, 1, cv2.THRESH_BINARY)[1])
    border = _border(pixels)
    colour = np.partition(border, len(border) // 2, axis=0)[len(border) // 2].astype(float)
    span = colour - FLAT_TOLERANCE, colour + FLAT_TOLERANCE
    if cv2.countNonZero(cv2.inRange(border[None], *span)) < FLAT_BORDER_SHARE * len(border):
        return None
    return np.asarray(cv2.inRange(pixels, *span), np.uint8) & np.uint8(1)


def _find_backdrop(level: NDArray[np.uint8], plain: NDArray[np.uint8]) -> NDArray[np.bool_]:
    framed = cv2.copyMakeBorder(plain, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    cv2.floodFill(framed, None, (0, 0), 2)
    filled = np.asarray(framed)[1:-1, 1:-1]
    is_backdrop: NDArray[np.bool_] = filled == 2
    enclosed: NDArray[np.bool_] = filled == 1
    least = MIN_HOLE * level.size
    if np.count_nonzero(enclosed) < least:
        return is_backdrop
    outside = cv2.mean(level, is_backdrop.view(np.uint8))[0]
    _count, components = cv2.connectedComponents(enclosed.view(np.uint8), connectivity=4)
    areas = np.bincount(np.asarray(components).ravel())
    for label in np.flatnonzero(areas[1:] >= least) + 1:
        hole = np.asarray(components) == label
        if abs(cv2.mean(level, hole.view(np.uint8))[0] - outside) <= SAME_LEVEL:
            is_backdrop |= hole
    return is_backdrop


def _border(values: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate((values[0], values[-1], values[1:-1, 0], values[1:-1, -1]))
