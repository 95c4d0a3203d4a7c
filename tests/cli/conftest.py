from collections.abc import Iterator
from pathlib import Path

import pytest

from core.services import database
from core.settings import get_settings


@pytest.fixture
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands run in this process begin with a data directory of their own, not yet made."""
    monkeypatch.setenv("CATALENS_DATA_DIR", str(tmp_path / "data"))
    get_settings.cache_clear()
    database.get_engine.cache_clear()
    yield
    database.get_engine().dispose()
    get_settings.cache_clear()
    database.get_engine.cache_clear()
