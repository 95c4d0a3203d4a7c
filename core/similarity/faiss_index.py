"""The vector index beside SQLite: one faiss index in memory, one file.

Up to ``FLAT_UP_TO`` vectors are compared one by one in half precision; above, they lie in
cells (IVF) with a byte a dimension, and a search looks into the nearest cells only. Where torch
is loaded, faiss should not be (two OpenMP runtimes in one process can crash on macOS): it is
imported when first used, and nothing here imports torch. One process writes.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from core.errors import InvalidInputError
from core.similarity.vectors import EXACT_BELOW, Freshness, Ids, Vectors, VectorSource

FLAT_UP_TO = 50_000
"""Takes 3 ms a search (384 dimensions, one core); above, cells find 98 % of the same in 1 ms."""

PROBES = (32, 64, 128, 256)
"""Numbers of cells to look into that are tried. It is tuned on vectors that are in the index, and
others are harder to place: at a million, 4 cells found 98 % for those and 88 % for new photos."""

TARGET_RECALL = 0.98
"""Of the ten nearest in the cells looked into, among the ten nearest in all."""

_PER_CELL = 64  # training vectors a cell; faiss warns below 39
_TUNED_ON = 64
_TOP = 10
_OUTGROWN = 2.0  # times the size it was made for
_ROUNDS = 10


@dataclass(slots=True, eq=False)
class FaissIndex:
    """Vectors of one space; see ``core.similarity.vectors.VectorIndex``.

    Attributes:
        engine: faiss' own index.
        probes: Cells looked into; 0 where there are none.
        made_for: How many vectors it was laid out for.
        ids: (N,) int64, sorted.
        watermark: Greatest id taken up from a source.
    """

    space: str
    dimensions: int
    engine: Any
    probes: int
    made_for: int
    ids: Ids
    watermark: int

    @classmethod
    def empty(cls, space: str, dimensions: int) -> Self:
        """Return one without vectors, laid out for few."""
        return cls(space, dimensions, _flat(dimensions), 0, FLAT_UP_TO, np.empty(0, np.int64), 0)

    @classmethod
    def build(cls, source: VectorSource, *, flat_up_to: int = FLAT_UP_TO, seed: int = 0) -> Self:
        """Lay one out for a source, and take up all of it. Cells need two passes."""
        count = source.count()
        made = cls.empty(source.space, source.dimensions)
        if count > flat_up_to:
            cells = _count_cells(count)
            sample = _sample(source, min(count, cells * _PER_CELL), np.random.default_rng(seed))
            made.engine, made.made_for = _train(sample, cells), count
            made.probes = cells
            made.catch_up(source)
            made.probes = _tune(made, sample[-_TUNED_ON:])
        else:
            made.catch_up(source)
        return made

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_outgrown(self) -> bool:
        """Whether it should be built anew, for so many more vectors than it was laid out for."""
        return len(self) > _OUTGROWN * self.made_for

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Take up (N,) ids and (N, D) vectors; what is in it already is replaced.

        Raises:
            InvalidInputError: The vectors are of another width, or an id stands twice.
        """
        _require_shape(vectors, self.dimensions)
        fresh = np.unique(ids)
        if len(fresh) != len(vectors) or len(ids) != len(vectors):
            raise InvalidInputError(
                f"{len(ids)} ids, {len(fresh)} of them different, for {len(vectors)} vectors;"
                " give each vector an id of its own"
            )
        self.delete(fresh)
        self.engine.add_with_ids(
            np.ascontiguousarray(vectors, np.float32), np.asarray(ids, np.int64)
        )
        self.ids = np.insert(self.ids, np.searchsorted(self.ids, fresh), fresh)

    def delete(self, ids: Ids) -> int:
        """Drop (N,) ids, also unknown ones; return how many were in it."""
        gone = np.intersect1d(ids, self.ids)
        if len(gone):
            self.engine.remove_ids(gone)
            self.ids = np.setdiff1d(self.ids, gone, assume_unique=True)
        return len(gone)

    def search(
        self, queries: Vectors, count: int, *, among: Ids | None = None
    ) -> tuple[Ids, Vectors]:
        """Return ids and similarities, (M, count), the most similar first.

        Among few ids all cells are looked into, so that none is missed.

        Raises:
            InvalidInputError: The queries are of another width.
        """
        _require_shape(queries, self.dimensions)
        parameters = self._parameters(among)
        similarities, found = self.engine.search(
            np.ascontiguousarray(queries, np.float32), count, params=parameters
        )
        return found, np.where(found < 0, -np.inf, similarities).astype(np.float32)

    def catch_up(self, source: VectorSource) -> int:
        """Take up what is new in the source; return how many those were.

        Raises:
            InvalidInputError: The source is of another space.
        """
        _require_space(self, source)
        taken = 0
        for ids, vectors in source.iterate(self.watermark):
            self.add(ids, vectors)
            self.watermark = max(self.watermark, int(ids[-1]))
            taken += len(ids)
        return taken

    def reconcile(self, source: VectorSource) -> int:
        """Take up whatever is missing and drop what is gone; return how many those were.

        Reads the whole source. For when ``freshness`` says that counts differ after catching up.
        """
        _require_space(self, source)
        seen, taken = [np.empty(0, np.int64)], 0
        for ids, vectors in source.iterate(0):
            missing = ~np.isin(ids, self.ids)
            self.add(ids[missing], vectors[missing])
            taken += int(missing.sum())
            seen.append(ids)
        there = np.concatenate(seen)
        self.watermark = int(there.max(initial=0))
        return taken + self.delete(np.setdiff1d(self.ids, there))

    def freshness(self, source: VectorSource) -> Freshness:
        """Return how far it is behind the source."""
        return Freshness(len(self), source.count(), self.watermark)

    def _parameters(self, among: Ids | None) -> Any:
        faiss = load_faiss()
        if among is None:
            chosen: dict[str, Any] = {}
        else:
            chosen = {"sel": faiss.IDSelectorBatch(np.asarray(among, np.int64))}
        if not self.probes:
            return faiss.SearchParameters(**chosen) if chosen else None
        few = among is not None and len(among) < EXACT_BELOW
        probes = self.engine.nlist if few else self.probes
        return faiss.SearchParametersIVF(nprobe=probes, **chosen)


def load_faiss() -> Any:
    """Return the module, imported when first used; it is untyped."""
    import faiss

    return faiss


def _flat(dimensions: int) -> Any:
    faiss = load_faiss()
    half = faiss.ScalarQuantizer.QT_fp16
    return faiss.IndexIDMap(
        faiss.IndexScalarQuantizer(dimensions, half, faiss.METRIC_INNER_PRODUCT)
    )


def _count_cells(count: int) -> int:
    """The usual square root: half of a search goes into finding cells."""
    return max(1, math.isqrt(count))


def _train(sample: Vectors, cells: int) -> Any:
    faiss = load_faiss()
    dimensions = sample.shape[1]
    engine = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dimensions),
        dimensions,
        cells,
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
    )
    engine.cp.niter = _ROUNDS
    engine.train(sample)
    return engine


def _sample(source: VectorSource, size: int, rng: np.random.Generator) -> Vectors:
    """Return about ``size`` vectors from all over the source, in random order."""
    share = min(1.0, size / max(source.count(), 1))
    chosen = [vectors[rng.random(len(vectors)) < share] for vectors in _vectors(source)]
    sample: Vectors = rng.permutation(np.concatenate(chosen).astype(np.float32))
    return sample


def _vectors(source: VectorSource) -> Iterator[Vectors]:
    return (vectors for _, vectors in source.iterate(0))


def _tune(index: FaissIndex, queries: Vectors) -> int:
    """Return the fewest cells to look into that find what all cells together hold."""
    exact, _ = index.search(queries, _TOP + 1)  # one is the query itself
    for probes in PROBES:
        if probes >= index.engine.nlist:
            break
        index.probes = probes
        found, _ = index.search(queries, _TOP + 1)
        if _overlap(found, exact) >= TARGET_RECALL:
            return probes
    return min(PROBES[-1], int(index.engine.nlist))


def _overlap(found: Ids, exact: Ids) -> float:
    hits = [np.isin(theirs[1:], ours).mean() for ours, theirs in zip(found, exact, strict=True)]
    return float(np.mean(hits))


def _require_shape(vectors: Vectors, dimensions: int) -> None:
    if vectors.ndim != 2 or vectors.shape[1] != dimensions:
        raise InvalidInputError(
            f"vectors of shape {vectors.shape} do not go into an index of {dimensions}"
            " dimensions; give (N, D)"
        )


def _require_space(index: FaissIndex, source: VectorSource) -> None:
    if (index.space, index.dimensions) != (source.space, source.dimensions):
        raise InvalidInputError(
            f"vectors of {source.space!r} ({source.dimensions}) are never compared with those of"
            f" {index.space!r} ({index.dimensions}); build an index for them"
        )
