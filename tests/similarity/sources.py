"""A source of vectors in memory, and vectors that lie in clumps, as those of photos do."""

from collections.abc import Iterator

import numpy as np

BATCH = 300


class MemorySource:
    def __init__(self, vectors: np.ndarray, space: str = "test", first_id: int = 1) -> None:
        self.space = space
        self.dimensions = vectors.shape[1]
        self.rows = {first_id + at: vector for at, vector in enumerate(vectors)}

    def count(self) -> int:
        return len(self.rows)

    def iterate(self, after_id: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        ids = sorted(key for key in self.rows if key > after_id)
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            yield np.array(batch, np.int64), np.stack([self.rows[key] for key in batch])


def make_vectors(count: int, *, dimensions: int = 16, seed: int = 0) -> np.ndarray:
    """Return (N, D) float32 of length 1, about 30 directions."""
    rng = np.random.default_rng(seed)
    directions = np.random.default_rng(99).normal(size=(30, dimensions))
    vectors = directions[rng.integers(0, 30, count)] + rng.normal(0, 0.5, (count, dimensions))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def nearest(source: MemorySource, query: np.ndarray, count: int, among=None) -> list[int]:
    """By comparing with each."""
    ids = [key for key in source.rows if among is None or key in among]
    return sorted(ids, key=lambda key: -float(source.rows[key] @ query))[:count]
