"""Downloads of what was decided."""

from collections.abc import Iterator
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

from api.dependencies import InContext
from api.parameters import PathId
from core.errors import NotFoundError
from core.services.exports import EXPORT_FORMATS, write_export

router = APIRouter()

MEMORY_BYTES = 8 * 1024 * 1024  # a larger export waits on disk
READ_BYTES = 256 * 1024


@router.get("/exports/{batch_id}.{format_key}")
def get_export(context: InContext, batch_id: PathId, format_key: str) -> StreamingResponse:
    """Return a batch with its decisions and flags, as one of ``EXPORT_FORMATS``."""
    if format_key not in EXPORT_FORMATS:
        raise NotFoundError(f"no format {format_key!r}; there are {', '.join(EXPORT_FORMATS)}")
    with ExitStack() as stack:
        spooled = stack.enter_context(SpooledTemporaryFile(max_size=MEMORY_BYTES))
        file = cast("BinaryIO", spooled)  # it has every method, but not the type
        write_export(
            context.engine, actor=context.actor, batch_id=batch_id, format=format_key, stream=file
        )
        kept = stack.pop_all()
    return StreamingResponse(
        _read(file),
        background=BackgroundTask(kept.close),
        media_type=EXPORT_FORMATS[format_key].media_type,
        headers={
            "Content-Disposition": f'attachment; filename="batch-{batch_id}.{format_key}"',
            "Cache-Control": "no-store",
        },
    )


def _read(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(READ_BYTES):
        yield chunk
