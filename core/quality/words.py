"""Words written over a picture: rows dense with thin strokes between rows without."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.quality.counts import mark_above

REACHES_PX = (2, 3)
"""A stroke is narrower than one of these, and farther from the next."""

CLEAR = 40
"""By so much, in any channel, a stroke differs from both its sides."""

LINE_WIDTH = 0.5
"""A line of words is about so wide, as a share of the longer side."""

LETTER_HEIGHTS = (0.04, 0.06, 0.08)
"""Heights that are looked for, as a share of the longer side."""

USUAL_HEIGHT = 0.05
"""Taller lines are rarer by chance, and count more in proportion."""

STEP_PX = 8

ROW_STEP = 2
"""Letters are higher than a few rows: every second is looked at."""

GAP = 2
"""So many rows beside a line count, and are so far from it."""

FAINTEST = 0.03
"""Lines that stand out less are not looked at closer."""

EVEN_INK = 20.0
"""Mean deviation of the ink, in levels of 255, that halves what a line counts for."""

Plane = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Line:
    """The most likely line of one height: how far it stands out, its middle and its rows."""

    density: float
    row: int = 0
    column: int = 0
    rows: int = 0


def measure_words(pixels: Plane) -> float:
    """Return how much the wordiest line stands out: 0 to about 1.

    Every row through a line of letters crosses strokes all along, while the rows just above
    and below cross few; foliage, fabric or a heap of fruit is dense in all rows. And what
    is written over a picture has one ink.

    Args:
        pixels: ``(H, W, 3)`` uint8 of a few hundred pixels.
    """
    side = max(pixels.shape[:2])
    if min(pixels.shape[:2]) < 4 * max(REACHES_PX):
        return 0.0
    rows = pixels[::ROW_STEP]
    strokes = _mark_strokes(rows)
    density = _densities(strokes, int(LINE_WIDTH * side))
    nearby = np.asarray(cv2.blur(density, (GAP, 1)), np.uint8)
    lines = (_find_line(density, nearby, height, side) for height in LETTER_HEIGHTS)
    best = max(lines, key=lambda line: line.density)
    if best.density < FAINTEST:
        return best.density
    deviation = _ink_deviation(rows, strokes, best, int(LINE_WIDTH * side))
    return best.density * EVEN_INK / (EVEN_INK + deviation)


def _mark_strokes(pixels: Plane) -> Plane:
    """Return ``(H, W)``: 255 where a pixel of any channel belongs to a stroke."""
    narrow, wide = (_stands_apart(pixels, reach_px) for reach_px in REACHES_PX)
    margin = REACHES_PX[1] - REACHES_PX[0]
    either = cv2.max(narrow[:, margin:-margin], wide)
    clear = mark_above(np.asarray(either, np.uint8), CLEAR)
    any_channel = mark_above(np.asarray(cv2.cvtColor(clear, cv2.COLOR_RGB2GRAY), np.uint8), 0)
    edge = REACHES_PX[1]
    framed = cv2.copyMakeBorder(any_channel, 0, 0, edge, edge, cv2.BORDER_CONSTANT)
    return np.asarray(framed, np.uint8)


def _stands_apart(pixels: Plane, reach_px: int) -> Plane:
    """Return by how much pixels differ from left and right, less half of what those differ by.

    The edge of a thing differs from one side only; a stroke lies between two of one colour.
    """
    near = cv2.absdiff(pixels[:, reach_px:], pixels[:, :-reach_px])
    apart = np.asarray(cv2.absdiff(pixels[:, 2 * reach_px :], pixels[:, : -2 * reach_px]), np.uint8)
    both = cv2.min(near[:, :-reach_px], near[:, reach_px:])
    return np.asarray(cv2.subtract(both, apart >> 1), np.uint8)


def _densities(strokes: Plane, width_px: int) -> Plane:
    """Return ``(W / STEP_PX, H)``: how much of its row around each place is strokes, of 255.

    Eight bytes of 0 or 255 are one number of 64 bits, whose ones are counted.
    """
    columns = strokes.shape[1] // STEP_PX * STEP_PX
    eights = np.ascontiguousarray(strokes[:, :columns]).view(np.uint64)
    share = cv2.convertScaleAbs(cv2.transpose(np.bitwise_count(eights)), alpha=255 / 64)
    size = (1, width_px // STEP_PX | 1)
    return np.asarray(cv2.blur(share, size, borderType=cv2.BORDER_CONSTANT), np.uint8)


def _find_line(density: Plane, nearby: Plane, height: float, side: int) -> Line:
    """Return the line whose sparsest row exceeds the rows beside it the most."""
    rows = max(2, round(height * side / ROW_STEP))
    away = rows // 2 + GAP // 2 + GAP
    if 2 * away >= density.shape[1]:
        return Line(0.0)
    inside = cv2.erode(density, np.ones((1, rows), np.uint8))
    around = cv2.copyMakeBorder(nearby, 0, 0, away, away, cv2.BORDER_CONSTANT)
    beside = cv2.max(around[:, : -2 * away], around[:, 2 * away :])
    _least, most, _at, (row, column) = cv2.minMaxLoc(cv2.subtract(inside, beside))
    return Line(most / 255 * height / USUAL_HEIGHT, row, column * STEP_PX, rows)


def _ink_deviation(pixels: Plane, strokes: Plane, line: Line, width_px: int) -> float:
    """Return how far the line's strokes are from one colour, mean of 255."""
    top, left = max(0, line.row - line.rows // 2), max(0, line.column - width_px // 2)
    box = slice(top, top + line.rows), slice(left, left + width_px)
    ink = pixels[box][strokes[box] > 0].astype(np.int16)
    if not len(ink):
        return 255.0
    return float(np.abs(ink - np.sort(ink, axis=0)[len(ink) // 2]).mean())
