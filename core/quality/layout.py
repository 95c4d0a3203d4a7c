"""How a picture is made up: bars, seams, what stands around the product and where it ends."""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.quality.counts import mark_above
from core.quality.foreground import WHITE_LEVEL
from core.quality.views import Plane, Views

EVEN = 1.2
"""A row that differs from a bar's level by no more, of 255 and in the mean, belongs to it."""

CHANGE = 14
"""A pixel that differs from a bar's level by more is something else."""

BAR_ENDS_AT = 0.6
"""Share of the row behind a bar that is something else: bars end all at once."""

STEEP = 24
"""Difference of neighbouring levels that counts as an edge."""

MARGIN = 0.16
"""What counts as the surroundings when there is no backdrop, as a share of either side."""


def measure_bars(views: Views) -> float:
    """Return the share of the picture that is bars, along its more barred side.

    White ones are none where the product stands on white.
    """
    luma = views.edges
    lightest = WHITE_LEVEL if views.has_backdrop else 256
    return max(
        _barred(np.asarray(cv2.transpose(luma), np.uint8), lightest), _barred(luma, lightest)
    )


def _barred(luma: Plane, lightest: int) -> float:
    rows = _bar_rows(luma, lightest) + _bar_rows(luma[::-1], lightest)
    return min(rows / len(luma), 1.0)


def _bar_rows(luma: Plane, lightest: int) -> int:
    """Return how many rows from the top are one bar."""
    level, total = round(cv2.mean(luma[:1])[0]), EVEN * luma.shape[1]
    if level >= lightest or np.abs(luma[0].astype(np.int16) - level).sum() > total:
        return 0
    off = np.abs(luma.astype(np.int16) - level)
    rows = int(np.argmax(off.mean(axis=1) > EVEN))
    if not 0 < rows < len(luma) - 1:
        return 0
    return rows if (off[rows + 1] > CHANGE).mean() >= BAR_ENDS_AT else 0


def measure_seams(luma: Plane) -> float:
    """Return how much of the picture's length its straight seams run through.

    One upright seam parts a collage. Of level ones the third counts: a shelf has two.
    """
    if min(luma.shape) < 2:
        return 0.0
    across = mark_above(np.asarray(cv2.absdiff(luma[:, 1:], luma[:, :-1]), np.uint8), STEEP)
    down = mark_above(np.asarray(cv2.absdiff(luma[1:], luma[:-1]), np.uint8), STEEP)
    upright = np.asarray(cv2.reduce(across, 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F)).ravel() / 255
    level = np.asarray(cv2.reduce(down, 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F)).ravel() / 255
    return max(_strongest(upright, 1), _strongest(level, 3))


def _strongest(seams: NDArray[np.floating], rank: int) -> float:
    """Return the strongest, or the next ones, apart from each other and from the frame."""
    edge = max(2, len(seams) // 20)
    inner = seams[edge:-edge].copy()
    for _ in range(rank - 1):
        if len(inner):
            place = int(np.argmax(inner))
            inner[max(0, place - edge) : place + edge + 1] = 0
    return float(inner.max(initial=0.0))


def measure_clutter(views: Views) -> float:
    """Return the share of the surroundings that are edges; 0 with a plain backdrop."""
    height, width = views.edges.shape
    if views.has_backdrop or min(height, width) < 8:
        return 0.0
    steps = cv2.absdiff(views.edges[1:, 1:], views.edges[:-1, :-1])
    edges = mark_above(np.asarray(steps, np.uint8), STEEP)
    top, left = int(MARGIN * height), int(MARGIN * width)
    inner = edges[top : height - 1 - top, left : width - 1 - left]
    around = cv2.countNonZero(edges) - cv2.countNonZero(np.ascontiguousarray(inner))
    return around / max(edges.size - inner.size, 1)


def measure_cut(views: Views) -> float:
    """Return the largest share of a side at which the product leaves the frame.

    0 without a plain backdrop: nobody knows where the product ends.
    """
    if not views.has_backdrop:
        return 0.0
    product = views.product
    sides = product[0], product[-1], product[:, 0], product[:, -1]
    return max(int(np.count_nonzero(side)) / side.size for side in sides)
