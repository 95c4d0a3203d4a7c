"""The API over a real database, without a server."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_api
from api.dependencies import get_context
from core.actors import Actor
from core.services.context import Context
from core.settings import Settings


@pytest.fixture
def context(settings: Settings, engine: sa.Engine, actor: Actor) -> Context:
    return Context(settings, engine, actor)


@pytest.fixture
def client(context: Context) -> Iterator[TestClient]:
    api = create_api()
    api.dependency_overrides[get_context] = lambda: context
    with TestClient(api) as opened:
        yield opened
