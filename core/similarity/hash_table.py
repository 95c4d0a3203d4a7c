"""All hashes in memory, 32 bytes an image: each is compared, a nanosecond or two a hash."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.similarity.fingerprints import Fingerprint, find_near
from core.similarity.hashing import PARTS, Hashes

Ids = NDArray[np.int64]

_ROOM = 1024


class HashTable:
    """Finds the images whose hashes are near; grows as images come."""

    def __init__(self) -> None:
        self._ids: Ids = np.empty(_ROOM, np.int64)
        self._hashes: Hashes = np.empty((_ROOM, len(PARTS)), np.uint64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, image_ids: Sequence[int], fingerprints: Sequence[Fingerprint]) -> None:
        """Take up images that are not in it yet."""
        end = self._count + len(image_ids)
        if end > len(self._ids):
            room = max(end, 2 * len(self._ids))
            self._ids = np.resize(self._ids, room)
            self._hashes = np.resize(self._hashes, (room, len(PARTS)))
        self._ids[self._count : end] = image_ids
        if fingerprints:
            self._hashes[self._count : end] = [each.hashes for each in fingerprints]
        self._count = end

    def find(self, fingerprint: Fingerprint, *, limit: int) -> list[int]:
        """Return the ids of the nearest images, the nearest first."""
        places = find_near(fingerprint, self._hashes[: self._count], limit=limit)
        return [int(self._ids[place]) for place in places]
