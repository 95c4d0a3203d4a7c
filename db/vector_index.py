"""The vector index inside Postgres: pgvector, half precision, one HNSW graph a space.

It has the interface of ``core.similarity.vectors.VectorIndex`` and works on a connection of the
caller's, who commits. ``create_table`` stands in for the migration that is to come.
"""

import re
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from pgvector.sqlalchemy import HALFVEC

Ids = NDArray[np.int64]
Vectors = NDArray[np.float32]

EXACT_BELOW = 100_000
"""Among so few ids each is compared: a graph that skips would skip those sought."""

EF_SEARCH = 100
"""Candidates that a search keeps; pgvector's own 40 finds too few at 100,000."""

SPACE_NAME = re.compile(r"[a-z0-9_]{1,40}")

TABLE = sa.Table(
    "image_vectors",
    sa.MetaData(),
    sa.Column("space", sa.Text, primary_key=True),
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("vector", HALFVEC(), nullable=False),
)


class Source(Protocol):
    """What is needed of ``core.similarity.vectors.VectorSource``."""

    def count(self) -> int: ...

    def iterate(self, after_id: int) -> Iterator[tuple[Ids, Vectors]]: ...


def create_table(connection: sa.Connection) -> None:
    """Make the table of all spaces, if it is not there."""
    connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS vector"))
    TABLE.create(connection, checkfirst=True)


class PgVectorIndex:
    """Vectors of one space."""

    def __init__(self, connection: sa.Connection, space: str, dimensions: int) -> None:
        """Raise ValueError for a space that cannot name an index: a-z, 0-9 and _, at most 40."""
        if not SPACE_NAME.fullmatch(space):
            raise ValueError(f"{space!r} names no space; use up to 40 of a-z, 0-9 and _")
        self._connection = connection
        self.space = space
        self.dimensions = dimensions
        # The column holds spaces of different widths, so its width stands in the index.
        self._vector = sa.cast(TABLE.c.vector, HALFVEC(dimensions))
        self._ours = TABLE.c.space == sa.literal(space, literal_execute=True)

    def build_graph(self) -> None:
        """Make the HNSW graph: after a first filling, which is several times faster without it."""
        name = f"ix_{TABLE.name}_{self.space}"
        self._connection.execute(
            sa.text(
                f"CREATE INDEX IF NOT EXISTS {name} ON {TABLE.name} USING hnsw"
                f" ((vector::halfvec({self.dimensions})) halfvec_ip_ops)"
                f" WHERE space = '{self.space}'"
            )
        )
        self._connection.execute(sa.text(f"ANALYZE {TABLE.name}"))

    def __len__(self) -> int:
        counted = sa.select(sa.func.count()).select_from(TABLE).where(self._ours)
        return int(self._connection.execute(counted).scalar_one())

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Take up (N,) ids and (N, D) vectors; what is in it already is replaced."""
        self._connection.execute(_MAKE_INCOMING)
        driver: Any = self._connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.write(_SIGNATURE + _pack(ids, vectors) + _END)
        self._connection.execute(_TAKE_UP, {"space": self.space})

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
        self._set(f"hnsw.ef_search = {max(EF_SEARCH, count)}")
        self._set("hnsw.iterative_scan = relaxed_order")
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

    def _nearest(self, query: Vectors, count: int, among: Ids | None) -> sa.Select[Any]:
        if among is None:
            apart = self._vector.max_inner_product(query).label("apart")
            return sa.select(TABLE.c.id, apart).where(self._ours).order_by(apart).limit(count)
        chosen = TABLE.c.id == sa.any_(sa.literal(among.tolist(), sa.ARRAY(sa.BigInteger)))
        if len(among) >= EXACT_BELOW:
            apart = self._vector.max_inner_product(query).label("apart")
            filtered = sa.select(TABLE.c.id, apart).where(self._ours, chosen)
            return filtered.order_by(apart).limit(count)
        # A graph is never asked for what this names: all of it is compared.
        few = sa.select(TABLE.c.id, TABLE.c.vector).where(self._ours, chosen)
        rows = few.cte("few").prefix_with("MATERIALIZED", dialect="postgresql")
        vector = sa.cast(rows.c.vector, HALFVEC(self.dimensions))
        apart = vector.max_inner_product(query).label("apart")
        return sa.select(rows.c.id, apart).order_by(apart).limit(count)

    def _set(self, setting: str) -> None:
        self._connection.execute(sa.text(f"SET LOCAL {setting}"))


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


_MAKE_INCOMING = sa.text(
    "CREATE TEMP TABLE IF NOT EXISTS incoming_vectors (id bigint, vector halfvec) ON COMMIT DROP"
)
_COPY = "COPY incoming_vectors FROM STDIN (FORMAT BINARY)"
_TAKE_UP = sa.text(
    "WITH taken AS (DELETE FROM incoming_vectors RETURNING id, vector)"
    " INSERT INTO image_vectors (space, id, vector) SELECT :space, id, vector FROM taken"
    " ON CONFLICT (space, id) DO UPDATE SET vector = excluded.vector"
)
_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
