"""Runs the migrations on the engine that ``core.services.database`` hands over."""

from typing import Any

import sqlalchemy as sa
from alembic import context

from db import (
    rows,  # noqa: F401 -- registers every table
    vector_tables,
)
from db.base import Base


def _engine() -> sa.Engine:
    engine = context.config.attributes.get("engine")
    if engine is None:  # called as plain `alembic ...`
        from core.services.database import get_engine

        engine = get_engine()
    assert isinstance(engine, sa.Engine)
    return engine


def _is_everywhere(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether every database has it: the tables of pgvector are not compared with the rows."""
    return kind != "table" or name not in vector_tables.METADATA.tables


def run() -> None:
    with _engine().connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            compare_type=True,
            include_name=_is_everywhere,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
