"""A browser, and the app with a small catalog."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from core.services import database
from core.settings import Settings
from tests.browser.measured import add_measured_models
from tests.browser.screens import Screens
from tests.browser.server import run_both, run_web_app
from tests.identity.conftest import PASSWORD, add_user
from tests.worker.catalog import add_model

CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)

APPS = ("empty_app", "measured_app", "app_with_accounts", "app_with_models")
ARCHS = ("custom_cnn", "resnet50", "vit")

# Streamlit looks for its server under the page's path first, and the browser logs the miss.
EXPECTED_MISS = re.compile(r"/\w+/_stcore/(health|host-config)$")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(900))  # the first one waits for all the processes


@pytest.fixture(scope="session")
def browser(chromium_path: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_OPTIONS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def empty_app(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[str]:
    """Address of the app with nothing in it, and without a worker."""
    settings = _settings(tmp_path_factory, migrated_sqlite)
    with run_web_app(settings.data_dir) as address:
        yield address


@pytest.fixture(scope="session")
def app_with_models(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path
) -> Iterator[str]:
    """Address of the app with three small models of random weights, and a worker."""
    settings = _settings(tmp_path_factory, migrated_sqlite)
    engine = database.open_engine(settings)
    actor = database.local_actor(engine)
    for arch in ARCHS:
        add_model(engine, settings, actor, arch=arch)
    engine.dispose()
    with run_both(settings.data_dir) as address:
        yield address


@pytest.fixture(scope="session")
def measured_app(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[str]:
    """Address of the app with three models that were measured, and without a worker."""
    settings = _settings(tmp_path_factory, migrated_sqlite)
    engine = database.open_engine(settings)
    add_measured_models(engine, settings)
    engine.dispose()
    with run_web_app(settings.data_dir) as address:
        yield address


@pytest.fixture(scope="session")
def app_with_accounts(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path
) -> Iterator[str]:
    """Address of the app that people sign in to; ``admin`` is one, with ``PASSWORD``."""
    settings = _settings(tmp_path_factory, migrated_sqlite)
    engine = database.open_engine(settings)
    add_user(engine, "admin", "admin", password=PASSWORD)
    add_user(engine, "olga", "staff", password=PASSWORD)
    engine.dispose()
    with run_web_app(settings.data_dir, {"CATALENS_ACCOUNTS": "local"}) as address:
        yield address


def _settings(tmp_path_factory: pytest.TempPathFactory, database_file: Path) -> Settings:
    settings = Settings(_env_file=None, data_dir=tmp_path_factory.mktemp("app"))
    shutil.copy(database_file, settings.data_dir / database_file.name)
    return settings


@pytest.fixture
def console() -> list[str]:
    """Errors on the page's console; any that is left at the end fails the test."""
    return []


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser, console: list[str]) -> Iterator[Page]:
    """A page in a session of its own, on whichever app the test uses."""
    app = next((name for name in APPS if name in request.fixturenames), "app_with_models")
    context = browser.new_context(
        base_url=request.getfixturevalue(app), viewport={"width": 1366, "height": 820}
    )
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE_MS)
    opened.on("pageerror", lambda error: console.append(str(error)))
    opened.on("console", lambda message: _note(console, message))
    yield opened
    context.close()
    assert console == []


def _note(console: list[str], message: ConsoleMessage) -> None:
    address = message.location.get("url", "")
    if message.type == "error" and not EXPECTED_MISS.search(address):
        console.append(f"{message.text} ({address})")


@pytest.fixture
def screens() -> Screens:
    """Takes screenshots for the docs where CATALENS_SCREENSHOT_DIR says so."""
    folder = os.environ.get("CATALENS_SCREENSHOT_DIR")
    return Screens(Path(folder) if folder else None)
