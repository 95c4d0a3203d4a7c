"""What a model said of labelled pictures, as numbers of one picture a row."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.evaluation.calibration import calibrated

MAX_KEPT = 100
"""Probabilities kept of a picture: all of them for up to so many labels."""

TOP = 5
"""Among so many likeliest labels the true one may be to count as in the top."""

_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """N pictures, the likeliest k labels of each.

    Attributes:
        targets: (N,) int32, the true label's index; -1 where the model does not know it.
        ranks: (N,) int32, labels that were found likelier than the true one; -1 as above.
        true_probabilities: (N,) float32, calibrated; 0 where the model does not know it.
        raw_confidences: (N,) float32, the highest probability before calibration.
        top_indices: (N, k) int32, likeliest first.
        top_probabilities: (N, k) float32, calibrated, falling.
    """

    targets: NDArray[np.int32]
    ranks: NDArray[np.int32]
    true_probabilities: NDArray[np.float32]
    raw_confidences: NDArray[np.float32]
    top_indices: NDArray[np.int32]
    top_probabilities: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def predicted(self) -> NDArray[np.int32]:
        """(N,) index of the likeliest label."""
        return self.top_indices[:, 0]

    @property
    def confidences(self) -> NDArray[np.float32]:
        """(N,) calibrated probability of the likeliest label."""
        return self.top_probabilities[:, 0]

    @property
    def correct(self) -> NDArray[np.bool_]:
        """(N,) whether the likeliest label is the true one."""
        right: NDArray[np.bool_] = self.predicted == self.targets
        return right

    @property
    def known(self) -> NDArray[np.bool_]:
        """(N,) whether the model knows the true label."""
        return self.targets >= 0

    def take(self, chosen: NDArray[np.generic]) -> Self:
        """Return the rows that a mask or indices choose."""
        return type(self)(*(getattr(self, field.name)[chosen] for field in fields(self)))


def predict(
    logits: NDArray[np.float32], targets: NDArray[np.int64], *, temperature: float
) -> Predictions:
    """Turn (N, C) logits into predictions, keeping ``MAX_KEPT`` labels of each.

    Args:
        targets: (N,) below C; -1 where the model does not know the label.
        temperature: Logits are divided by it.
    """
    starts = range(0, max(1, len(logits)), _ROWS_AT_ONCE)
    parts = [
        _predict(logits[at : at + _ROWS_AT_ONCE], targets[at : at + _ROWS_AT_ONCE], temperature)
        for at in starts
    ]
    return concatenate(parts)


def concatenate(parts: list[Predictions]) -> Predictions:
    """Join predictions of the same labels, one after the other."""
    return Predictions(
        *(
            np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Predictions)
        )
    )


def rank_of(scores: NDArray[np.floating], targets: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return for (N, C) scores how many labels come before the target, (N,); -1 without one.

    Of equal scores the lower index comes first, as in argmax.
    """
    rows = np.arange(len(targets))
    own = scores[rows, targets][:, None]
    earlier = np.arange(scores.shape[1]) < targets[:, None]
    before = (scores > own) | ((scores == own) & earlier)
    return np.where(targets < 0, -1, before.sum(axis=1)).astype(np.int32)


def _predict(
    logits: NDArray[np.float32], targets: NDArray[np.int64], temperature: float
) -> Predictions:
    probabilities = calibrated(logits, temperature)
    top = _top(logits, min(MAX_KEPT, logits.shape[1]))
    rows = np.arange(len(targets))
    return Predictions(
        targets=targets.astype(np.int32),
        ranks=rank_of(logits, targets),
        true_probabilities=np.where(targets < 0, 0, probabilities[rows, targets]).astype(
            np.float32
        ),
        raw_confidences=_highest(logits),
        top_indices=top.astype(np.int32),
        top_probabilities=np.take_along_axis(probabilities, top, axis=1).astype(np.float32),
    )


def _highest(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the highest probability of each row of (N, C) uncalibrated logits, (N,)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    highest: NDArray[np.float32] = 1 / np.exp(shifted).sum(axis=1)
    return highest


def _top(scores: NDArray[np.floating], k: int) -> NDArray[np.int64]:
    """Return the indices of the k highest of each row, highest first, (N, k)."""
    some = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    some.sort(axis=1)  # of equal scores the lower index comes first
    order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1, kind="stable")
    return np.take_along_axis(some, order, axis=1)
