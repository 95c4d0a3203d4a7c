"""Uploads: files go to disk as they come, and become a batch at the end, all or none."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Annotated
from uuid import UUID

from anyio import CapacityLimiter, fail_after, from_thread, to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, StringConstraints

from api.dependencies import InContext
from api.multipart import Part, read_parts
from core.errors import CatalogError, InvalidInputError
from core.services import uploads
from core.services.context import Context
from core.services.imports import ImportReport
from core.services.known_photos import KnownPhotos
from core.services.photo_intake import Duplicates
from core.services.uploads import MakingProgress, UploadedFile

router = APIRouter()

MAX_FILES = 50  # in one request; the page sends several
MANY_FILES_BYTES = 256 * 1024 * 1024  # a longer request carries one file, such as a zip
MULTIPART_OVERHEAD_BYTES = 1024 * 1024
STALLED_AFTER_S = 60

# Requests that are received at once. The others wait, and slow ones hold up no other route.
_receiving = CapacityLimiter(8)


class StalledError(CatalogError):
    """The client stopped in the middle of a request."""

    status = 408


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
    duplicates: Duplicates = Field(
        default="keep",
        description="What becomes of photos that the catalogue has: keep, skip_same_bytes, skip.",
    )


@router.post("/uploads", status_code=201)
def start(context: InContext) -> StartedUpload:
    """Open an upload."""
    return StartedUpload(
        upload_id=UUID(uploads.start_upload(context.settings, actor=context.actor))
    )


@router.post("/uploads/{upload_id}/files")
async def put_files(context: InContext, upload_id: UUID, request: Request) -> list[FileResult]:
    """Add up to 50 files, or one that is large (field ``files``; a name may hold folders).

    Each file goes to disk as it comes; the answer has a result for each, in their order.
    """
    size_bytes = _checked_size(context, request)
    take = partial(
        _take_files,
        context,
        str(upload_id),
        read_parts(request.headers.get("content-type", ""), _pieces(request)),
        max_files=MAX_FILES if size_bytes <= MANY_FILES_BYTES else 1,
    )
    return await to_thread.run_sync(take, limiter=_receiving)


@router.post("/uploads/{upload_id}/finish")
def finish(context: InContext, upload_id: UUID, sent: FinishRequest) -> ImportReport:
    """Make a batch of what was uploaded."""
    return uploads.finish_upload(
        context.engine,
        context.settings,
        actor=context.actor,
        upload_id=str(upload_id),
        batch_name=sent.batch_name,
        duplicates=sent.duplicates,
    )


@router.post("/uploads/{upload_id}/check")
def check(context: InContext, upload_id: UUID) -> KnownPhotos:
    """Say which of the photos the catalogue has already, before they become a batch."""
    return uploads.check_upload(
        context.engine, context.settings, actor=context.actor, upload_id=str(upload_id)
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


def _take_files(
    context: Context, upload_id: str, parts: Iterator[Part], *, max_files: int
) -> list[FileResult]:
    """Take the files of a request in, one after the other; a refused one stops no other."""
    results: list[FileResult] = []
    for part in parts:
        if part.field != "files" or part.file_name is None:
            raise InvalidInputError(f"send files only, in the field 'files', not {part.field!r}")
        if len(results) == max_files:
            raise InvalidInputError(
                f"at most {MAX_FILES} files in one request, and one in a request of more than"
                f" {MANY_FILES_BYTES:,} bytes; send the others in another"
            )
        results.append(_put(context, upload_id, part.file_name, part.chunks))
        if max_files == 1 and not results[-1].accepted:
            break  # the server answers at once, and passes over the rest
    return results


def _put(context: Context, upload_id: str, name: str, chunks: Iterator[bytes]) -> FileResult:
    result = uploads.put_file(
        context.settings, actor=context.actor, upload_id=upload_id, name=name, chunks=chunks
    )
    if isinstance(result, UploadedFile):
        return FileResult(name=result.name, accepted=True)
    return FileResult(
        name=result.name, accepted=False, reason=result.reason, message=result.message
    )


def _pieces(request: Request) -> Iterator[bytes]:
    """Yield the body as it comes, to a thread that the event loop started."""
    stream = request.stream()
    while piece := from_thread.run(_next_piece, stream):
        yield piece


async def _next_piece(stream: AsyncIterator[bytes]) -> bytes:
    """Return the next piece of a body, empty at its end.

    Raises:
        StalledError: Nothing came for a while.
        ClientDisconnect: The client is gone.
    """
    try:
        with fail_after(STALLED_AFTER_S):
            return await anext(stream, b"")
    except TimeoutError as error:
        raise StalledError(f"nothing came for {STALLED_AFTER_S} s; send it again") from error
