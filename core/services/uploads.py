"""Uploads: files that arrive one by one and become a batch at the end.

Each upload is a folder of its own. Nothing in it carries a name that a client chose: a
file lies under a digest of its name, beside a note with the name itself. A name that is
sent again replaces the file, so a client may repeat whatever it is unsure of. Once the
batch stands its report stays in place of the files, so that even that may be repeated.
"""

import hashlib
import json
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout

from core.actors import Actor, require
from core.errors import ConflictError, InvalidInputError, NotFoundError, UnreadableImageError
from core.ingest import Collection, Refusal, RefusedFileError, open_files
from core.ingest.arrival import check_photo, receive
from core.ingest.files import clean_name, extension_of, is_ignored, refusal
from core.ingest.sources import is_manifest, is_zip
from core.services.imports import ImportReport, import_collection
from core.services.known_photos import Finder, KnownPhotos, look_through
from core.services.photo_intake import Duplicates, OnProgress, source_limits
from core.settings import Settings
from core.storage import check_disk

STALE_AFTER_S = 24 * 60 * 60
"""An upload that got no file for so long is thrown away."""

_OWNER = "owner.json"
_NOTE = ".note.json"
_PROGRESS = "progress.json"
_PROGRESS_EVERY_S = 0.2
_REPORT = "report.json"
_TALLY = "tally.json"
_CLAIM_WAIT_S = 1.0  # a file that arrives holds the upload for a moment, a batch for minutes


class UploadBusyError(ConflictError):
    """The batch is being made; ask again later."""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that arrived whole. Whether its picture can be decoded shows at the end."""

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Tally:
    """How many files an upload has, refused ones too, and the bytes that lie in it."""

    files: int = 0
    size_bytes: int = 0


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
        ConflictError: It has become a batch, or is becoming one.
        InvalidInputError: The upload has as many files or bytes as one batch may have.
        StorageFullError: The disk is full.
    """
    require(actor, "upload")
    folder = _find_folder(settings, actor, upload_id)
    if is_ignored(name):
        return UploadedFile(name=name, size_bytes=0)
    path = _path_in(folder, name)
    _check_room(settings, _counted(folder, path, size_bytes=0))
    arriving = folder / f"{uuid.uuid4().hex}.part"
    try:
        outcome = _take_in(settings, name, chunks, path, arriving)
        with _claim(settings, actor, upload_id):
            _check_open(folder)
            _settle(settings, path, arriving, outcome)
    finally:
        arriving.unlink(missing_ok=True)
    return outcome


def _take_in(
    settings: Settings, name: str, chunks: Iterable[bytes], path: Path, arriving: Path
) -> UploadedFile | Refusal:
    """Write a file that arrives beside its place, and look at its first bytes."""
    try:
        clean_name(name)
        max_bytes = settings.max_zip_bytes if is_zip(path) else settings.max_file_bytes
        free = partial(check_disk, path.parent, min_free_bytes=settings.min_free_bytes)
        size_bytes = receive(arriving, chunks, max_bytes, check_room=free)
        if not (is_zip(path) or is_manifest(path)):
            check_photo(arriving, name)
    except (RefusedFileError, UnreadableImageError) as error:
        return refusal(name, error)
    return UploadedFile(name=name, size_bytes=size_bytes)


def _settle(
    settings: Settings, path: Path, arriving: Path, outcome: UploadedFile | Refusal
) -> None:
    """Put a file that arrived in its place, or the note that it was refused."""
    is_taken = isinstance(outcome, UploadedFile)
    tally = _counted(path.parent, path, size_bytes=arriving.stat().st_size if is_taken else 0)
    _check_room(settings, tally)
    if is_taken:
        arriving.replace(path)
        note: dict[str, Any] = {"name": outcome.name, "file": path.name}
    else:
        path.unlink(missing_ok=True)
        note = {"name": outcome.name, "refusal": asdict(outcome)}
    _write_json(path.with_suffix(_NOTE), note)
    _replace_json(path.parent / _TALLY, asdict(tally))


def _counted(folder: Path, path: Path, *, size_bytes: int) -> _Tally:
    """Return the upload's tally as it is with a file of that size at the path."""
    tally_path = folder / _TALLY
    tally = _Tally(**json.loads(tally_path.read_text())) if tally_path.exists() else _Tally()
    replaced_bytes = path.stat().st_size if path.exists() else 0
    is_new = not path.with_suffix(_NOTE).exists()
    return _Tally(tally.files + is_new, tally.size_bytes - replaced_bytes + size_bytes)


def _check_room(settings: Settings, tally: _Tally) -> None:
    max_files = settings.max_batch_files + 1  # and a manifest
    if tally.files > max_files:
        raise InvalidInputError(
            f"an upload has at most {max_files:,} files; make a batch of these,"
            " and another of the rest"
        )
    if tally.size_bytes > settings.max_zip_bytes:
        raise InvalidInputError(
            f"the files of an upload have at most {settings.max_zip_bytes:,} bytes together;"
            " make a batch of these, and another of the rest"
        )


def finish_upload(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    upload_id: str,
    batch_name: str,
    duplicates: Duplicates = "keep",
    on_progress: OnProgress | None = None,
) -> ImportReport:
    """Make a batch of the files that arrived, zips unpacked and manifests followed.

    When it fails the files stay, so that another name can be tried. When it is repeated
    after the batch was made, it answers the same again.

    Args:
        duplicates: What becomes of photos that the catalogue has already.

    Raises:
        ForbiddenError: The actor may not upload.
        NotFoundError: The actor has no such upload.
        InvalidInputError: No file can be taken, or the manifest or the name cannot be used.
        ConflictError: Another batch has the name.
        UploadBusyError: The batch is being made already.
    """
    require(actor, "upload")
    with _claim(settings, actor, upload_id) as folder:
        if (folder / _REPORT).exists():
            return _read_report(folder)
        with _opened(settings, folder) as collection:
            report = import_collection(
                engine,
                settings,
                actor=actor,
                collection=collection,
                batch_name=batch_name,
                source="upload",
                duplicates=duplicates,
                on_progress=on_progress or _progress_writer(folder),
            )
        _keep_report(folder, report)
    return report


def check_upload(
    engine: sa.Engine, settings: Settings, *, actor: Actor, upload_id: str
) -> KnownPhotos:
    """Say which of the files that arrived the catalogue has already; changes nothing.

    Raises as ``finish_upload`` does.
    """
    require(actor, "upload")
    with _claim(settings, actor, upload_id) as folder:
        _check_open(folder)
        with _opened(settings, folder) as collection:
            return look_through(
                collection,
                source_limits(settings),
                Finder(engine, settings, actor),
                threads=settings.decode_threads,
            )


@contextmanager
def _opened(settings: Settings, folder: Path) -> Iterator[Collection]:
    """Give what the files of an upload offer, and what was refused as it arrived."""
    notes = [json.loads(path.read_text("utf-8")) for path in folder.glob(f"*{_NOTE}")]
    paths = {note["name"]: folder / note["file"] for note in notes if "file" in note}
    refused = tuple(Refusal(**note["refusal"]) for note in notes if "refusal" in note)
    with open_files(paths, source_limits(settings)) as collection:
        yield replace(collection, refusals=(*refused, *collection.refusals))


def _keep_report(folder: Path, report: ImportReport) -> None:
    """Replace the files by the report. Killed before, the same batch is found by its content."""
    _replace_json(folder / _REPORT, asdict(report))
    for path in folder.iterdir():
        if path.name not in {_OWNER, _REPORT}:
            path.unlink(missing_ok=True)


def _read_report(folder: Path) -> ImportReport:
    values = json.loads((folder / _REPORT).read_text("utf-8"))
    return ImportReport(
        **values | {"refused": tuple(Refusal(**each) for each in values["refused"])}
    )


def _progress_writer(folder: Path) -> OnProgress:
    """Return a function that keeps the upload's note of its progress up to date."""
    written_s = 0.0

    def write(done: int, total: int) -> None:
        nonlocal written_s
        if time.monotonic() - written_s >= _PROGRESS_EVERY_S:
            _replace_json(folder / _PROGRESS, {"done": done, "total": total})
            written_s = time.monotonic()

    return write


def get_progress(settings: Settings, *, actor: Actor, upload_id: str) -> MakingProgress:
    """Return how far ``finish_upload`` is: zeros before it began, all when the batch stands.

    Raises:
        ForbiddenError: The actor may not upload.
        NotFoundError: The actor has no such upload.
    """
    require(actor, "upload")
    folder = _find_folder(settings, actor, upload_id)
    if (folder / _REPORT).exists():
        report = _read_report(folder)
        checked = report.accepted + len(report.refused)
        return MakingProgress(checked, checked)
    try:
        return MakingProgress(**json.loads((folder / _PROGRESS).read_text()))
    except FileNotFoundError:
        return MakingProgress(0, 0)


def discard_upload(settings: Settings, *, actor: Actor, upload_id: str) -> None:
    """Throw away an upload and its files.

    Raises:
        ForbiddenError: The actor may not upload.
        NotFoundError: The actor has no such upload.
        ConflictError: It has become a batch, or is becoming one.
    """
    require(actor, "upload")
    with _claim(settings, actor, upload_id) as folder:
        _check_open(folder)
        shutil.rmtree(folder, ignore_errors=True)
    _lock_path(folder).unlink(missing_ok=True)


@contextmanager
def _claim(settings: Settings, actor: Actor, upload_id: str) -> Iterator[Path]:
    """Have an upload to oneself; give its folder. The claim of a killed process ends with it.

    Raises:
        NotFoundError: The actor has no such upload.
        UploadBusyError: Somebody else has it.
    """
    lock = FileLock(_lock_path(_find_folder(settings, actor, upload_id)))
    try:
        lock.acquire(timeout=_CLAIM_WAIT_S)
    except Timeout as error:
        raise UploadBusyError(
            "a batch is being made of this upload; wait until it stands"
        ) from error
    try:
        yield _find_folder(settings, actor, upload_id)  # it may be gone by now
    finally:
        lock.release()


def _lock_path(folder: Path) -> Path:
    return folder.with_suffix(".lock")


def _check_open(folder: Path) -> None:
    if (folder / _REPORT).exists():
        report = _read_report(folder)
        raise ConflictError(
            f"this upload has become the batch {report.batch_name!r}; start another"
        )


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


def _sweep(uploads_dir: Path) -> None:
    oldest = time.time() - STALE_AFTER_S
    for path in uploads_dir.glob("*"):
        with suppress(FileNotFoundError):  # somebody else may sweep at the same time
            if path.stat().st_mtime >= oldest:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif not path.with_suffix("").exists():  # a lock without its upload
                path.unlink()


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def _replace_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a note so that a reader sees the old one or the new one."""
    unread = path.with_name(f"{path.name}.new")
    _write_json(unread, value)
    unread.replace(path)
