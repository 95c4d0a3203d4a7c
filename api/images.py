"""Photos and Grad-CAM pictures, at addresses that never change their content."""

from asyncio import shield, wrap_future
from concurrent.futures import Future
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi import Path as InPath
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, JSONResponse

from api.dependencies import InContext
from api.parameters import InQueryId, PathId
from core.services import explanations, images, map_agreement
from core.services.map_agreement import MapAgreement

router = APIRouter()

IMMUTABLE = {"Cache-Control": "private, max-age=31536000, immutable"}

Sha256 = Annotated[str, InPath(pattern=r"^[0-9a-f]{64}$")]


@router.get("/images/{sha256}/{size}", response_model=None)
async def get_image(
    context: InContext,
    sha256: Sha256,
    size: str,
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """Return a photo as a JPEG of a size, ``thumb`` or ``view``; 304 to who has it already."""
    making = await run_in_threadpool(
        images.request_rendition,
        context.engine,
        context.settings,
        actor=context.actor,
        sha256=sha256,
        size=size,
    )
    return await answer_rendition(sha256, size, making, if_none_match)


async def answer_rendition(
    sha256: str, size: str, making: Future[Path], if_none_match: str
) -> Response:
    """Return the JPEG that is being made of a photo; 304 to who has it already."""
    headers = IMMUTABLE | {"ETag": images.etag_of(sha256, size)}
    if headers["ETag"] in if_none_match:
        return Response(status_code=304, headers=headers)
    path = await shield(wrap_future(making))  # another client may wait for the same one
    # In one go: FileResponse goes to a thread for each of four steps, and a page has 24 photos.
    data = await run_in_threadpool(path.read_bytes)
    return Response(data, media_type="image/jpeg", headers=headers)


@router.get("/explanations/{prediction_id}", response_model=None)
def get_explanation(context: InContext, prediction_id: PathId, category_id: InQueryId) -> Response:
    """Return the Grad-CAM picture: 200 with it, 202 while the worker draws it, 422 if it cannot.

    Args:
        category_id: What to look for evidence of.
    """
    found = explanations.request(
        context.engine,
        context.settings,
        actor=context.actor,
        prediction_id=prediction_id,
        category_id=category_id,
    )
    if found.error is not None:
        return JSONResponse({"error": "ExplanationError", "message": found.error}, 422)
    if found.path is None:
        return JSONResponse({"state": found.state}, 202, headers={"Cache-Control": "no-store"})
    return FileResponse(found.path, media_type="image/jpeg", headers=IMMUTABLE)


@router.get("/explanations/{prediction_id}/agreement", response_model=MapAgreement)
def get_agreement(
    context: InContext, prediction_id: PathId, category_id: InQueryId
) -> MapAgreement | JSONResponse:
    """Return whether the models look at the same part of the photo; 202 while maps are drawn.

    Args:
        category_id: What to look for evidence of.
    """
    found = map_agreement.request(
        context.engine,
        context.settings,
        actor=context.actor,
        prediction_id=prediction_id,
        category_id=category_id,
    )
    return JSONResponse({"state": "pending"}, 202) if found is None else found
