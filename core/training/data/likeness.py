"""Pictures that show the same: saved again, made smaller, lightened, or shot a moment later."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.training.data.scanning import THUMBNAIL_PX, Fingerprint

MIN_CORRELATION = 0.98
"""Of two thumbnails that show the same; measured, see docs/training-data.md."""

MIN_CONTRAST = 8.0
"""Standard deviation, in grey levels, below which a thumbnail is too blank to be compared."""

_NEIGHBOURS = 32  # of one picture; more say nothing new
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures of one category that show the same, by their indices."""

    first: int
    second: int
    correlation: float

    def is_among(self, places: Mapping[int, int]) -> bool:
        """Whether both are among the chosen pictures."""
        return self.first in places and self.second in places

    def among(self, places: Mapping[int, int]) -> "Pair":
        """Return the pair by the places of the chosen pictures."""
        return Pair(places[self.first], places[self.second], self.correlation)


def find_pairs(fingerprints: Sequence[Fingerprint | None], labels: Sequence[str]) -> list[Pair]:
    """Return near-identical pictures within each category, the likest first.

    Of pictures with the same bytes only the first is compared.

    Args:
        fingerprints: None for a picture that is left out.
        labels: One for each.
    """
    members: dict[str, dict[str, int]] = defaultdict(dict)
    for index, (fingerprint, label) in enumerate(zip(fingerprints, labels, strict=True)):
        if fingerprint is not None:
            members[label].setdefault(fingerprint.sha256, index)
    pairs = [
        pair
        for by_digest in members.values()
        for pair in _find_pairs(fingerprints, list(by_digest.values()))
    ]
    return sorted(pairs, key=lambda pair: (-pair.correlation, pair.first, pair.second))


def _find_pairs(
    fingerprints: Sequence[Fingerprint | None], indices: Sequence[int]
) -> Iterator[Pair]:
    found = [fingerprints[index] for index in indices]
    vectors = describe([each.thumbnail for each in found if each is not None])
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        rows = vectors[start : start + _ROWS_AT_ONCE]
        correlations = np.triu(rows @ vectors[start:].T, k=1)
        for row, column in _likest(correlations):
            yield Pair(
                indices[start + row], indices[start + column], float(correlations[row, column])
            )


def describe(thumbnails: Sequence[bytes]) -> NDArray[np.float32]:
    """Return vectors whose products are the thumbnails' correlations, (N, 3TT) float32.

    Those below ``MIN_CONTRAST`` are shortened: what correlates there is noise.
    """
    size = 3 * THUMBNAIL_PX**2
    values = np.frombuffer(b"".join(thumbnails), np.uint8).reshape(-1, size).astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    contrast = np.maximum(values.std(axis=1, keepdims=True), MIN_CONTRAST)
    return np.asarray(values / (contrast * np.float32(size**0.5)), np.float32)


def _likest(correlations: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Return (row, column) of each row's highest entries that reach the limit."""
    width = correlations.shape[1]
    if width > _NEIGHBOURS:
        columns = np.argpartition(correlations, -_NEIGHBOURS, axis=1)[:, -_NEIGHBOURS:]
    else:
        columns = np.broadcast_to(np.arange(width), correlations.shape)
    near = np.take_along_axis(correlations, columns, axis=1) >= MIN_CORRELATION
    rows, places = np.nonzero(near)
    return list(zip(rows.tolist(), columns[rows, places].tolist(), strict=True))
