"""A browser, and the app with a small catalog."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from core.services import database
from core.settings import Settings
from tests.browser.screens import Screens
from tests.browser.server import run_both, run_web_app
from tests.worker.catalog import add_model

CHROMIUM_OPTIONS = (
    "--no-sandbox --headless --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()

PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)

ARCHS = ("custom_cnn", "resnet50", "vit")

# Streamlit looks for its server under the page's path first, and the browser logs the miss.
EXPECTED_MISS = re.compile(r"/\w+/_stcore/(health|host-config)$")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser(chromium_path: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium_path, args=list(CHROMIUM_OPTIONS)
        )
        yield started
        started.close()


@contextmanager
def open_screen(browser: Browser, address: str) -> Iterator[Page]:
    """A page in a session of its own; what its console complains of fails the test."""
    context = browser.new_context(
        base_url=address, viewport={"width": 1366, "height": 820}, accept_downloads=True
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: (
            problems.append(f"{message.text} ({message.location.get('url')})")
            if message.type == "error" and not EXPECTED_MISS.search(message.location.get("url", ""))
            else None
        ),
    )
    yield page
    context.close()
    assert problems == []


@pytest.fixture
def empty_app(settings: Settings, migrated_sqlite: Path) -> Iterator[str]:
    """Address of the app with nothing in it, and without a worker."""
    settings.data_dir.mkdir(parents=True)
    shutil.copy(migrated_sqlite, settings.data_dir / migrated_sqlite.name)
    with run_web_app(settings.data_dir) as address:
        yield address


@pytest.fixture
def app_with_models(settings: Settings, migrated_sqlite: Path) -> Iterator[str]:
    """Address of the app with three small models of random weights, and a worker."""
    settings.data_dir.mkdir(parents=True)
    shutil.copy(migrated_sqlite, settings.data_dir / migrated_sqlite.name)
    engine = database.open_engine(settings)
    actor = database.local_actor(engine)
    for arch in ARCHS:
        add_model(engine, settings, actor, arch=arch)
    engine.dispose()
    with run_both(settings.data_dir) as address:
        yield address


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page on whichever app the test uses."""
    app = "empty_app" if "empty_app" in request.fixturenames else "app_with_models"
    with open_screen(browser, request.getfixturevalue(app)) as opened:
        yield opened


@pytest.fixture
def screens() -> Screens:
    """Takes screenshots for the docs where CATALENS_SCREENSHOT_DIR says so."""
    folder = os.environ.get("CATALENS_SCREENSHOT_DIR")
    return Screens(Path(folder) if folder else None)
