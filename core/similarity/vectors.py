"""What a vector index is, whichever engine is below it.

The database's vectors are the truth; an index is a cache of one space of them that can be
made again at any time. Vectors are (N, D), of length 1; similarity is their product.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]

EXACT_BELOW = 100_000
"""Among so few ids a search compares with each: an index that skips would skip those sought."""


class VectorSource(Protocol):
    """The true vectors of one space."""

    @property
    def space(self) -> str:
        """What made them: network, layer, projection."""

    @property
    def dimensions(self) -> int: ...

    def count(self) -> int: ...

    def iterate(self, after_id: int) -> Iterator[tuple[Ids, Vectors]]:
        """Yield batches of those with a greater id, in the order of the ids.

        An id names a vector, not a photo: whoever replaces a vector gives it a new, greater id.
        """


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far an index is behind its source.

    Attributes:
        indexed: Vectors in it.
        there: Vectors in the source.
        watermark: Greatest id that it has taken up.
    """

    indexed: int
    there: int
    watermark: int

    @property
    def is_fresh(self) -> bool:
        return self.indexed == self.there


class VectorIndex(Protocol):
    """Finds the most similar vectors of one space."""

    @property
    def space(self) -> str: ...

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Take up (N,) ids and (N, D) vectors; what is in it already is replaced."""

    def delete(self, ids: Ids) -> int:
        """Drop (N,) ids, also unknown ones; return how many were in it."""

    def search(
        self, queries: Vectors, count: int, *, among: Ids | None = None
    ) -> tuple[Ids, Vectors]:
        """Return ids and similarities, (M, count), the most similar first.

        Args:
            queries: (M, D).
            among: Find these ids only. Where fewer are found, -1 and -inf fill the rows.
        """

    def catch_up(self, source: VectorSource) -> int:
        """Take up what is new in the source; return how many those were."""

    def freshness(self, source: VectorSource) -> Freshness: ...
