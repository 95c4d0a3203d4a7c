"""Which listings look most like which, and what they are held to show."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROWS = 1024  # similarities held at once: _ROWS times N
SHARPNESS = 10.0  # a neighbour weighs exp of this many times how far its cosine is below 1


def find_neighbours(
    directions: Floats, folds: NDArray[np.integer], *, count: int
) -> tuple[NDArray[np.int64], Floats]:
    """Return the likest listings of other folds, and what each one's vote weighs.

    Args:
        directions: (N, D), rows of length 1.
        folds: (N,). What shows the same (photos of one listing) is best put into one fold.
        count: K neighbours; fewer where the other folds hold fewer.

    Returns:
        (N, K) indices, the likest first, and (N, K) weights, above 0 to 1.
    """
    kept = min(count, int(len(folds) - np.bincount(folds).max()))
    blocks = [
        _nearest(directions, folds, slice(start, start + _ROWS), kept)
        for start in range(0, len(folds), _ROWS)
    ]
    indices, cosines = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return indices, np.exp(SHARPNESS * (cosines - 1))


def _nearest(
    directions: Floats, folds: NDArray[np.integer], rows: slice, count: int
) -> tuple[NDArray[np.int64], Floats]:
    cosines = directions[rows] @ directions.T
    cosines[folds[rows][:, None] == folds] = -np.inf
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    return order, np.take_along_axis(cosines, order, axis=1)


def count_votes(neighbours: NDArray[np.int64], weights: Floats, beliefs: Floats) -> Floats:
    """Return what the neighbours hold likely, (N, C), rows sum to 1 and are nowhere 0.

    One vote is spread as the categories are over all listings, so that a category that no
    neighbour has stays possible.

    Args:
        neighbours: (N, K) indices.
        weights: (N, K), at least 0.
        beliefs: (N, C), what each listing is held to show; rows sum to 1.
    """
    votes = np.tile(beliefs.mean(axis=0) + 1e-6, (len(beliefs), 1))
    for column in range(neighbours.shape[1]):
        votes += weights[:, column, None] * beliefs[neighbours[:, column]]
    shares: Floats = votes / votes.sum(axis=1, keepdims=True)
    return shares
