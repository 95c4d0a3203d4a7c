"""What a sensor and a file format leave in a picture's own pixels."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.quality.views import Plane, Views, fit_mask, halve, middle

GRID_PX = 8
"""Side of JPEG's blocks (ITU-T T.81)."""

FAINT = 1.0
"""Mean step, in levels of 255, below which the blocks of a smooth picture count less."""

HALVINGS = 3
"""So often is a plane halved to patches, 8 px wide, in which noise is estimated."""

UNCLIPPED = (20, 235)
"""Only there noise is seen as it is: black and white cut it off."""

QUIETEST = 0.02
"""Noise is read where there is least texture: the quietest patches, as a share."""

NOISE_SIDE_PX = 192
"""Of the middle of a picture without a backdrop: noise is everywhere."""

BEND = np.array([1.0, -2.0, 1.0], np.float32)
SIGMA_BY_MEAN = 0.2089  # sqrt(pi / 2) / 6

MISSING_LEVEL, MISSING_TOLERANCE = 128, 4
"""Where a JPEG ends early, decoders draw this grey."""


def measure_blockiness(luma: Plane) -> float:
    """Return how much steeper luminance is across the edges of JPEG's blocks than between.

    The lesser of both directions, 1 without compression. The grid may begin anywhere, as
    in a picture that was cropped or turned. The steepest sixth of the rows and columns is
    left out: the straight side of a box is no trace of compression.
    """
    if min(luma.shape) <= 2 * GRID_PX:
        return 1.0
    across = cv2.absdiff(luma[:, 1:], luma[:, :-1])
    down = cv2.absdiff(luma[1:], luma[:-1])
    return min(_grid_ratio(_means(across, 0)), _grid_ratio(_means(down, 1)))


def _means(plane: cv2.typing.MatLike, axis: int) -> NDArray[np.float32]:
    means = cv2.reduce(plane, axis, cv2.REDUCE_AVG, dtype=cv2.CV_32F)
    return np.asarray(means, np.float32).reshape(-1)


def _grid_ratio(steps: NDArray[np.float32]) -> float:
    whole = steps[: len(steps) // GRID_PX * GRID_PX].reshape(-1, GRID_PX)
    whole.sort(axis=0)
    usual = whole[: -max(1, len(whole) // 6)]
    by_phase = sorted(cv2.reduce(usual, 0, cv2.REDUCE_AVG)[0].tolist())
    return float((by_phase[-1] + FAINT) / (by_phase[GRID_PX // 2] + FAINT))


def measure_noise(views: Views) -> float:
    """Return the standard deviation of the noise, in levels of 255.

    Immerkær's estimate (Computer Vision and Image Understanding 64, 1996), which sees no
    straight edges, in the product's quietest patches.
    """
    luma = views.native if views.has_backdrop else middle(views.native, NOISE_SIDE_PX)
    if min(luma.shape) < 2**HALVINGS:
        return 0.0
    bends = cv2.convertScaleAbs(cv2.sepFilter2D(luma, cv2.CV_16S, BEND, BEND))
    means, levels = _patches(np.asarray(bends, np.uint8)), _patches(luma)
    usable = (levels > UNCLIPPED[0]) & (levels < UNCLIPPED[1])
    if views.has_backdrop:
        usable &= fit_mask(views.native_product, levels) > 0
    quiet = np.sort(means[usable])
    return SIGMA_BY_MEAN * float(quiet[int(QUIETEST * len(quiet))]) if len(quiet) else 0.0


def _patches(plane: Plane) -> Plane:
    """Return the mean of every patch."""
    for _ in range(HALVINGS):
        plane = halve(plane)
    return plane


def measure_missing(luma: Plane) -> float:
    """Return the share of the height at the bottom that was never decoded."""
    if abs(int(luma[-1, 0]) - MISSING_LEVEL) > MISSING_TOLERANCE:
        return 0.0
    off = np.abs(luma.astype(np.int16) - MISSING_LEVEL).max(axis=1) > MISSING_TOLERANCE
    drawn = np.flatnonzero(off)
    return 1.0 - (int(drawn[-1]) + 1) / len(off) if len(drawn) else 0.0
