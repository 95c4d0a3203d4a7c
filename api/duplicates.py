"""Difference pictures of photos that show the same."""

from fastapi import APIRouter, Response

from api.dependencies import InContext
from api.images import IMMUTABLE
from api.parameters import PathId
from core.services import differences

router = APIRouter()


@router.get("/matches/{match_id}/difference", response_model=None)
def get_difference(context: InContext, match_id: PathId) -> Response:
    """Return where the second photo, laid on the first, is not the same, as a JPEG."""
    data = differences.draw_difference(
        context.engine, context.settings, actor=context.actor, match_id=match_id
    )
    return Response(data, media_type="image/jpeg", headers=IMMUTABLE)
