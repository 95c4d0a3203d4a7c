"""What is kept of every picture so that its copies are found without opening it again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.similarity.hashing import Hashes, distances, hash_parts, reduce_grey

VERSION = 1
"""Of how a fingerprint is taken; those of another version are not compared."""

MAX_DISTANCE = 12
"""Bits of 64 in which two hashes may differ and still be looked at. At 14, a million pictures
would have dozens of others that near by chance, and each costs a look."""


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """Of one decoded picture.

    Attributes:
        pixels_sha256: Of its shape and pixels: equal where files differ in metadata only.
        hashes: (P,) uint64, one a part of ``hashing.PARTS``; the first is of the whole.
        mirror_hash: Of the whole of its mirror image.
    """

    pixels_sha256: str
    hashes: Hashes
    mirror_hash: int

    def pack(self) -> bytes:
        """Return the hashes, the mirror image's last, as they are stored."""
        return np.append(self.hashes, np.uint64(self.mirror_hash)).astype("<u8").tobytes()

    @classmethod
    def unpack(cls, pixels_sha256: str, packed: bytes) -> Self:
        """Return the fingerprint that was stored."""
        hashes = np.frombuffer(packed, "<u8").astype(np.uint64)
        return cls(pixels_sha256, hashes[:-1], int(hashes[-1]))


def take_fingerprint(pixels: NDArray[np.uint8]) -> Fingerprint:
    """Return the fingerprint of (H, W, 3) uint8 pixels."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    hashes, mirror_hash = hash_parts(reduce_grey(pixels))
    return Fingerprint(digest.hexdigest(), hashes, mirror_hash)


def find_near(
    fingerprint: Fingerprint, others: Hashes, *, limit: int, max_distance: int = MAX_DISTANCE
) -> Sequence[int]:
    """Return the places of the nearest of (N, P) hashes, the nearest first.

    Compared are whole with whole, each whole with the other's parts, and the mirror image.
    """
    wholes = others[:, 0]
    own = distances(fingerprint.hashes, wholes).min(axis=0)  # whole and parts with wholes
    parts = distances(fingerprint.hashes[:1], others.ravel()).reshape(others.shape).min(axis=1)
    mirrored = distances(np.array([fingerprint.mirror_hash], np.uint64), wholes)[0]
    nearest = np.minimum(np.minimum(own, parts), mirrored)
    ranked = np.argsort(nearest, kind="stable")[:limit]
    return [int(place) for place in ranked if nearest[place] <= max_distance]
