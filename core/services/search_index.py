"""The index of all embeddings; the table is the truth.

It lies in the memory of a process without torch, or, where a space was prepared for it, inside
Postgres (``core.services.vector_spaces``).
"""

import logging
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from core.services import vector_spaces
from core.similarity.faiss_index import FaissIndex
from core.similarity.index_file import open_index, save_index
from core.similarity.vectors import Ids, Vectors
from db.engine import reading
from db.queries import embeddings as queries

log = logging.getLogger(__name__)

_PAGE = 5_000
RECOUNTED_AFTER_S = 5.0
"""So long what was deleted may go unnoticed; what is new never does, and what is gone is no hit."""

_SAVED_EVERY = 1_000
"""New vectors after which the file is written anew; it only shortens the next start."""


@dataclass(frozen=True, slots=True)
class EmbeddingSource:
    """The table's embeddings of one space; see ``core.similarity.vectors.VectorSource``."""

    engine: sa.Engine
    space: str
    dimensions: int

    def count(self) -> int:
        with reading(self.engine) as session:
            return queries.count_embeddings(session, space=self.space)

    def iterate(self, after_id: int) -> Iterator[tuple[Ids, Vectors]]:
        while rows := self._read(after_id):
            after_id = rows[-1].id
            vectors = np.stack([np.frombuffer(row.vector, "<f2") for row in rows])
            yield np.array([row.id for row in rows], np.int64), vectors.astype(np.float32)

    def _read(self, after_id: int) -> list[queries.Embedding]:
        with reading(self.engine) as session:
            return list(
                queries.list_embeddings(session, space=self.space, after_id=after_id, limit=_PAGE)
            )


class SearchIndex:
    """Opened with the first search, caught up with each; safe in several threads."""

    def __init__(self, engine: sa.Engine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._lock = threading.Lock()
        self._index: FaissIndex | None = None
        self._saved = 0
        self._building: threading.Thread | None = None
        self._counted_at = -math.inf
        self._inside = (-math.inf, "", 0)  # when, and in which space, so many lay in Postgres

    def search(
        self, *, space: str, vectors: Vectors, count: int, among: Ids | None
    ) -> tuple[dict[int, float], int]:
        """Return the similarities of the nearest to any, by id, and how many are searched.

        Args:
            vectors: (M, D) of length 1.
            count: So many nearest to each of them.
            among: Ids to search among; None for all.
        """
        with reading(self._engine) as session:
            ready = vector_spaces.find_ready(session, name=space)
            if ready is not None:
                found = vector_spaces.search(session, ready, vectors, count, among=among)
                return found, self._count_inside(space)
        with self._lock:
            source = self._source(space)
            index = self._catch_up(source)
            ids, similarities = index.search(vectors, count, among=among)
        best: dict[int, float] = {}
        for id_, similarity in zip(
            ids.ravel().tolist(), similarities.ravel().tolist(), strict=True
        ):
            if id_ >= 0 and similarity > best.get(id_, -np.inf):
                best[id_] = similarity
        return best, len(index)

    def _count_inside(self, space: str) -> int:
        """Count the vectors now and then: it takes longer than to search them."""
        at, counted, count = self._inside
        if counted != space or time.monotonic() - at >= RECOUNTED_AFTER_S:
            with reading(self._engine) as session:
                count = queries.count_embeddings(session, space=space)
            self._inside = (time.monotonic(), space, count)
        return count

    def _source(self, space: str) -> EmbeddingSource:
        with reading(self._engine) as session:
            dimensions = queries.find_dimensions(session, space=space)
        return EmbeddingSource(self._engine, space, dimensions or 1)

    def _catch_up(self, source: EmbeddingSource) -> FaissIndex:
        index = self._index
        path = self._folder / f"{source.space}.faiss"
        if index is None or (index.space, index.dimensions) != (source.space, source.dimensions):
            index, self._saved = open_index(path, source), 0
        else:
            index.catch_up(source)
        self._recount(index, source)
        if index.is_outgrown and self._building is None:
            self._building = threading.Thread(target=self._build, args=(source,), daemon=True)
            self._building.start()
        self._index = index
        if len(index) - self._saved >= _SAVED_EVERY:
            save_index(index, path)
            self._saved = len(index)
            log.info("saved an index of %d vectors", len(index))
        return index

    def _build(self, source: EmbeddingSource) -> None:
        """Lay the index out anew for what it has become; till then the old one answers."""
        try:
            built = FaissIndex.build(source)
            with self._lock:
                if self._index is not None and self._index.space == built.space:
                    self._index, self._saved = built, 0
        finally:
            self._building = None

    def _recount(self, index: FaissIndex, source: EmbeddingSource) -> None:
        """Compare with the table's count, now and then, as counting takes as long as searching."""
        if index is self._index and time.monotonic() - self._counted_at < RECOUNTED_AFTER_S:
            return
        if not index.freshness(source).is_fresh:  # something was deleted
            index.reconcile(source)
        self._counted_at = time.monotonic()


@lru_cache(maxsize=2)
def search_index(engine: sa.Engine, folder: Path) -> SearchIndex:
    """Return the process's index."""
    return SearchIndex(engine, folder)
