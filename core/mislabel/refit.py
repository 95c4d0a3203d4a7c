"""A linear classifier of embeddings that can be fitted again at once, whatever is believed."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RIDGE = 0.1  # beside the squared length 1 of each row


class OutOfFoldRidge:
    """Ridge regression of beliefs on directions, for each fold from the others.

    What costs time, inverting a (D, D) matrix for each fold, does not depend on the beliefs
    and is done once (Hoerl and Kennard, Technometrics 12, 1970).
    """

    def __init__(self, directions: Floats, folds: NDArray[np.integer]) -> None:
        """Take (N, D) rows of length 1 and the fold, (N,), of each."""
        self._directions = directions
        self._folds = [folds == fold for fold in np.unique(folds)]
        total = directions.T @ directions + _RIDGE * np.eye(directions.shape[1])
        self._inverses = [
            np.linalg.inv(total - directions[own].T @ directions[own]) for own in self._folds
        ]

    def predict(self, beliefs: Floats) -> Floats:
        """Return what the other folds' beliefs, (N, C), make of each row, about 0 to 1."""
        centre = 1 / beliefs.shape[1]
        found = np.empty_like(beliefs)
        for own, inverse in zip(self._folds, self._inverses, strict=True):
            weights = inverse @ (self._directions[~own].T @ (beliefs[~own] - centre))
            found[own] = self._directions[own] @ weights
        return found
