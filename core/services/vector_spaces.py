"""Spaces of embeddings that are searched inside Postgres, by pgvector.

The worker prepares a space once it has vectors enough; from then on whoever stores embeddings
keeps it up in the same transaction, so it is never behind. The index holds short vectors, the
embeddings along their principal axes; the nearest of them are compared by the embeddings.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFoundError
from core.similarity.projection import DIMENSIONS, find_axes
from core.similarity.vectors import Ids, Vectors
from db import vector_tables
from db.engine import reading, transaction
from db.queries import embeddings as embedding_queries
from db.queries import vector_spaces as queries
from db.queries.embeddings import Embedding
from db.vector_index import PgVectorIndex, add_space

log = logging.getLogger(__name__)

PREPARED_FROM = 20_000
"""Vectors that a space needs; fewer are soon compared one by one."""

SPARE = 100
"""So many more than are asked for are compared in full. Of the ten nearest of Grocery's test
photos among 100,000 all are among the 50 nearest along 384 axes (docs/similarity.md)."""


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """A space that is searched here.

    Attributes:
        id: Of its row.
        name: What made the vectors, as it stands with the embeddings.
        axes: (D, K) float32.
    """

    id: int
    name: str
    axes: Vectors

    def index(self, session: Session) -> PgVectorIndex:
        return PgVectorIndex(session.connection(), self.id, self.axes.shape[1])

    def shorten(self, vectors: Vectors) -> Vectors:
        """Return (N, K) of (N, D)."""
        short: Vectors = vectors @ self.axes
        return short


def has_tables(engine: sa.Engine) -> bool:
    """Whether vectors can be searched inside this database."""
    with engine.connect() as connection:
        return vector_tables.are_there(connection)


def list_unprepared(
    engine: sa.Engine, *, prepared_from: int = PREPARED_FROM
) -> tuple[tuple[int, datetime], ...]:
    """Return (id of an embedding, when it was stored) where the space in use is to be prepared.

    It is one that a space had when it was to be laid out: the first time, and whenever it has
    grown to twice as many vectors.
    """
    if not has_tables(engine):
        return ()
    with reading(engine) as session:
        name = embedding_queries.find_newest_space(session)
        if name is None:
            return ()
        space = find_ready(session, name=name)
        if space is None:
            return tuple(queries.list_nth(session, space=name, place=prepared_from))
        index = space.index(session)
        if not index.is_outgrown:
            return ()
        return tuple(queries.list_nth(session, space=name, place=index.outgrown_at))


def prepare(engine: sa.Engine, *, embedding_id: int) -> None:
    """Take up the space of an embedding, lay its cells out, and let it be searched.

    What was done before a kill is not done again. Whoever stores embeddings of a new space waits
    only at the end, for as long as it takes to look for those that came meanwhile; of one that is
    laid out anew, until that is done. Searches go on.

    Raises:
        NotFoundError: The embedding is gone.
    """
    space = _ensure_space(engine, embedding_id)
    _take_up_missing(engine, space)
    with transaction(engine) as session:
        if space.index(session).is_outgrown:
            space.index(session).lay_out()
    _take_up_missing(engine, space)
    with transaction(engine) as session:
        queries.hold_embeddings(session)
        _take_up(session, space, queries.list_missing(session, name=space.name, space_id=space.id))
        queries.mark_built(session, space_id=space.id, at=datetime.now(UTC))
    log.info("photos of the space %s are searched inside the database from now on", space.name)


def find_ready(session: Session, *, name: str) -> Space | None:
    """Return the space of this name, if its cells stand."""
    if not vector_tables.are_there(session.connection()):
        return None
    space_id = queries.find_space(session, name=name, is_built=True)
    return None if space_id is None else _load(session, space_id, name)


def follow_embeddings(session: Session, *, name: str, image_ids: Collection[int]) -> None:
    """Take up the embeddings that were just stored; call it in their transaction, after them."""
    space = find_ready(session, name=name)
    if space is not None:
        _take_up(session, space, queries.list_of_images(session, space=name, image_ids=image_ids))


def search(
    session: Session, space: Space, vectors: Vectors, count: int, *, among: Ids | None
) -> dict[int, float]:
    """Return the similarities of the nearest to any, by id; see ``SearchIndex.search``."""
    found, _ = space.index(session).search(space.shorten(vectors), count + SPARE, among=among)
    stored = embedding_queries.list_vectors(
        session, embedding_ids=np.unique(found[found >= 0]).tolist()
    )
    if not stored:
        return {}
    ids, full = np.array(list(stored)), _stack(list(stored.values()))
    similarities = vectors @ full.T
    nearest = np.unique(np.argsort(-similarities, axis=1)[:, :count])
    best = similarities[:, nearest].max(axis=0)
    return dict(zip(ids[nearest].tolist(), best.tolist(), strict=True))


def _ensure_space(engine: sa.Engine, embedding_id: int) -> Space:
    with reading(engine) as session:
        name = embedding_queries.find_space_of(session, embedding_id=embedding_id)
        if name is None:
            raise NotFoundError(f"embedding {embedding_id} is gone; its space cannot be prepared")
        known = queries.find_space(session, name=name, is_built=False)
        if known is not None:
            return _load(session, known, name)
        sample = embedding_queries.list_embeddings(session, space=name, limit=PREPARED_FROM)
    axes = find_axes(_stack([each.vector for each in sample]), dimensions=DIMENSIONS)
    with transaction(engine) as session:
        return Space(add_space(session.connection(), name, axes), name, axes)


def _take_up_missing(engine: sa.Engine, space: Space) -> None:
    """Take up what is not there, page by page."""
    after_id = 0
    while True:
        with transaction(engine) as session:
            missing = queries.list_missing(
                session, name=space.name, space_id=space.id, after_id=after_id
            )
            _take_up(session, space, missing)
        if not missing:
            return
        after_id = missing[-1].id


def _take_up(session: Session, space: Space, embeddings: Sequence[Embedding]) -> None:
    if embeddings:
        ids = np.array([each.id for each in embeddings], np.int64)
        vectors = _stack([each.vector for each in embeddings])
        space.index(session).add(ids, space.shorten(vectors))


def _load(session: Session, space_id: int, name: str) -> Space:
    return Space(space_id, name, _read_axes(session.get_bind().engine, space_id))


@lru_cache(maxsize=2)
def _read_axes(engine: sa.Engine, space_id: int) -> Vectors:
    """Return what a space's row holds; it never changes."""
    with reading(engine) as session:
        packed, dimensions = queries.get_axes(session, space_id=space_id)
    return np.frombuffer(packed, "<f4").reshape(-1, dimensions).astype(np.float32)


def _stack(vectors: Sequence[bytes]) -> Vectors:
    """Return (N, D) float32 of stored vectors."""
    return np.stack([np.frombuffer(vector, "<f2") for vector in vectors]).astype(np.float32)
