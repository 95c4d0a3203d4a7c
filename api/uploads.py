"""Uploads: files go to disk as they come, and become a batch at the end, all or none."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, UploadFile
from pydantic import BaseModel, Field, StringConstraints
from starlette.concurrency import run_in_threadpool

from api.dependencies import InContext
from core.errors import InvalidInputError
from core.services import uploads
from core.services.context import Context
from core.services.imports import ImportReport
from core.services.uploads import MakingProgress, UploadedFile

router = APIRouter()

MAX_FILES = 50  # in one request; the page sends several
MANY_FILES_BYTES = 256 * 1024 * 1024  # a longer request carries one file, such as a zip
READ_BYTES = 1024 * 1024
MULTIPART_OVERHEAD_BYTES = 1024 * 1024


class StartedUpload(BaseModel):
    upload_id: UUID


class FileResult(BaseModel):
    """What became of one file; ``reason`` and ``message`` say why it was refused."""

    name: str
    accepted: bool
    reason: str | None = None
    message: str | None = None


class FinishRequest(BaseModel):
    batch_name: Annotated[
        str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f]+$")
    ] = Field(description="Name of the batch that the files become.")


@router.post("/uploads", status_code=201)
def start(context: InContext) -> StartedUpload:
    """Open an upload."""
    return StartedUpload(
        upload_id=UUID(uploads.start_upload(context.settings, actor=context.actor))
    )


@router.post("/uploads/{upload_id}/files")
async def put_files(context: InContext, upload_id: UUID, request: Request) -> list[FileResult]:
    """Add up to 50 files, or one that is large (field ``files``; a name may hold folders)."""
    size_bytes = _checked_size(context, request)
    max_files = MAX_FILES if size_bytes <= MANY_FILES_BYTES else 1
    async with request.form(max_files=max_files, max_fields=0) as form:
        files = [file for file in form.getlist("files") if not isinstance(file, str)]
        put = partial(_put, context, str(upload_id))
        return [await run_in_threadpool(put, file) for file in files]


@router.post("/uploads/{upload_id}/finish")
def finish(context: InContext, upload_id: UUID, sent: FinishRequest) -> ImportReport:
    """Make a batch of what was uploaded."""
    return uploads.finish_upload(
        context.engine,
        context.settings,
        actor=context.actor,
        upload_id=str(upload_id),
        batch_name=sent.batch_name,
    )


@router.get("/uploads/{upload_id}")
def get_progress(context: InContext, upload_id: UUID) -> MakingProgress:
    """Say how far the batch in the making is."""
    return uploads.get_progress(context.settings, actor=context.actor, upload_id=str(upload_id))


@router.delete("/uploads/{upload_id}", status_code=204)
def discard(context: InContext, upload_id: UUID) -> None:
    """Throw the uploaded files away."""
    uploads.discard_upload(context.settings, actor=context.actor, upload_id=str(upload_id))


def _checked_size(context: Context, request: Request) -> int:
    """Return how long a request says it is; refuse it before any of it is read if too long."""
    largest = max(context.settings.max_zip_bytes, context.settings.max_file_bytes)
    limit = largest + MULTIPART_OVERHEAD_BYTES
    size = request.headers.get("content-length", "")
    if not size.isdigit():
        raise InvalidInputError("the request does not say how long it is (Content-Length)")
    if int(size) > limit:
        raise InvalidInputError(f"{size} bytes in one request; at most {limit} are taken")
    return int(size)


def _put(context: Context, upload_id: str, file: UploadFile) -> FileResult:
    result = uploads.put_file(
        context.settings,
        actor=context.actor,
        upload_id=upload_id,
        name=file.filename or "",
        chunks=_chunks(file),
    )
    if isinstance(result, UploadedFile):
        return FileResult(name=result.name, accepted=True)
    return FileResult(
        name=result.name, accepted=False, reason=result.reason, message=result.message
    )


def _chunks(file: UploadFile) -> Iterator[bytes]:
    while chunk := file.file.read(READ_BYTES):
        yield chunk
