"""How well and how fast photos are searched inside Postgres, through all that the product does.

A catalogue is drawn (``benchmarks.upload_to_grid``), the worker's part prepares its space, and real
photos for testing are sought: short vectors in pgvector's cells, then the nearest of them by the
1,280 numbers of the embeddings themselves, which is also what recall is taken of.
``recall_at_10.pgvector_short.N``, ``p50_ms``, ``p95_ms``, ``prepare_s``; ``filtered_*`` among a
random hundredth; ``add_1000_s`` is what storing 1,000 embeddings more costs the index.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from sqlalchemy import func, select

from benchmarks import harness, queue
from benchmarks.harness import Figures, Options
from benchmarks.mixtures import Ids, Mixtures, Vectors
from benchmarks.upload_to_grid import Photos, draw_catalogue
from core.services import vector_spaces
from db.engine import reading, transaction
from db.rows import EmbeddingRow
from db.vector_tables import IMAGE_VECTORS

SIZES, QUICK_SIZES = (100_000,), (20_000,)
QUERIES = 200
TOP = 10
KEPT_SHARE = 0.01
ADDED = 1000
SPACE = "drawn-1280"
SEED = 0


def measure(options: Options) -> Figures:
    """Return the figures of each size."""
    photos = Photos.read(options.labelled_photos())
    queries = photos.features[photos.list_sought(QUERIES)]
    figures: Figures = {}
    for size in QUICK_SIZES if options.quick else SIZES:
        with harness.work_folder() as folder:
            found = _measure(folder, photos.mix(size), queries)
        figures |= {f"{name}.pgvector_short.{size}": value for name, value in found.items()}
    return figures


def _measure(folder: Path, mixtures: Mixtures, queries: Vectors) -> Figures:
    with queue.serve_postgres(folder) as engine:
        draw_catalogue(engine, mixtures, SPACE)
        waiting = vector_spaces.list_unprepared(engine)
        start = time.perf_counter()
        vector_spaces.prepare(engine, embedding_id=waiting[0][0])
        figures = {"prepare_s": time.perf_counter() - start}
        chosen = np.random.default_rng(SEED).permutation(mixtures.size)
        few = np.sort(chosen[: max(TOP, round(KEPT_SHARE * mixtures.size))] + 1)
        for name, among in {"": None, "filtered_": few}.items():
            exact = _find_exactly(engine, queries, among)
            figures |= {
                f"{name}{key}": v for key, v in _search(engine, queries, among, exact).items()
            }
        return figures | {"add_1000_s": _add(engine, mixtures)}


def _find_exactly(engine: sa.Engine, queries: Vectors, among: Ids | None) -> Sequence[set[int]]:
    """Return the ids of the nearest, by comparing with all in single precision."""
    with reading(engine) as session:
        rows = session.execute(select(EmbeddingRow.id, EmbeddingRow.vector)).all()
    ids = np.array([row.id for row in rows])
    vectors = np.stack([np.frombuffer(row.vector, "<f2") for row in rows]).astype(np.float32)
    if among is not None:
        kept = np.isin(ids, among)
        ids, vectors = ids[kept], vectors[kept]
    nearest = np.argpartition(-(queries @ vectors.T), TOP - 1, axis=1)[:, :TOP]
    return [set(row) for row in ids[nearest].tolist()]


def _search(
    engine: sa.Engine, queries: Vectors, among: Ids | None, exact: Sequence[set[int]]
) -> Mapping[str, float]:
    spent_ms, shares = [], []
    with reading(engine) as session:
        space = vector_spaces.find_ready(session, name=SPACE)
        assert space is not None
        for query, nearest in zip(queries, exact, strict=True):
            start = time.perf_counter()
            found = vector_spaces.search(session, space, query[None], TOP, among=among)
            spent_ms.append(1000 * (time.perf_counter() - start))
            shares.append(len(nearest & found.keys()) / len(nearest))
    return {
        "recall_at_10": float(np.mean(shares)),
        "p50_ms": float(np.percentile(spent_ms, 50)),
        "p95_ms": float(np.percentile(spent_ms, 95)),
    }


def _add(engine: sa.Engine, mixtures: Mixtures) -> float:
    """Return the seconds that the index takes for 1,000 embeddings that it has not yet."""
    with transaction(engine) as session:
        image_ids = session.scalars(select(EmbeddingRow.image_id).limit(ADDED)).all()
        gone = select(EmbeddingRow.id).where(EmbeddingRow.image_id.in_(image_ids))
        session.execute(sa.delete(IMAGE_VECTORS).where(IMAGE_VECTORS.c.id.in_(gone)))
    start = time.perf_counter()
    with transaction(engine) as session:
        vector_spaces.follow_embeddings(session, name=SPACE, image_ids=image_ids)
    spent_s = time.perf_counter() - start
    with reading(engine) as session:
        there = session.scalar(select(func.count()).select_from(IMAGE_VECTORS))
    assert there == mixtures.size, there
    return spent_s


if __name__ == "__main__":
    harness.main("short_vectors", measure)
