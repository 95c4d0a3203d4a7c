"""One look at every file: is it there, can it be read, and what does it show, roughly."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import UnreadableImageError
from core.imaging import ImageLimits, decode
from core.imaging.reasons import refuse

A = TypeVar("A")
R = TypeVar("R")

THUMBNAIL_PX = 12
MISSING, UNREADABLE_FILE = "missing_file", "unreadable_file"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is kept of a picture to tell it from others.

    Attributes:
        sha256: Of the file's bytes.
        thumbnail: (T, T, 3) uint8 sRGB, row by row: the whole picture, squeezed to a square.
    """

    sha256: str
    thumbnail: bytes

    def __str__(self) -> str:
        return self.sha256


@dataclass(frozen=True, slots=True)
class Unusable:
    """A file that is no picture we can use.

    Attributes:
        reason: Key of ``core.imaging.REASONS``, ``missing_file`` or ``unreadable_file``.
    """

    reason: str
    message: str


Scanned = Fingerprint | Unusable


def look(path: Path, limits: ImageLimits) -> tuple[Scanned, NDArray[np.uint8] | None]:
    """Read one file; return its fingerprint and its (H, W, 3) pixels, or why there are none."""
    if not path.is_file():  # a pipe would wait for ever
        return Unusable(MISSING, "the file does not exist"), None
    try:
        data = read_picture(path, limits)
        pixels = decode(data, limits).pixels
    except UnreadableImageError as error:
        return Unusable(error.reason, str(error)), None
    except OSError as error:
        return Unusable(UNREADABLE_FILE, f"the file cannot be read: {error.strerror}"), None
    return Fingerprint(hashlib.sha256(data).hexdigest(), make_thumbnail(pixels)), pixels


def read_picture(path: Path, limits: ImageLimits) -> bytes:
    """Return a file's bytes. Raises UnreadableImageError where there are too many."""
    size_bytes = path.stat().st_size
    if size_bytes > limits.max_bytes:
        raise refuse("too_large", size_bytes=size_bytes, max_bytes=limits.max_bytes)
    return path.read_bytes()


def make_thumbnail(pixels: NDArray[np.uint8]) -> bytes:
    """Return the mean colours of a grid over (H, W, 3) pixels; see ``Fingerprint``."""
    small = cv2.resize(pixels, (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8).tobytes()


def scan(
    paths: Sequence[Path],
    *,
    limits: ImageLimits,
    threads: int,
    on_progress: Callable[[int], None],
) -> list[Scanned]:
    """Look at every file; keep no picture.

    Args:
        on_progress: Called with the number of files read; may raise to stop.
    """
    found: list[Scanned] = []
    with ThreadPoolExecutor(threads, thread_name_prefix="scan") as pool:
        for result in map_ahead(pool, lambda path: look(path, limits)[0], paths, depth=64):
            found.append(result)
            on_progress(len(found))
    return found


def map_ahead(
    pool: ThreadPoolExecutor, function: Callable[[A], R], arguments: Iterable[A], *, depth: int
) -> Iterator[R]:
    """Map in order, with at most ``depth`` results waiting for the caller."""
    waiting: deque[Future[R]] = deque()
    try:
        for argument in arguments:
            waiting.append(pool.submit(function, argument))
            if len(waiting) > depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
