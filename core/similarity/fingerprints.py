"""What is kept of every picture so that its copies are found without opening it again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.similarity.hashing import PARTS, Hashes, distances, hash_parts, reduce_grey

VERSION = 2
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
        variants: (V,) uint64, of the whole mirrored or turned: sought with, never found by.
    """

    pixels_sha256: str
    hashes: Hashes
    variants: Hashes

    def pack(self) -> bytes:
        """Return the hashes, the variants' last, as they are stored."""
        return np.concatenate([self.hashes, self.variants]).astype("<u8").tobytes()

    @classmethod
    def unpack(cls, pixels_sha256: str, packed: bytes) -> Self:
        """Return the fingerprint that was stored."""
        hashes = np.frombuffer(packed, "<u8").astype(np.uint64)
        return cls(pixels_sha256, hashes[: len(PARTS)], hashes[len(PARTS) :])


def take_fingerprint(pixels: NDArray[np.uint8]) -> Fingerprint:
    """Return the fingerprint of (H, W, 3) uint8 pixels."""
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return Fingerprint(digest.hexdigest(), *hash_parts(reduce_grey(pixels)))


def find_near(
    fingerprint: Fingerprint, others: Hashes, *, limit: int, max_distance: int = MAX_DISTANCE
) -> Sequence[int]:
    """Return the places of the nearest of (N, P) hashes, the nearest first.

    Compared are all hashes of the fingerprint with the others' wholes, and its whole with their
    parts.
    """
    sought = np.concatenate([fingerprint.hashes, fingerprint.variants])
    by_whole = distances(sought, others[:, 0]).min(axis=0)
    by_part = distances(sought[:1], others.ravel()).reshape(others.shape).min(axis=1)
    nearest = np.minimum(by_whole, by_part)
    ranked = np.argsort(nearest, kind="stable")[:limit]
    return [int(place) for place in ranked if nearest[place] <= max_distance]
