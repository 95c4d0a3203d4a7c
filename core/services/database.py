"""The database as a whole: open, upgrade, and the local user."""

import logging
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select

from core.actors import Actor
from core.errors import ConflictError
from core.settings import Settings, get_settings
from db import engine as db_engine
from db import vector_tables
from db.engine import transaction
from db.rows import UserRow
from db.states import Role

log = logging.getLogger(__name__)

PROJECT_DIR = Path(__file__).resolve().parents[2]
LOCAL_USER = "local"


def open_engine(settings: Settings) -> sa.Engine:
    """Return an engine for the settings' database; makes the data directory."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return db_engine.create_engine(settings.resolved_database_url)


@cache
def get_engine() -> sa.Engine:
    """The process's engine."""
    return open_engine(get_settings())


@cache
def get_ready_engine() -> sa.Engine:
    """The process's engine on a migrated database; an empty database is migrated first.

    Raises:
        ConflictError: The schema is of another version than the program.
    """
    engine = get_engine()
    current, head = current_revision(engine), head_revision(engine)
    if current is None:
        upgrade(engine)
    elif current != head:
        raise ConflictError(
            f"the database {describe(engine)} is at revision {current}, this program needs {head}; "
            "run: catalens db upgrade"
        )
    return engine


def current_revision(engine: sa.Engine) -> str | None:
    """The revision of the schema; None for an empty database."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head_revision(engine: sa.Engine) -> str | None:
    """The newest revision that this program knows."""
    return ScriptDirectory.from_config(alembic_config(engine)).get_current_head()


def alembic_config(engine: sa.Engine) -> Config:
    config = Config(toml_file=str(PROJECT_DIR / "pyproject.toml"))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Migrate the schema up to the revision; the newest takes up pgvector, if it came later."""
    command.upgrade(alembic_config(engine), revision)
    if current_revision(engine) == head_revision(engine):
        with engine.begin() as connection:
            problem = vector_tables.create_where_available(connection)
        if problem is not None:
            log.warning("photos are searched outside the database: %s", problem)


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Migrate the schema down to the revision."""
    command.downgrade(alembic_config(engine), revision)


def local_actor(engine: sa.Engine) -> Actor:
    """Return the one user of an installation without accounts, made at first use."""
    with transaction(engine) as session:
        row = session.scalar(select(UserRow).where(UserRow.name == LOCAL_USER))
        if row is None:
            row = UserRow(name=LOCAL_USER, role=Role.ADMIN)
            session.add(row)
            session.flush()
        return Actor(id=row.id, name=row.name, role=row.role)


def describe(engine: sa.Engine) -> str:
    """Return the database's address without its password."""
    return engine.url.render_as_string(hide_password=True)
