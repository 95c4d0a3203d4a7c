"""What every route gets."""

from typing import Annotated

from fastapi import Depends, Request

from api.identity import get_signed_in
from core.services import database
from core.services.context import Context
from core.settings import get_settings


async def get_context(request: Request) -> Context:
    """The installation, and who asks: whom the middleware found."""
    return Context(get_settings(), database.get_engine(), get_signed_in(request).actor)


InContext = Annotated[Context, Depends(get_context)]
