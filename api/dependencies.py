"""What every route gets."""

from functools import cache
from typing import Annotated

from fastapi import Depends

from core.services import database
from core.services.context import Context
from core.settings import get_settings


@cache
def get_context() -> Context:
    """The installation with its one local user."""
    engine = database.get_engine()
    return Context(get_settings(), engine, database.local_actor(engine))


InContext = Annotated[Context, Depends(get_context)]
