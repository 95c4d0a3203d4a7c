"""Photos that are not in our store: read, and shown from where they lay when they were looked at.

A caller gives a path that was written down then, never one that comes from an address.
"""

import hashlib
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core.errors import GoneError, InvalidInputError, NotFoundError
from core.imaging import ImageLimits
from core.services import images
from core.settings import Settings
from core.storage import RENDITIONS, ImageStore, make_rendition, write_whole


@dataclass(frozen=True, slots=True)
class OutsidePhoto:
    """A photo as it was when it was looked at.

    Attributes:
        seen_by: What looked at it, as in "the evaluation".
    """

    path: str
    sha256: str
    seen_by: str


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises:
        InvalidInputError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}") from error


def read_file(path: str) -> bytes:
    """Return what is in a file.

    Raises:
        NotFoundError: It cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error.strerror}") from error


def request_outside(settings: Settings, photo: OutsidePhoto, *, size: str) -> Future[Path]:
    """Return where a JPEG of the photo lies, or will.

    The file must still be the same; a JPEG made before stands for the same content, so it is
    used.

    Args:
        size: Key of ``RENDITIONS``.

    Raises:
        NotFoundError: No such size; the future, a GoneError when the photo is no longer there
            or has changed, and UnreadableImageError.
    """
    if size not in RENDITIONS:
        raise NotFoundError(f"no photos of the size {size!r}; there are {', '.join(RENDITIONS)}")
    side_px = RENDITIONS[size]
    store = ImageStore.of(settings)
    path = store.rendition_path(photo.sha256, side_px)
    return images.make_once(settings, path, partial(_make, settings, photo, path, side_px))


def _make(settings: Settings, photo: OutsidePhoto, path: Path, side_px: int) -> Path:
    limits = ImageLimits.of(settings)
    write_whole(path, make_rendition(_read(settings, photo), limits, side_px))
    return path


def _read(settings: Settings, photo: OutsidePhoto) -> bytes:
    """Return the file's bytes.

    Raises:
        GoneError: It is no longer there, or no longer the same.
    """
    path = Path(photo.path)
    try:
        size_bytes = path.stat().st_size
        data = path.read_bytes() if size_bytes <= settings.max_file_bytes else b""
    except OSError as error:
        raise GoneError(
            f"the photo {path.name} is no longer where {photo.seen_by} found it ({path.parent}): "
            f"{error.strerror}"
        ) from error
    if hashlib.sha256(data).hexdigest() != photo.sha256:
        raise GoneError(f"the photo {path.name} has changed since {photo.seen_by} looked at it")
    return data
