"""The pictures of a training: read once, kept small in memory as far as it goes."""

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
    room for random crops. Squares that do not fit into the memory allowed are made again
    whenever they are needed.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        geometry: Geometry,
        *,
        limits: ImageLimits,
        threads: int,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
    ) -> None:
        self._paths = tuple(paths)
        self._geometry = geometry.uncropped
        self._limits = limits
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="pictures")
        side = self.side_px = self._geometry.size_px
        held = min(len(paths), memory_bytes // (side * side * 3))
        self._held = np.empty((held, side, side, 3), np.uint8)

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
