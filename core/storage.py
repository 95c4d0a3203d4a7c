"""Photos on disk, named by their content."""

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidInputError, NotFoundError, StorageFullError
from core.imaging import ImageLimits, decode, encode_jpeg
from core.imaging.decoding import PIXEL_CEILING

if TYPE_CHECKING:
    from core.settings import Settings

RENDITIONS: dict[str, int] = {"thumb": 320, "view": 1280}
"""Longer side, in pixels, of the JPEGs that are made for the browser."""

WORK_STALE_AFTER_S = 24 * 60 * 60

_SPARE = 2  # times the side: what is decoded at a half is then still made smaller by a good filter

_SHA256 = re.compile("[0-9a-f]{64}")

STORED_LIMITS = ImageLimits(max_bytes=2**40, max_pixels=PIXEL_CEILING)
"""What is stored was taken in once, under the limits of that day."""


class ImageStore:
    """Originals, each once under its SHA-256, and JPEG renditions of them.

    Files appear under their names whole or not at all, so several processes may write at
    once and a kill leaves nothing half-written. Renditions are a cache: they may be deleted.
    """

    @classmethod
    def of(cls, settings: "Settings") -> Self:
        """Return the one in use."""
        return cls(settings.images_dir, settings.cache_dir)

    def __init__(self, images_dir: Path, cache_dir: Path) -> None:
        self._originals = images_dir
        self._renditions = cache_dir / "renditions"

    def put(self, data: bytes) -> str:
        """Store an original; return its SHA-256. Storing it again does nothing."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        if not path.exists():
            write_whole(path, data)
        return sha256

    def read(self, sha256: str) -> bytes:
        """Return an original.

        Raises:
            NotFoundError: It is not stored.
        """
        try:
            return self.path(sha256).read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError(f"no photo {sha256} in {self._originals}") from error

    def path(self, sha256: str) -> Path:
        """Return where an original lies, whether it does or not.

        Raises:
            NotFoundError: The name is no SHA-256 (it may come from an address).
        """
        if not _SHA256.fullmatch(sha256):
            raise NotFoundError(f"{sha256!r} names no photo")
        return self._originals / sha256[:2] / sha256[2:4] / sha256

    def rendition_path(self, sha256: str, max_side_px: int) -> Path:
        """Return where a rendition lies, whether it does or not.

        Raises:
            InvalidInputError: The size is none of ``RENDITIONS``.
            NotFoundError: The name is no SHA-256.
        """
        if max_side_px not in RENDITIONS.values():
            raise InvalidInputError(
                f"no rendition of {max_side_px} px; there are {list(RENDITIONS.values())}"
            )
        name = self.path(sha256).name
        return self._renditions / str(max_side_px) / sha256[:2] / f"{name}.jpg"

    def rendition(self, sha256: str, max_side_px: int) -> Path:
        """Return the path of a JPEG no larger than that, made at first use.

        Raises:
            InvalidInputError: The size is none of ``RENDITIONS``.
            NotFoundError: No such original.
            UnreadableImageError: The original was damaged since it was stored.
        """
        path = self.rendition_path(sha256, max_side_px)
        if not path.exists():
            write_whole(path, make_rendition(self.read(sha256), STORED_LIMITS, max_side_px))
        return path

    def read_rendition(self, sha256: str, max_side_px: int) -> NDArray[np.uint8]:
        """Return the pixels of a JPEG no larger than that, (H, W, 3) uint8, made at first use.

        Raises:
            InvalidInputError: The size is none of ``RENDITIONS``.
            NotFoundError: No such original.
            UnreadableImageError: The original was damaged since it was stored.
        """
        return decode(self.rendition(sha256, max_side_px).read_bytes(), STORED_LIMITS).pixels


def make_rendition(data: bytes, limits: ImageLimits, max_side_px: int) -> bytes:
    """Return a JPEG of a photo, no larger than that.

    Raises:
        UnreadableImageError: It is no photo.
    """
    picture = decode(data, limits, enough_px=_SPARE * max_side_px)
    return encode_jpeg(picture.pixels, max_side_px=max_side_px)


def check_disk(folder: Path, *, min_free_bytes: int) -> None:
    """Raise StorageFullError when the disk that a folder lies on has less room than that."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < min_free_bytes:
        raise StorageFullError(
            f"{free_bytes:,} bytes are free on the disk of {folder}, and {min_free_bytes:,} are"
            " kept free; make room, then send this again"
        )


@contextmanager
def work_folder(work_dir: Path) -> Iterator[Path]:
    """Give a folder for work under way, gone afterwards.

    What a killed process could not clean up is thrown away a day later, by whoever asks next.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    sweep(work_dir)
    with tempfile.TemporaryDirectory(dir=work_dir) as folder:
        yield Path(folder)


def sweep(folder: Path) -> None:
    """Delete what was last written to in a folder more than ``WORK_STALE_AFTER_S`` ago."""
    oldest = time.time() - WORK_STALE_AFTER_S
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # somebody else may sweep at the same time
            if path.stat().st_mtime < oldest:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears under its name only when all of it is on disk."""
    with whole_file(path) as file:
        file.write(data)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file to write that appears under its name only when all of it is on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    finally:  # what was not renamed is of no use
        Path(temporary).unlink(missing_ok=True)
