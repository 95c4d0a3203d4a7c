"""The vector index inside Postgres: pgvector, half precision, each space in cells (IVFFlat).

It has the interface of ``core.similarity.vectors.VectorIndex`` and works on a connection of the
caller's, who commits. Its tables are those of ``db.vector_tables``.
"""

import math
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from pgvector.sqlalchemy import HALFVEC

from db.vector_tables import IMAGE_VECTORS as TABLE
from db.vector_tables import VECTOR_SPACES

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]

EXACT_BELOW = 100_000
"""Among so few ids each is compared: cells that are not looked into would hide those sought."""

CELLS = 2.0
"""Cells, times the square root of how many vectors they are laid out for."""

MOST_CELLS = 2_000
"""To find them takes memory that grows with their square, 0.8 GB for these."""

PROBES = 8
"""Cells that are looked into for a few neighbours; see docs/similarity.md for what they find."""

LOOKED_AT = 8
"""Vectors in the cells looked into, at least, for each one that is wanted."""

_OUTGROWN = 1.4  # times the cells that it has; twice the vectors
_SAMPLES = 50  # pgvector's, a cell


class Source(Protocol):
    """What is needed of ``core.similarity.vectors.VectorSource``."""

    def count(self) -> int: ...

    def iterate(self, after_id: int) -> Iterator[tuple[Ids, Vectors]]: ...


def add_space(connection: sa.Connection, name: str, axes: Vectors) -> int:
    """Add a space without vectors; return its id.

    Args:
        axes: (D, K), along which its vectors are shortened from D numbers to K.
    """
    row = {"name": name, "dimensions": axes.shape[1], "axes": np.asarray(axes, "<f4").tobytes()}
    made = sa.insert(VECTOR_SPACES).values(row).returning(VECTOR_SPACES.c.id)
    return int(connection.execute(made).scalar_one())


class PgVectorIndex:
    """Vectors of one space."""

    def __init__(self, connection: sa.Connection, space_id: int, dimensions: int) -> None:
        self._connection = connection
        self.space_id = space_id
        self.dimensions = dimensions
        # The column holds spaces of different widths, so its width stands in the index.
        self._vector = sa.cast(TABLE.c.vector, HALFVEC(dimensions))
        # Spelt out, or the planner would not know that the cells of this space are meant.
        self._ours = TABLE.c.space_id == sa.literal(space_id, literal_execute=True)

    @property
    def cells(self) -> str:
        """Name of Postgres' index, the space's cells."""
        return f"ix_{TABLE.name}_{self.space_id:d}"

    @property
    def is_outgrown(self) -> bool:
        """Whether it is to be laid out: for the first time, or for twice as many vectors."""
        cells, vectors = self._look()
        return _suit(vectors) > _OUTGROWN * cells

    @property
    def outgrown_at(self) -> int:
        """The number of vectors from which on it is to be laid out anew."""
        cells, _ = self._look()
        return math.ceil((_OUTGROWN * cells / CELLS) ** 2) + 1

    def lay_out(self) -> None:
        """Put the vectors into cells, as many as suit their number; others search meanwhile."""
        cells = _suit(len(self))
        self._set(f"maintenance_work_mem = '{_need_kb(cells, self.dimensions)}kB'")
        create = (
            f"CREATE INDEX {self.cells}_new ON {TABLE.name} USING ivfflat"
            f" ((vector::halfvec({self.dimensions:d})) halfvec_ip_ops)"
            f" WITH (lists = {cells:d}) WHERE space_id = {self.space_id:d}"
        )
        for statement in (
            create,
            f"ANALYZE {TABLE.name}",
            f"DROP INDEX IF EXISTS {self.cells}",  # from here to the commit searches wait
            f"ALTER INDEX {self.cells}_new RENAME TO {self.cells}",
        ):
            self._connection.execute(sa.text(statement))

    def __len__(self) -> int:
        counted = sa.select(sa.func.count()).select_from(TABLE).where(self._ours)
        return int(self._connection.execute(counted).scalar_one())

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Take up (N,) ids and (N, D) vectors; what is in it already is replaced."""
        self._connection.execute(_MAKE_INCOMING)
        driver: Any = self._connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.write(_SIGNATURE + _pack(ids, vectors) + _END)
        self._connection.execute(_TAKE_UP, {"space_id": self.space_id})

    def delete(self, ids: Ids) -> int:
        """Drop (N,) ids, also unknown ones; return how many were in it."""
        chosen = TABLE.c.id == sa.any_(sa.literal(ids.tolist(), sa.ARRAY(sa.BigInteger)))
        return self._connection.execute(sa.delete(TABLE).where(self._ours, chosen)).rowcount

    def search(
        self, queries: Vectors, count: int, *, among: Ids | None = None
    ) -> tuple[Ids, Vectors]:
        """Return ids and similarities, (M, count), the most similar first.

        Args:
            among: Find these ids only. Where fewer are found, -1 and -inf fill the rows.
        """
        self._connection.execute(_PREPARE, {"probes": str(self._count_probes(count))})
        found = np.full((len(queries), count), -1, np.int64)
        similarities = np.full((len(queries), count), -np.inf, np.float32)
        for row, query in enumerate(queries):
            near = self._connection.execute(self._nearest(query, count, among)).all()
            near = sorted(near, key=lambda each: each.apart)  # relaxed order is not quite sorted
            found[row, : len(near)] = [each.id for each in near]
            similarities[row, : len(near)] = [-each.apart for each in near]
        return found, similarities

    def catch_up(self, source: Source) -> int:
        """Take up what is new in the source; return how many those were."""
        taken = 0
        for ids, vectors in source.iterate(self.watermark):
            self.add(ids, vectors)
            taken += len(ids)
        return taken

    @property
    def watermark(self) -> int:
        """The greatest id in it."""
        greatest = sa.select(sa.func.max(TABLE.c.id)).where(self._ours)
        return int(self._connection.execute(greatest).scalar_one() or 0)

    def _count_probes(self, count: int) -> int:
        """Return how many cells a search for so many looks into."""
        cells, vectors = self._look()
        enough = math.ceil(LOOKED_AT * count * cells / max(vectors, 1))
        return min(max(PROBES, enough), max(cells, 1))

    def _look(self) -> tuple[int, int]:
        """Return how many cells there are, and about how many vectors lie in them.

        Where the space was not laid out there are none, and the vectors are counted.
        """
        found = self._connection.execute(_LOOK, {"cells": self.cells}).one_or_none()
        return (0, len(self)) if found is None else (found.lists or 0, max(0, int(found.vectors)))

    def _nearest(self, query: Vectors, count: int, among: Ids | None) -> sa.Select[Any]:
        if among is None:
            apart = self._vector.max_inner_product(query).label("apart")
            return sa.select(TABLE.c.id, apart).where(self._ours).order_by(apart).limit(count)
        chosen = TABLE.c.id == sa.any_(sa.literal(among.tolist(), sa.ARRAY(sa.BigInteger)))
        if len(among) >= EXACT_BELOW:
            apart = self._vector.max_inner_product(query).label("apart")
            filtered = sa.select(TABLE.c.id, apart).where(self._ours, chosen)
            return filtered.order_by(apart).limit(count)
        # Cells are never asked for what this names: all of it is compared.
        few = sa.select(TABLE.c.id, TABLE.c.vector).where(self._ours, chosen)
        rows = few.cte("few").prefix_with("MATERIALIZED", dialect="postgresql")
        vector = sa.cast(rows.c.vector, HALFVEC(self.dimensions))
        apart = vector.max_inner_product(query).label("apart")
        return sa.select(rows.c.id, apart).order_by(apart).limit(count)

    def _set(self, setting: str) -> None:
        self._connection.execute(sa.text(f"SET LOCAL {setting}"))


def _suit(vectors: int) -> int:
    """Return the number of cells for so many vectors."""
    return max(1, min(MOST_CELLS, round(CELLS * math.sqrt(vectors))))


def _need_kb(cells: int, dimensions: int) -> int:
    """Return the memory that pgvector asks for to find so many cells, and a fifth more."""
    floats = _SAMPLES * cells * (cells + dimensions) + cells * (cells + 2 * dimensions)
    return max(65_536, math.ceil(1.2 * 4 * floats / 1024))


def _pack(ids: Ids, vectors: Vectors) -> bytes:
    """Return rows of Postgres' binary COPY; as text, numbers would cost more than the search."""
    width = vectors.shape[1]
    vector_bytes = 4 + 2 * width
    rows = np.zeros(
        len(ids),
        [
            ("columns", ">i2"),
            ("id_bytes", ">i4"),
            ("id", ">i8"),
            ("vector_bytes", ">i4"),
            ("width", ">i2"),
            ("unused", ">i2"),
            ("vector", ">f2", (width,)),
        ],
    )
    rows["columns"], rows["id_bytes"], rows["vector_bytes"] = 2, 8, vector_bytes
    rows["id"], rows["width"], rows["vector"] = ids, width, vectors
    return rows.tobytes()


_LOOK = sa.text(
    "SELECT reltuples AS vectors, (SELECT option_value::int FROM pg_options_to_table(reloptions)"
    " WHERE option_name = 'lists') AS lists FROM pg_class WHERE relname = :cells"
)
_PREPARE = sa.text(
    "SELECT set_config('ivfflat.probes', :probes, true),"
    " set_config('ivfflat.iterative_scan', 'relaxed_order', true)"
)
_MAKE_INCOMING = sa.text(
    "CREATE TEMP TABLE IF NOT EXISTS incoming_vectors (id bigint, vector halfvec) ON COMMIT DROP"
)
_COPY = "COPY incoming_vectors FROM STDIN (FORMAT BINARY)"
_TAKE_UP = sa.text(
    "WITH taken AS (DELETE FROM incoming_vectors RETURNING id, vector)"
    " INSERT INTO image_vectors (space_id, id, vector) SELECT :space_id, id, vector FROM taken"
    " ON CONFLICT (space_id, id) DO UPDATE SET vector = excluded.vector"
)
_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
