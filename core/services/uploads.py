"""Uploads: files that arrive one by one and become a batch at the end.

Each upload is a folder of its own. Nothing in it carries a name that a client chose: a
file lies under a digest of its name, beside a note with the name itself. A name that is
sent again replaces the file, so a client may repeat whatever it is unsure of.
"""

import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.actors import Actor, require
from core.errors import NotFoundError, UnreadableImageError
from core.imaging.reasons import refuse
from core.imaging.signatures import HEAD_BYTES, identify
from core.ingest import Refusal, RefusedFileError, open_files
from core.ingest.files import clean_name, extension_of, is_ignored, refusal
from core.ingest.photos import check_extension
from core.ingest.sources import is_manifest, is_zip
from core.services.imports import ImportReport, OnProgress, import_collection, source_limits
from core.settings import Settings

STALE_AFTER_S = 24 * 60 * 60
"""An upload that got no file for so long is thrown away."""

_OWNER = "owner.json"
_NOTE = ".note.json"
_PROGRESS = "progress.json"
_PROGRESS_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that arrived whole. Whether its picture can be decoded shows at the end."""

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class MakingProgress:
    """How many photos of a batch in the making were checked, and of how many."""

    done: int
    total: int


def start_upload(settings: Settings, *, actor: Actor) -> str:
    """Open an upload; return its id, a UUID. Throws away uploads that were given up.

    Raises:
        ForbiddenError: The actor may not upload.
    """
    require(actor, "upload")
    _sweep(settings.uploads_dir)
    upload_id = str(uuid.uuid4())
    folder = settings.uploads_dir / upload_id
    folder.mkdir(parents=True)
    _write_json(folder / _OWNER, {"actor_id": actor.id})
    return upload_id


def put_file(
    settings: Settings, *, actor: Actor, upload_id: str, name: str, chunks: Iterable[bytes]
) -> UploadedFile | Refusal:
    """Take one file in, or say why not; a refusal is kept for the report at the end.

    The size is checked while the chunks come, the kind of content when all are there.
    Hidden files and litter of an operating system are dropped without a word.

    Raises:
        ForbiddenError: The actor may not upload.
        NotFoundError: The actor has no such upload.
    """
    require(actor, "upload")
    folder = _find_folder(settings, actor, upload_id)
    if is_ignored(name):
        return UploadedFile(name=name, size_bytes=0)
    path = _path_in(folder, name)
    try:
        clean_name(name)
        size_bytes = _receive(path, chunks, settings)
        _check_kind(path, name)
    except (RefusedFileError, UnreadableImageError) as error:
        path.unlink(missing_ok=True)
        refused = refusal(name, error)
        _write_json(path.with_suffix(_NOTE), {"name": name, "refusal": asdict(refused)})
        return refused
    _write_json(path.with_suffix(_NOTE), {"name": name, "file": path.name})
    return UploadedFile(name=name, size_bytes=size_bytes)


def finish_upload(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    upload_id: str,
    batch_name: str,
    on_progress: OnProgress | None = None,
) -> ImportReport:
    """Make a batch of the files that arrived, zips unpacked and manifests followed.

    When it fails the files stay, so that another name can be tried.

    Raises:
        ForbiddenError: The actor may not upload.
        NotFoundError: The actor has no such upload.
        InvalidInputError: No file can be taken, or the manifest or the name cannot be used.
        ConflictError: Another batch has the name.
    """
    require(actor, "upload")
    folder = _find_folder(settings, actor, upload_id)
    notes = [json.loads(path.read_text("utf-8")) for path in folder.glob(f"*{_NOTE}")]
    paths = {note["name"]: folder / note["file"] for note in notes if "file" in note}
    refused = tuple(Refusal(**note["refusal"]) for note in notes if "refusal" in note)
    with open_files(paths, source_limits(settings)) as collection:
        report = import_collection(
            engine,
            settings,
            actor=actor,
            collection=replace(collection, refusals=(*refused, *collection.refusals)),
            batch_name=batch_name,
            source="upload",
            on_progress=on_progress or _progress_writer(folder),
        )
    shutil.rmtree(folder, ignore_errors=True)
    return report


def _progress_writer(folder: Path) -> OnProgress:
    """Return a function that keeps the upload's note of its progress up to date."""
    written_s = 0.0

    def write(done: int, total: int) -> None:
        nonlocal written_s
        if time.monotonic() - written_s >= _PROGRESS_EVERY_S:
            unread = folder / f"{_PROGRESS}.new"  # a reader sees the old note or the new one
            _write_json(unread, {"done": done, "total": total})
            unread.replace(folder / _PROGRESS)
            written_s = time.monotonic()

    return write


def get_progress(settings: Settings, *, actor: Actor, upload_id: str) -> MakingProgress:
    """Return how far ``finish_upload`` is; zeros before it began.

    Raises:
        ForbiddenError: The actor may not upload.
        NotFoundError: The actor has no such upload, or it has become a batch.
    """
    require(actor, "upload")
    note = _find_folder(settings, actor, upload_id) / _PROGRESS
    return MakingProgress(**json.loads(note.read_text())) if note.exists() else MakingProgress(0, 0)


def discard_upload(settings: Settings, *, actor: Actor, upload_id: str) -> None:
    """Throw away an upload and its files.

    Raises:
        ForbiddenError: The actor may not upload.
        NotFoundError: The actor has no such upload.
    """
    require(actor, "upload")
    shutil.rmtree(_find_folder(settings, actor, upload_id), ignore_errors=True)


def _find_folder(settings: Settings, actor: Actor, upload_id: str) -> Path:
    try:
        folder = settings.uploads_dir / str(uuid.UUID(upload_id))
        owner = json.loads((folder / _OWNER).read_text("utf-8"))
    except (ValueError, FileNotFoundError) as error:
        raise NotFoundError(f"no upload {upload_id!r}; start another") from error
    if owner["actor_id"] != actor.id:
        raise NotFoundError(f"no upload {upload_id!r}; start another")
    return folder


def _path_in(folder: Path, name: str) -> Path:
    """Where a file lies: a digest of its name, and its ending where that decides its kind."""
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
    named = Path(f"{digest}{extension_of(name)}")
    return folder / (named if is_zip(named) or is_manifest(named) else f"{digest}.photo")


def _receive(path: Path, chunks: Iterable[bytes], settings: Settings) -> int:
    """Write the chunks as they come; return their size.

    Raises:
        UnreadableImageError: ``too_large``; the rest is not even read.
    """
    max_bytes = settings.max_zip_bytes if is_zip(path) else settings.max_file_bytes
    size_bytes = 0
    with path.open("wb") as file:
        for chunk in chunks:
            size_bytes += len(chunk)
            if size_bytes > max_bytes:
                raise refuse("too_large", size_bytes=size_bytes, max_bytes=max_bytes)
            file.write(chunk)
    return size_bytes


def _check_kind(path: Path, name: str) -> None:
    """Refuse at once what the first bytes already show to be no photo."""
    if is_zip(path) or is_manifest(path):
        return
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    check_extension(extension_of(name), head)
    identify(head)


def _sweep(uploads_dir: Path) -> None:
    oldest = time.time() - STALE_AFTER_S
    for folder in uploads_dir.glob("*"):
        with suppress(FileNotFoundError):  # somebody else may sweep at the same time
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
