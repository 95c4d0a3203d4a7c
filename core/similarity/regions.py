"""Where two pictures that show the same are not the same: a box, and what is other about it.

``find_change`` is for a detail on a photo, ``find_changed_box`` for two pictures of which one is
laid on the other.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.similarity.details import (
    BLOCK_PX,
    DETAIL_PX,
    Detail,
    Sighting,
    correlate,
    lay_back,
)

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]

MAX_UNLIKE = 0.25
"""Correlation below which a block of a detail that was found shows something else."""

MIN_COLOUR_APART = 25.0
"""Distance in CIE Lab's a and b, of the median coloured pixel."""

MAX_SHARE = 0.3
"""Of the picture: what differs in more than that is not one region."""

_MIN_BLOCKS = 2
_MIN_INK = 0.35  # of a block: what is mostly ground shows the product
_GROUND_LEVELS = 12
_MIN_COLOURED = 0.03
_MIN_CHROMA = 18.0
_MIN_LEVELS = 48
_MIN_SHARE = 0.002
_CLOSE_PX, _OPEN_PX = 9, 5
_SOFTEN_PX = 2.0


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture, each side as a share of the picture's, 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def share(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)

    def meets(self, other: "Box") -> bool:
        """Whether the two have some of the picture in common."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What is other about a detail that was found on a photo.

    Attributes:
        box: The largest part that shows something else, as a share of the detail; None
            where all of it is there.
        is_mirrored: Left and right are changed over.
        colour_apart: Distance in Lab's a and b of the coloured parts; 0 where nothing is coloured.
    """

    box: Box | None
    is_mirrored: bool
    colour_apart: float

    @property
    def is_recoloured(self) -> bool:
        return self.colour_apart >= MIN_COLOUR_APART

    @property
    def is_any(self) -> bool:
        return self.box is not None or self.is_mirrored or self.is_recoloured


def find_change(detail: Detail, pixels: Pixels, photo: Pixels, sighting: Sighting) -> Change:
    """Return what is other about the detail where the photo shows it.

    Args:
        pixels: (H, W, 3) uint8, of the detail.
        photo: (h, w, 3) uint8.
    """
    height, width = detail.plain[0].grey.shape
    ours = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    scale = max(pixels.shape[:2]) / DETAIL_PX
    laid = lay_back(photo, sighting.matrix @ np.diag([scale, scale, 1]), ours.shape)
    grey = np.asarray(cv2.cvtColor(laid, cv2.COLOR_RGB2GRAY), np.uint8)
    grounds = np.stack([correlate(ground.grey, grey) for ground in detail.plain])
    alike = np.where(np.isnan(grounds[0]), np.nan, np.fmax.reduce(grounds))
    box = _find_unlike(np.where(_share_of_ink(detail) >= _MIN_INK, alike, np.nan))
    return Change(box, sighting.mirrored, _measure_colours(ours, laid, alike))


def find_changed_box(apart: Pixels) -> Box | None:
    """Return the one compact part in which a picture differs from one laid on it.

    Args:
        apart: (H, W) uint8, as ``alignment.difference`` returns it.
    """
    soft = cv2.GaussianBlur(apart, (0, 0), _SOFTEN_PX)
    marked = (np.asarray(soft) >= _MIN_LEVELS).astype(np.uint8)
    for operation, side in ((cv2.MORPH_OPEN, _OPEN_PX), (cv2.MORPH_CLOSE, _CLOSE_PX)):
        marked = np.asarray(cv2.morphologyEx(marked, operation, np.ones((side, side))), np.uint8)
    found = _largest_box(marked > 0, min_cells=round(_MIN_SHARE * apart.size))
    return found if found is not None and found.share <= MAX_SHARE else None


def _share_of_ink(detail: Detail) -> NDArray[np.float32]:
    """Return (R, C): how much of each block is not the plain ground, which is never printed."""
    first, *others = (each.grey.astype(np.int16) for each in detail.plain)
    ground = np.zeros(first.shape, np.float32)
    for other in others:
        ground = np.maximum(ground, (np.abs(other - first) > _GROUND_LEVELS).astype(np.float32))
    rows, columns = (side // BLOCK_PX for side in first.shape)
    whole = ground[: rows * BLOCK_PX, : columns * BLOCK_PX]
    blocks = whole.reshape(rows, BLOCK_PX, columns, BLOCK_PX)
    return np.asarray(1 - blocks.mean(axis=(1, 3)), np.float32)


def _find_unlike(alike: NDArray[np.float32]) -> Box | None:
    unlike = np.nan_to_num(alike, nan=1.0) < MAX_UNLIKE
    found = _largest_box(unlike, min_cells=_MIN_BLOCKS)
    return found if found is not None and found.share <= MAX_SHARE else None


def _largest_box(marked: Mask, *, min_cells: int) -> Box | None:
    """Return the box round the largest part that hangs together."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(marked.astype(np.uint8), connectivity=8)
    if count < 2:
        return None
    left, top, width, height, cells = max(stats[1:].tolist(), key=lambda each: each[4])
    if cells < min_cells:
        return None
    rows, columns = marked.shape
    return Box(left / columns, top / rows, (left + width) / columns, (top + height) / rows)


def _measure_colours(ours: Pixels, laid: Pixels, alike: NDArray[np.float32]) -> float:
    """Return how far the colours are apart where the shapes are the same."""
    same = np.kron(np.nan_to_num(alike, nan=-1.0) > MAX_UNLIKE, np.ones((BLOCK_PX, BLOCK_PX)))
    height, width = same.shape
    labs = [
        np.asarray(cv2.cvtColor(each, cv2.COLOR_RGB2LAB), np.float32)[:height, :width, 1:] - 128
        for each in (ours, laid)
    ]
    coloured = (np.linalg.norm(labs[0], axis=2) >= _MIN_CHROMA) & (same > 0)
    if coloured.mean() < _MIN_COLOURED:
        return 0.0
    return float(np.median(np.linalg.norm(labs[0] - labs[1], axis=2)[coloured]))
