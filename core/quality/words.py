"""Words written over a picture: rows dense with steep steps between rows without."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.quality.counts import mark_above

STEEP = 30
"""Difference of neighbouring pixels, in any channel, that is a stroke's edge."""

LINE_WIDTH = 0.4
"""A line of words is about so wide, as a share of the longer side."""

LETTER_HEIGHTS = (0.03, 0.045, 0.065, 0.09)
"""Heights that are looked for, as a share of the longer side."""

USUAL_HEIGHT = 0.05
STEP_PX = 4

FAINTEST = 0.05
"""Lines that stand out less are not looked at closer."""

EVEN_INK = 20.0
"""Mean deviation of the ink, in levels of 255, that halves what a line counts for."""

Plane = NDArray[np.uint8]
Densities = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Line:
    """The most likely line of one height: how far it stands out, its middle and its height."""

    density: float
    row: int = 0
    column: int = 0
    height_px: int = 0


def measure_words(pixels: Plane) -> float:
    """Return how much the wordiest line stands out: 0 to about 1.

    Every row through a line of letters crosses strokes all along, while the rows just above
    and below cross few; foliage, fabric or a heap of fruit is dense in all rows. And what
    is written over a picture has one ink.

    Args:
        pixels: ``(H, W, 3)`` uint8 of a few hundred pixels.
    """
    side = max(pixels.shape[:2])
    if min(pixels.shape[:2]) < 2 * STEP_PX:
        return 0.0
    width_px = int(LINE_WIDTH * side) | 1
    steps = _steps(pixels)
    density = _stroke_density(steps, width_px)
    lines = (_find_line(density, height, side) for height in LETTER_HEIGHTS)
    best = max(lines, key=lambda line: line.density)
    if best.density < FAINTEST:
        return best.density
    return (
        best.density * 1.5 * EVEN_INK / (EVEN_INK + _ink_deviation(pixels, steps, best, width_px))
    )


def _steps(pixels: Plane) -> Plane:
    """Return ``(H, W - 1)``: how much each pixel differs from the next, in any channel."""
    red, green, blue = cv2.split(cv2.absdiff(pixels[:, 1:], pixels[:, :-1]))
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def _stroke_density(steps: Plane, width_px: int) -> Densities:
    """Return ``(H, W / STEP_PX)``: the share of steep steps around each place in its row."""
    steep = mark_above(steps, STEEP)
    mean = cv2.blur(steep, (width_px, 1), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(mean)[:, ::STEP_PX].astype(np.float32) / np.float32(255)


def _find_line(density: Densities, height: float, side: int) -> Line:
    """Return the line whose sparsest row exceeds the rows beside it the most."""
    line_px = max(3, round(height * side))
    gap_px = max(2, line_px // 3)
    away_px = line_px // 2 + gap_px // 2 + 2
    if 2 * away_px >= len(density):
        return Line(0.0)
    inside = cv2.erode(density, np.ones((line_px, 1), np.uint8))
    gap = np.asarray(cv2.blur(density, (1, gap_px)))
    beside = np.zeros_like(density)
    beside[away_px:] = gap[:-away_px]
    beside[:-away_px] = np.maximum(beside[:-away_px], gap[away_px:])
    stands_out = np.asarray(cv2.subtract(inside, beside))
    row, column = divmod(int(stands_out.argmax()), stands_out.shape[1])
    value = max(0.0, float(stands_out[row, column])) * math.sqrt(height / USUAL_HEIGHT)
    return Line(value, row, column * STEP_PX, line_px)


def _ink_deviation(pixels: Plane, steps: Plane, line: Line, width_px: int) -> float:
    """Return how far the more even side of the line's strokes is from one colour, mean of 255."""
    top, left = max(0, line.row - line.height_px // 2), max(1, line.column - width_px // 2)
    box = steps[top : line.row + line.height_px // 2 + 1, left : line.column + width_px // 2]
    rows, columns = np.nonzero(box > STEEP + 10)
    if not len(rows):
        return 255.0
    rows, columns = rows + top, columns + left
    before = pixels[rows, columns - 1].astype(np.int16)
    after = pixels[rows, np.minimum(columns + 2, pixels.shape[1] - 1)].astype(np.int16)
    falls = (before.sum(axis=1) > after.sum(axis=1))[:, None]
    sides = np.where(falls, before, after), np.where(falls, after, before)
    return min(float(np.abs(side - np.median(side, axis=0)).mean()) for side in sides)
