"""Any number of vectors that lie as those of real photos do: one source, made as it is read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]

_BATCH = 10_000
_JITTER = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Mixtures:
    """Photos that lie between two of one category, in any proportion, and a little beside.

    The noise is spread over the axes as the photos are. Equal seeds give equal vectors.

    Attributes:
        photos: (P, D) float32 of length 1, sorted by category.
        starts: (P,) int64, where the category of each begins.
        sizes: (P,) int64, how many photos it has.
    """

    space: str
    photos: Vectors
    starts: Ids
    sizes: Ids
    size: int

    @classmethod
    def of(cls, photos: Vectors, labels: NDArray[np.str_], size: int) -> Self:
        """Mix (P, D) photos of these labels."""
        order = np.argsort(labels, kind="stable")
        _, firsts, places, counts = np.unique(
            labels[order], return_index=True, return_inverse=True, return_counts=True
        )
        return cls("mixtures", photos[order], firsts[places], counts[places], size)

    @property
    def dimensions(self) -> int:
        return int(self.photos.shape[1])

    def count(self) -> int:
        return self.size

    def iterate(self, after_id: int) -> Iterator[tuple[Ids, Vectors]]:
        """Ids begin at 1."""
        for start in range(after_id // _BATCH * _BATCH, self.size, _BATCH):
            end = min(start + _BATCH, self.size)
            ids = np.arange(start + 1, end + 1)
            yield ids[ids > after_id], self.make(start, end - start)[ids > after_id]

    def make(self, seed: int, count: int) -> Vectors:
        """Return (N, D) float32 of length 1."""
        rng = np.random.default_rng([11, seed])
        first = rng.integers(0, len(self.photos), count)
        second = self.starts[first] + rng.integers(0, self.sizes[first])
        share = rng.random((count, 1), np.float32)
        noise = rng.standard_normal((count, self.dimensions), np.float32)
        mixed = share * self.photos[first] + (1 - share) * self.photos[second]
        mixed += _JITTER * noise * self.photos.std(axis=0)
        unit: Vectors = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
        return unit
