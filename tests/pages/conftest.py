import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
import streamlit as st

from core.services import database
from core.settings import Settings, get_settings


@pytest.fixture(autouse=True)
def own_main_module() -> Iterator[None]:
    """AppTest puts its script in the place of ``__main__``, which new processes would run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(autouse=True)
def installation(
    settings: Settings, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Let the pages use the test's database."""
    monkeypatch.setenv("CATALENS_DATA_DIR", str(settings.data_dir))
    for cached in (get_settings, database.get_engine):
        cached.cache_clear()
    st.cache_resource.clear()
    yield
    database.get_engine().dispose()
    for cached in (get_settings, database.get_engine):
        cached.cache_clear()
