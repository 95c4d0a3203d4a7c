"""Pictures of what speaks for a listing being a copy of a brand's goods."""

from fastapi import APIRouter, Response

from api.dependencies import InContext
from api.images import IMMUTABLE
from api.parameters import PathId
from core.services import brand_drawings

router = APIRouter()


@router.get("/brand-evidence/{evidence_id}/{drawing}", response_model=None)
def get_drawing(context: InContext, evidence_id: PathId, drawing: str) -> Response:
    """Return a JPEG: ``photo`` (with the region), ``reference``, ``detail`` or ``difference``.

    When it was judged stands in the address that the page gives, so each is kept for good.
    """
    data = brand_drawings.draw(
        context.engine,
        context.settings,
        actor=context.actor,
        evidence_id=evidence_id,
        drawing=drawing,
    )
    return Response(data, media_type="image/jpeg", headers=IMMUTABLE)
