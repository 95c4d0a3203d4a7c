from collections.abc import Iterator
from pathlib import Path

import pytest

from core.services import database
from core.settings import get_settings

CACHES = (get_settings, database.get_engine, database.get_ready_engine)


@pytest.fixture
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands run in this process begin with a data directory of their own, not yet made."""
    monkeypatch.setenv("CATALENS_DATA_DIR", str(tmp_path / "data"))
    for cached in CACHES:
        cached.cache_clear()
    yield
    database.get_engine().dispose()
    for cached in CACHES:
        cached.cache_clear()
