"""Downloads of what was decided."""

from fastapi import APIRouter, Response

from api.dependencies import InContext
from api.images import Id
from core.errors import NotFoundError
from core.services.exports import EXPORT_FORMATS, export

router = APIRouter()


@router.get("/exports/{batch_id}.{format_key}")
def get_export(context: InContext, batch_id: Id, format_key: str) -> Response:
    """Return a batch with its decisions and flags, as one of ``EXPORT_FORMATS``."""
    if format_key not in EXPORT_FORMATS:
        raise NotFoundError(f"no format {format_key!r}; there are {list(EXPORT_FORMATS)}")
    data = export(context.engine, actor=context.actor, batch_id=batch_id, format=format_key)
    return Response(
        data,
        media_type=EXPORT_FORMATS[format_key].media_type,
        headers={
            "Content-Disposition": f'attachment; filename="batch-{batch_id}.{format_key}"',
            "Cache-Control": "no-store",
        },
    )
