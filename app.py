"""The web app: the pages and the API in one process, on one origin.

Start it with ``catalens run``, or by hand with ``streamlit run app.py --server.address=127.0.0.1``.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount

from api import accounts as account_routes
from api.app import create_api
from api.identity import IdentityMiddleware
from api.security import SecurityMiddleware
from api.sockets import send_at_once
from core.errors import CatalogError
from core.services import accounts, sessions
from core.services.database import get_engine
from core.settings import get_settings


@asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[None]:
    try:
        address = st.get_option("server.address") or ""  # empty is every address
        accounts.check_start(get_settings(), listens_on=address)
    except CatalogError as error:
        sys.exit(f"Error: {error}")
    send_at_once()
    yield
    get_engine().dispose()


def _identify(token: str) -> sessions.SignedIn | None:
    return sessions.identify(get_engine(), get_settings(), token=token)


# The script lies inside pages/: beside it, Streamlit would serve each file of pages/ by itself.
app = st.App(
    Path(__file__).parent / "pages" / "main.py",
    routes=[*account_routes.list_routes(get_settings()), Mount("/api", app=create_api())],
    middleware=[
        Middleware(SecurityMiddleware, hosts=get_settings().host_names),
        Middleware(IdentityMiddleware, find=_identify),
    ],
    exception_handlers={CatalogError: account_routes.tell_problem},
    lifespan=_lifespan,
)
