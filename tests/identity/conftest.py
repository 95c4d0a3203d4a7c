"""People of every role, and a web app that they sign in to."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.actors import PERMISSIONS, Actor
from core.passwords import hash_password
from core.services import database, sessions
from core.services.accounts import sign_in
from core.services.imports import ImportReport, import_path
from core.settings import Settings
from db.engine import transaction
from db.rows import UserRow
from tests.browser.server import run_web_app
from tests.worker.catalog import draw_photos

PASSWORD = "correct horse battery"

StartSession = Callable[[Actor], str]


def add_user(engine: sa.Engine, name: str, role: str, *, password: str | None = None) -> Actor:
    """Add somebody; only with a password do they sign in by one."""
    with transaction(engine) as session:
        hashed = None if password is None else hash_password(password)
        row = UserRow(name=name, role=role, password_hash=hashed)
        session.add(row)
        session.flush()
        return Actor(row.id, name, role)


def add_everybody(engine: sa.Engine) -> dict[str, Actor]:
    """Add one person of each role, called as the role."""
    return {role: add_user(engine, role, role) for role in PERMISSIONS}


@pytest.fixture
def with_accounts(settings: Settings) -> Settings:
    return settings.model_copy(update={"accounts": "local"})


@pytest.fixture
def everybody(engine: sa.Engine) -> dict[str, Actor]:
    return add_everybody(engine)


@pytest.fixture
def start(engine: sa.Engine, with_accounts: Settings) -> StartSession:
    """Starts a session for somebody; returns its token."""
    return lambda actor: start_session(engine, with_accounts, actor)


def start_session(engine: sa.Engine, settings: Settings, actor: Actor) -> str:
    return sessions.start(engine, settings, user_id=actor.id, user_agent="Test/1", address="::1")


class Shop:
    """A running web app with accounts, a person of each role, and a batch of the staff's."""

    def __init__(self, settings: Settings, engine: sa.Engine, photos: Path) -> None:
        self.settings = settings
        self.engine = engine
        self.everybody = add_everybody(engine)
        self.report: ImportReport = import_path(
            engine, settings, actor=self.everybody["staff"], path=photos, batch_name="spring"
        )
        with engine.connect() as connection:
            self.sha256: str = connection.exec_driver_sql("SELECT sha256 FROM images").scalar_one()
        self.address = ""

    def cookies(self, role: str | None) -> dict[str, str]:
        """Return the cookies of a new session of the role; none for nobody's."""
        if role is None:
            return {}
        actor = self.everybody[role]
        return {sessions.COOKIE: start_session(self.engine, self.settings, actor)}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    draw_photos(folder / "photos", count=1)
    settings = Settings(_env_file=None, data_dir=folder / "data", accounts="oidc")
    settings.data_dir.mkdir()
    shutil.copy(migrated_sqlite, settings.data_dir / migrated_sqlite.name)
    engine = database.open_engine(settings)
    found = Shop(settings, engine, folder / "photos")
    environment = {
        "CATALENS_ACCOUNTS": "oidc",
        "CATALENS_OIDC_ISSUER": "http://127.0.0.1:9",  # nothing answers there
        "CATALENS_OIDC_CLIENT_ID": "catalens",
    }
    with run_web_app(settings.data_dir, environment) as address:
        found.address = address
        yield found
    engine.dispose()


@pytest.fixture
def olga(engine: sa.Engine) -> Actor:
    return add_user(engine, "olga", "staff", password=PASSWORD)


def try_in(
    engine: sa.Engine,
    settings: Settings,
    name: str = "olga",
    password: str = PASSWORD,
    address: str = "::1",
) -> str:
    return sign_in(
        engine, settings, name=name, password=password, address=address, user_agent="Test/1"
    )
