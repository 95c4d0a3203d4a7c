"""Engines and transactions: the only place that knows how the databases differ."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

SQLITE_BUSY_TIMEOUT_MS = 30_000


def create_engine(url: str, **options: Any) -> sa.Engine:
    """Return an engine for SQLite (WAL, foreign keys, 30 s busy timeout) or Postgres."""
    engine = sa.create_engine(url, pool_pre_ping=True, **options)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def transaction(engine: sa.Engine) -> Iterator[Session]:
    """A session that may write; commits at the end, rolls back on an exception.

    On SQLite it takes the write lock at once (BEGIN IMMEDIATE), so that a transaction
    which reads and then writes waits its turn instead of failing with "database is locked".
    """
    with Session(engine.execution_options(catalens_write=True)) as session, session.begin():
        yield session


@contextmanager
def erasing(engine: sa.Engine) -> Iterator[Session]:
    """A transaction whose deletions leave nothing behind in SQLite's files either.

    The journal is emptied afterwards, or, while somebody reads, by whoever empties it next.
    Postgres has its own vacuum for that.
    """
    is_sqlite = engine.dialect.name == "sqlite"
    with transaction(engine) as session:
        if is_sqlite:
            session.connection().exec_driver_sql("PRAGMA secure_delete = ON")
        yield session
    if is_sqlite:
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()


@contextmanager
def reading(engine: sa.Engine) -> Iterator[Session]:
    """A session that only reads; sees one consistent state and blocks no writer.

    Postgres does so when asked to; SQLite always does.
    """
    with Session(engine) as session:
        if engine.dialect.name == "postgresql":
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late; see _begin_sqlite
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {SQLITE_BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get("catalens_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
