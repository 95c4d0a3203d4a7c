"""Search the catalogue, and hand in photos to search by."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool

from api.dependencies import InContext
from api.parameters import PathId, QueryId
from core.errors import InvalidInputError
from core.services import lookups, parts, search
from core.services.lookups import Lookup
from core.services.search import SearchFilter, SearchPage
from core.services.states import ListingState

router = APIRouter()

Words = Annotated[str, Query(max_length=200)]
Path = Annotated[str | None, Query(max_length=1000)]
Seller = Annotated[str | None, Query(max_length=200)]
Region = Annotated[str, Query(max_length=60)]
QueryRegion = Annotated[str | None, Query(max_length=60)]
MAX_PAGE = 1000


def read_filter(
    words: Words = "",
    category: Path = None,
    batch: QueryId = None,
    state: ListingState | None = None,
    seller: Seller = None,
    since: date | None = None,
    until: date | None = None,
) -> SearchFilter:
    """Return what the address narrows a search to."""
    return SearchFilter(
        text=words,
        category=category,
        batch_id=batch,
        state=state,
        seller=seller or None,
        since=since,
        until=until,
    )


InFilter = Annotated[SearchFilter, Depends(read_filter)]


@router.get("/search")
def find(
    context: InContext,
    only: InFilter,
    listing: QueryId = None,
    photo: QueryId = None,
    varied: bool = False,
    page: Annotated[int, Query(ge=0, le=MAX_PAGE)] = 0,
) -> SearchPage:
    """Return the listings most like ``listing`` or ``photo``; without either, the newest.

    ``varied`` is "more like this": each hit is also unlike those before it. 409 while the worker
    has not looked at the photo yet.
    """
    return search.search(
        context.engine,
        context.settings,
        actor=context.actor,
        only=only,
        listing_id=listing,
        lookup_id=photo,
        varied=varied,
        page=page,
    )


@router.post("/search/photos", status_code=202)
async def hand_in(context: InContext, request: Request, region: QueryRegion = None) -> Lookup:
    """Take a photo, the body of the request, to search by; its ``id`` is that of the answer.

    Args:
        region: ``left-top-width-height`` in thousandths of the upright photo: search by this part.
    """
    data, limit = bytearray(), context.settings.max_file_bytes
    async for piece in request.stream():
        data += piece
        if len(data) > limit:
            raise InvalidInputError(f"a photo of more than {limit:,} bytes; send a smaller one")
    return await run_in_threadpool(
        parts.request_photo,
        context.engine,
        context.settings,
        actor=context.actor,
        data=bytes(data),
        region=region,
    )


@router.post("/search/listings/{listing_id}", status_code=202)
def hand_in_part(context: InContext, listing_id: PathId, region: Region) -> Lookup:
    """Take a part of a listing's main photo to search by; answers as a photo handed in."""
    return parts.request_listing(
        context.engine,
        context.settings,
        actor=context.actor,
        listing_id=listing_id,
        region=region,
    )


@router.get("/search/photos/{lookup_id}")
def get_photo(context: InContext, lookup_id: PathId) -> Lookup:
    """Return whether a photo that was handed in can be searched by."""
    return lookups.get_lookup(context.engine, actor=context.actor, lookup_id=lookup_id)
