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

MIN_FOREGROUND = 0.01
"""With less than this left there is no product to judge, and the whole frame counts."""


def find_foreground(darkest_channel: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels belong to the product: ``(H, W)`` bool.

    All of them, unless most of the border is white; then all but the white that can be
    reached from the border. White inside the product stays part of it. What is burnt out up to
    the border cannot be told from a backdrop.

    Args:
        darkest_channel: ``(H, W)`` uint8, the smallest of red, green and blue.
    """
    white = darkest_channel >= WHITE_LEVEL
    everything = np.ones(white.shape, dtype=np.bool_)
    if _border(white).mean() < BORDER_SHARE:
        return everything
    foreground = ~_reached_from_border(white)
    return foreground if foreground.mean() >= MIN_FOREGROUND else everything


def _border(values: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate((values[0], values[-1], values[1:-1, 0], values[1:-1, -1]))


def _reached_from_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    _count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    labels = np.asarray(labels)
    touching = np.unique(_border(labels))
    return np.isin(labels, touching[touching > 0])
