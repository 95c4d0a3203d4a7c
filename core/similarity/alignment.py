"""How one picture lies on another, and how much of it is the same there.

Corners are paired, a turn, a scale and a shift are found that most pairs agree on (RANSAC:
Fischler and Bolles, 1981), the second picture is laid on the first, and both are compared block
by block. Another photo of the same shelf pairs corners as well; its blocks do not correlate.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.similarity.evidence import LocalEvidence

Matrix = NDArray[np.float64]
Blocks = NDArray[np.float32]

MIN_PAIRS = 10
"""Corners that must agree; other pictures reach 5 on average by chance."""

MIN_CORRELATION = 0.9
"""Of the pixels of two blocks that show the same."""

_MAX_BITS = 64  # of 256, in which the surroundings of paired corners may differ
_TOLERANCE_PX = 3.0
_ROUNDS = 200
_BLOCK_PX = 16
_MIN_CONTRAST = 3.0  # grey levels; what is plainer says nothing
_MIN_BLOCKS = 6
_SOFTEN_PX = 1.2  # JPEG's own edges and a shift of part of a pixel disappear
_EDGE_PX = 3  # of the part laid on, where it meets nothing


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """The second of two pictures laid on the first.

    Attributes:
        matrix: (2, 3) float64, from (x, y, 1) in pixels of the second to those of the first.
        mirrored: The second was mirrored for it; the matrix says so, too.
        score: Share of the blocks with something on them that show the same, 0 to 1.
        covered: Share of the smaller picture that lies on the other, 0 to 1.
    """

    matrix: Matrix
    mirrored: bool
    score: float
    covered: float


def align(first: LocalEvidence, second: LocalEvidence) -> Alignment | None:
    """Return how the second lies on the first, or None where nothing fits."""
    on_grey = _pair_corners(first, second)
    if on_grey is None:
        on_grey = _stretch(first, second)
    measured = _compare(first.grey, second.grey, on_grey)
    if measured is None:
        return None
    full = np.linalg.inv(first.to_grey()) @ np.vstack([on_grey, [0, 0, 1]]) @ second.to_grey()
    return Alignment(full[:2], False, *measured)


def align_mirrored(first_mirrored: LocalEvidence, second: LocalEvidence) -> Alignment | None:
    """Return how the second lies on the first, of which the mirror image is given."""
    found = align(first_mirrored, second)
    if found is None:
        return None
    width = first_mirrored.size_px[0]
    matrix = np.array([[-1.0, 0, width - 1], [0, 1, 0]]) @ np.vstack([found.matrix, [0, 0, 1]])
    return Alignment(matrix, True, found.score, found.covered)


def difference(
    first: NDArray[np.uint8], second: NDArray[np.uint8], alignment: Alignment
) -> NDArray[np.uint8]:
    """Return (H, W) uint8: how far the first is from the second laid on it, 0 outside that.

    Args:
        first: (H, W, 3) uint8.
        second: (h, w, 3) uint8.
    """
    size = (first.shape[1], first.shape[0])
    laid = cv2.warpAffine(second, alignment.matrix, size, flags=cv2.INTER_LINEAR)
    apart = cv2.absdiff(first, np.asarray(laid, np.uint8)).max(axis=2)
    return np.where(_inside(second.shape[:2], alignment.matrix, size), apart, 0).astype(np.uint8)


def _pair_corners(first: LocalEvidence, second: LocalEvidence) -> Matrix | None:
    """Return the (2, 3) matrix of turn, scale and shift that most pairs agree on."""
    if min(len(first.points), len(second.points)) < MIN_PAIRS:
        return None
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True)
    pairs = [
        pair
        for pair in matcher.match(second.descriptors, first.descriptors)
        if pair.distance <= _MAX_BITS
    ]
    if len(pairs) < MIN_PAIRS:
        return None
    from_points = second.points[[pair.queryIdx for pair in pairs]]
    to_points = first.points[[pair.trainIdx for pair in pairs]]
    fitted: Any = cv2.estimateAffinePartial2D(
        from_points, to_points, ransacReprojThreshold=_TOLERANCE_PX, maxIters=_ROUNDS
    )
    matrix, agreeing = fitted
    if matrix is None or int(agreeing.sum()) < MIN_PAIRS:
        return None
    return np.asarray(matrix, np.float64)


def _stretch(first: LocalEvidence, second: LocalEvidence) -> Matrix:
    """The second in the first's frame: all that can be tried where corners are lacking."""
    (height, width), (other_height, other_width) = first.grey.shape, second.grey.shape
    return np.array([[width / other_width, 0, 0], [0, height / other_height, 0]], np.float64)


def _compare(
    first: NDArray[np.uint8], second: NDArray[np.uint8], matrix: Matrix
) -> tuple[float, float] | None:
    """Return score and covered share; None where too little can be compared."""
    height, width = first.shape
    laid = cv2.warpAffine(second, matrix, (width, height), flags=cv2.INTER_LINEAR)
    inside = _inside(second.shape, matrix, (width, height))
    smaller = min(height * width, second.size * abs(np.linalg.det(matrix[:, :2])))
    if smaller < _BLOCK_PX**2:
        return None
    within = cv2.erode(inside.astype(np.uint8), np.ones((2 * _EDGE_PX + 1,) * 2, np.uint8))
    whole = _blocks(within).min(axis=1) > 0
    ours, theirs = (_blocks(_soften(grey))[whole] for grey in (first, np.asarray(laid, np.uint8)))
    correlations = _correlate(ours, theirs)
    if len(correlations) < _MIN_BLOCKS:
        return None
    score = float((correlations >= MIN_CORRELATION).mean())
    return score, min(1.0, float(inside.sum() / smaller))


def _inside(shape: tuple[int, ...], matrix: Matrix, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return where a picture of that shape lies when it is laid on one of that size."""
    ones = np.ones(shape[:2], np.uint8)
    laid = cv2.warpAffine(ones, matrix, size, flags=cv2.INTER_NEAREST)
    return np.asarray(laid, np.uint8) > 0


def _soften(grey: NDArray[np.uint8]) -> Blocks:
    return np.asarray(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), _SOFTEN_PX), np.float32)


def _blocks(picture: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return (N, B * B) of (H, W); what is left over at the right and below is not compared."""
    rows, columns = (side // _BLOCK_PX for side in picture.shape)
    whole = picture[: rows * _BLOCK_PX, : columns * _BLOCK_PX]
    cut = whole.reshape(rows, _BLOCK_PX, columns, _BLOCK_PX).transpose(0, 2, 1, 3)
    return cut.reshape(rows * columns, _BLOCK_PX**2)


def _correlate(first: Blocks, second: Blocks) -> Blocks:
    """Return the correlation of each pair of blocks of which either has some contrast."""
    ours, theirs = (blocks - blocks.mean(axis=1, keepdims=True) for blocks in (first, second))
    spreads = ours.std(axis=1), theirs.std(axis=1)
    tells = np.maximum(*spreads) >= _MIN_CONTRAST
    products = (ours[tells] * theirs[tells]).mean(axis=1)
    found: Blocks = products / np.maximum(spreads[0][tells] * spreads[1][tells], 1e-6)
    return found
