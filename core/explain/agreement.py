"""Whether several heat maps point at the same part of a photo. Numpy only."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GRID = 28
"""Cells a side. The networks' own maps have 7 to 14: finer cells would add nothing."""

HOTTEST = 0.2
"""Share of the photo that counts as what a model looked at most."""

BY_CHANCE = HOTTEST
"""What two maps that have nothing to do with each other share on average."""

Grid = NDArray[np.float32]


def to_grid(heat: NDArray[np.float32]) -> Grid:
    """Return the mean heat of each cell, (GRID, GRID) float32, of an (H, W) map."""
    cells = Image.fromarray(heat).resize((GRID, GRID), Image.Resampling.BOX)
    return np.asarray(cells, dtype=np.float32)


def mean_overlap(grids: Sequence[Grid]) -> float | None:
    """Return how much of their hottest areas two maps share, 0 to 1, as the mean of all pairs.

    It is the top-k intersection of saliency maps, ``|A ∩ B| / k`` of the k hottest cells of each
    (Ghorbani, Abid and Zou, 2019, "Interpretation of Neural Networks is Fragile",
    https://arxiv.org/abs/1710.10547), with k a fifth of the cells. It compares places, not degrees
    of heat, so that networks whose maps differ in sharpness can be compared. Where cells of equal
    heat stand at the edge of the area, each counts in part.

    Args:
        grids: (GRID, GRID) each. A map without any heat says nothing, and is left out.

    Returns:
        None where fewer than two maps say something.
    """
    areas = [_hottest(grid) for grid in grids if grid.max() > 0]
    if len(areas) < 2:
        return None
    pairs = [np.minimum(one, other).sum() for one, other in combinations(areas, 2)]
    return float(np.mean(pairs) / (HOTTEST * areas[0].size))


def _hottest(grid: Grid) -> NDArray[np.float64]:
    """Return to how much each cell belongs to the hottest fifth, flat, 0 to 1."""
    heat = grid.ravel().astype(np.float64)
    room = HOTTEST * heat.size
    edge = np.sort(heat)[::-1][int(np.ceil(room)) - 1]
    above, at_edge = heat > edge, heat == edge
    share = (room - above.sum()) / at_edge.sum()
    return np.where(above, 1.0, np.where(at_edge, share, 0.0))
