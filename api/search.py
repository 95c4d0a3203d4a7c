"""Search the catalogue, and hand in photos to search by."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool

from api.dependencies import InContext
from api.parameters import PathId, QueryId
from core.errors import InvalidInputError
from core.services import lookups, search
from core.services.lookups import Lookup
from core.services.search import SearchFilter, SearchPage
from core.services.states import ListingState

router = APIRouter()

Words = Annotated[str, Query(max_length=200)]
Path = Annotated[str | None, Query(max_length=1000)]
Seller = Annotated[str | None, Query(max_length=200)]
MAX_PAGE = 1000


def _only(
    words: Words = "",
    category: Path = None,
    batch: QueryId = None,
    state: ListingState | None = None,
    seller: Seller = None,
) -> SearchFilter:
    return SearchFilter(
        text=words, category=category, batch_id=batch, state=state, seller=seller or None
    )


@router.get("/search")
def find(
    context: InContext,
    only: Annotated[SearchFilter, Depends(_only)],
    listing: QueryId = None,
    photo: QueryId = None,
    page: Annotated[int, Query(ge=0, le=MAX_PAGE)] = 0,
) -> SearchPage:
    """Return the listings most like ``listing`` or ``photo``; without either, the newest.

    409 while the worker has not looked at the photo yet.
    """
    return search.search(
        context.engine,
        context.settings,
        actor=context.actor,
        only=only,
        listing_id=listing,
        lookup_id=photo,
        page=page,
    )


@router.post("/search/photos", status_code=202)
async def hand_in(context: InContext, request: Request) -> Lookup:
    """Take a photo, the body of the request, to search by; its ``id`` is that of the answer."""
    data, limit = bytearray(), context.settings.max_file_bytes
    async for piece in request.stream():
        data += piece
        if len(data) > limit:
            raise InvalidInputError(f"a photo of more than {limit:,} bytes; send a smaller one")
    return await run_in_threadpool(
        lookups.request, context.engine, context.settings, actor=context.actor, data=bytes(data)
    )


@router.get("/search/photos/{lookup_id}")
def get_photo(context: InContext, lookup_id: PathId) -> Lookup:
    """Return whether a photo that was handed in can be searched by."""
    return lookups.get_lookup(context.engine, actor=context.actor, lookup_id=lookup_id)
