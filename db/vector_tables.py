"""The tables of the vector index inside Postgres, where pgvector is to be had.

They stand apart from ``db.rows``: neither SQLite nor a Postgres without the extension has them.
Past migrations call this: keep its effect.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy.exc import DBAPIError

from db.base import NAMING_CONVENTION

LEAST_VERSION = (0, 8)
"""Of pgvector: half precision came with 0.7, filters that do not starve a search with 0.8."""

METADATA = sa.MetaData(naming_convention=NAMING_CONVENTION)

VECTOR_SPACES = sa.Table(
    "vector_spaces",
    METADATA,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("name", sa.String(100), nullable=False, unique=True),
    sa.Column("dimensions", sa.Integer, nullable=False),
    sa.Column("axes", sa.LargeBinary, nullable=False),
    sa.Column("built_at", sa.DateTime(timezone=True)),
)
"""A space that is searched here. ``axes`` are (D, K) little-endian float32, K ``dimensions``;
``built_at`` is null until its cells stand. The id names the cells, so that a space may be called
anything: an embedder's has hyphens.
"""

IMAGE_VECTORS = sa.Table(
    "image_vectors",
    METADATA,
    sa.Column(
        "space_id",
        sa.ForeignKey("vector_spaces.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("vector", HALFVEC(), nullable=False),
)
"""The vectors of each space; ``id`` is that of the embedding, whose row is the truth."""


def create_where_available(connection: sa.Connection) -> str | None:
    """Make the tables if they are not there; return why they cannot be, None where they stand.

    On SQLite nothing is made, and nothing is wrong.
    """
    if connection.dialect.name != "postgresql" or are_there(connection):
        return None
    problem = _add_extension(connection)
    if problem is None:
        METADATA.create_all(connection)
    return problem


def drop(connection: sa.Connection) -> None:
    """Drop the tables, if they are there. The extension stays: others may use it."""
    if connection.dialect.name == "postgresql":
        METADATA.drop_all(connection)


def are_there(connection: sa.Connection) -> bool:
    """Whether this database has the tables."""
    if connection.dialect.name != "postgresql":
        return False
    return bool(connection.scalar(sa.select(sa.func.to_regclass("image_vectors").is_not(None))))


def _add_extension(connection: sa.Connection) -> str | None:
    version = connection.scalar(
        sa.text(
            "SELECT coalesce(installed_version, default_version)"
            " FROM pg_available_extensions WHERE name = 'vector'"
        )
    )
    if version is None:
        return "this Postgres has no pgvector; install it on the server"
    if _parse(version) < LEAST_VERSION:
        return f"this Postgres has pgvector {version}; 0.8 is the oldest that is used"
    with _told(connection) as problems:
        connection.execute(sa.text("CREATE EXTENSION IF NOT EXISTS vector"))
    return problems[0] if problems else None


@contextmanager
def _told(connection: sa.Connection) -> Iterator[list[str]]:
    """Undo what the database refuses, and tell why it did."""
    problems: list[str] = []
    savepoint = connection.begin_nested()
    try:
        yield problems
        savepoint.commit()
    except DBAPIError as error:
        savepoint.rollback()
        problems.append(f"pgvector cannot be set up: {error.orig}".strip())


def _parse(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
