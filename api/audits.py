"""The photos that a label audit looked at."""

from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from api.dependencies import InContext
from api.evaluations import Index
from api.images import answer_rendition
from api.parameters import PathId
from core.services import audit_photos

router = APIRouter()


@router.get("/audits/{audit_id}/photos/{index}", response_model=None)
async def get_photo(
    context: InContext,
    audit_id: PathId,
    index: Index,
    size: str = "thumb",
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """Return a photo as a JPEG; 304 to who has it, 410 where it is gone or has changed.

    Args:
        size: ``thumb`` or ``view``.
    """
    sha256, making = await run_in_threadpool(
        audit_photos.request_photo,
        context.engine,
        context.settings,
        actor=context.actor,
        audit_id=audit_id,
        index=index,
        size=size,
    )
    return await answer_rendition(sha256, size, making, if_none_match)
