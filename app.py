"""The web app: the pages and the API in one process, on one origin.

Start it with ``catalens run``, or by hand with ``streamlit run app.py``.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount

from api.app import create_api
from api.security import SecurityMiddleware
from core.services.database import get_engine
from core.settings import get_settings


@asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[None]:
    yield
    get_engine().dispose()


# The script lies inside pages/: beside it, Streamlit would serve each file of pages/ by itself.
app = st.App(
    Path(__file__).parent / "pages" / "main.py",
    routes=[Mount("/api", app=create_api())],
    middleware=[Middleware(SecurityMiddleware, hosts=get_settings().host_names)],
    lifespan=_lifespan,
)
