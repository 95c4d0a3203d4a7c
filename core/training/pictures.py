"""The pictures of a training: read once, kept small in memory or in a file."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.imaging import ImageLimits, decode
from core.models.preprocessing import Geometry, crop
from core.training.data.scanning import Scanned, look, map_ahead, read_picture

DEFAULT_MEMORY_BYTES = 2 * 1024**3


class Pictures:
    """The central square of each picture, (P, P, 3) uint8, at the scale of an architecture.

    The middle of the square is exactly what the network sees in evaluation; the rest is
    room for random crops. Squares that do not fit into the memory allowed lie in a file
    without a name, which is gone when the process ends, however it ends. Without room for
    that they are made again whenever they are needed; how much longer that takes stands in
    docs/training-data.md.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        geometry: Geometry,
        *,
        limits: ImageLimits,
        threads: int,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
        cache_dir: Path | None = None,
    ) -> None:
        """Make room for the squares.

        Args:
            cache_dir: Where the file may lie; None makes none.
        """
        self._paths = tuple(paths)
        self._geometry = geometry.uncropped
        self._limits = limits
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="pictures")
        side = self.side_px = self._geometry.size_px
        self._held = _make_room(len(paths), side, memory_bytes, cache_dir)

    def __len__(self) -> int:
        return len(self._paths)

    def scan(self, on_progress: Callable[[int], None]) -> list[Scanned]:
        """Read every picture; return its fingerprint, or why it cannot be used.

        Args:
            on_progress: Called with the number of pictures read; may raise to stop.
        """
        found: list[Scanned] = []
        for result in map_ahead(self._pool, self._scan, range(len(self)), depth=64):
            found.append(result)
            on_progress(len(found))
        return found

    def take(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the squares of these readable pictures, (N, P, P, 3) uint8."""
        if indices.max(initial=-1) < len(self._held):
            return np.asarray(self._held[indices])
        return np.stack(list(self._pool.map(self._square, indices.tolist())))

    def batches(self, batches: Iterable[NDArray[np.int64]]) -> Iterator[NDArray[np.uint8]]:
        """Yield ``take`` of each, one made ahead while the caller works on the one before."""
        with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
            yield from map_ahead(pool, self.take, batches, depth=1)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _scan(self, index: int) -> Scanned:
        found, pixels = look(self._paths[index], self._limits)
        if pixels is not None and index < len(self._held):
            self._held[index] = crop(pixels, self._geometry)
        return found

    def _square(self, index: int) -> NDArray[np.uint8]:
        if index < len(self._held):
            return np.asarray(self._held[index])
        data = read_picture(self._paths[index], self._limits)
        return crop(decode(data, self._limits).pixels, self._geometry)


def _make_room(
    count: int, side_px: int, memory_bytes: int, cache_dir: Path | None
) -> NDArray[np.uint8]:
    """Return room for (count, P, P, 3) uint8, in memory or in a file, or for as many as go."""
    square_bytes = 3 * side_px**2
    if count * square_bytes > memory_bytes and cache_dir is not None:
        file = _reserve_file(cache_dir, count * square_bytes)
        if file is not None:
            return file.reshape(count, side_px, side_px, 3)
    return np.empty((min(count, memory_bytes // square_bytes), side_px, side_px, 3), np.uint8)


def _reserve_file(folder: Path, size_bytes: int) -> NDArray[np.uint8] | None:
    """Return a nameless file as an array, unless it filled more than half of the free disk."""
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < 2 * size_bytes:
        return None
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            _reserve(file.fileno(), size_bytes)
        except OSError:  # a quota, or somebody else was faster
            return None
        return np.memmap(file, np.uint8, "r+", shape=(size_bytes,))


def _reserve(descriptor: int, size_bytes: int) -> None:
    """Give the file its blocks now: a disk that is full later would kill the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size_bytes)
    else:
        os.truncate(descriptor, size_bytes)
