"""Photos and Grad-CAM pictures, at addresses that never change their content."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import FileResponse, JSONResponse

from api.dependencies import InContext
from api.parameters import PathId, QueryId
from core.errors import NotFoundError
from core.services import explanations
from core.storage import RENDITIONS, ImageStore

router = APIRouter()

IMMUTABLE = {"Cache-Control": "private, max-age=31536000, immutable"}

Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]


@router.get("/images/{sha256}/{rendition}")
def get_image(context: InContext, sha256: Sha256, rendition: str) -> FileResponse:
    """Return a photo as a JPEG of one of the sizes of ``RENDITIONS``."""
    if rendition not in RENDITIONS:
        raise NotFoundError(f"no rendition {rendition!r}; there are {list(RENDITIONS)}")
    store = ImageStore(context.settings.images_dir, context.settings.cache_dir)
    path = store.rendition(sha256, RENDITIONS[rendition])
    return FileResponse(path, media_type="image/jpeg", headers=IMMUTABLE)


@router.get("/explanations/{prediction_id}", response_model=None)
def get_explanation(
    context: InContext, prediction_id: PathId, category_id: QueryId = None
) -> Response:
    """Return the Grad-CAM picture: 200 with it, 202 while the worker draws it, 422 if it cannot.

    Args:
        category_id: What to look for evidence of; by default what the model predicted.
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
