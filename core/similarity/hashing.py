"""Perceptual hashes: 64 bits that change little when a picture is saved again or resized.

The signs of the low frequencies of a small grey picture, as in pHash (Zauner, "Implementation
and Benchmarking of Perceptual Image Hash Functions", 2010). What is cut from the middle of a
picture is a picture of its own, so central parts are hashed beside the whole. Mirroring changes
the sign of every odd horizontal frequency and nothing else, so the mirror image's hash is had
without looking again. What may have been turned a little is hashed turned back, either way.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Floats = NDArray[np.float32]

HASH_BITS = 64
GREY_PX = 160
"""Fine enough that a part is reduced as a picture cut out there would be: of 64 pixels, a part of
45 would be laid on 32 cells, and its hash be up to 12 bits from that of the cut copy. The
hash of the whole is the same within a bit."""

PARTS: Sequence[float] = (1.0, 0.9, 0.8, 0.7)
"""The share of each side that a hashed part keeps, from the middle; the first is the whole."""

TURNS_DEG = (-3.0, 3.0)
"""The whole is hashed turned so, too. Of the squared picture, which is near enough to one of the
picture itself: all of 150 copies turned by 3 degrees were found by either."""

_SIDE = 8  # frequencies kept each way; the constant ones are left out
_CELLS = 32  # pixels each way that a part is reduced to


def reduce_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (GREY_PX, GREY_PX) uint8 of (H, W, 3) uint8, whatever its proportions."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)  # first, so that one channel is reduced
    return np.asarray(cv2.resize(grey, (GREY_PX, GREY_PX), interpolation=cv2.INTER_AREA), np.uint8)


def hash_parts(grey: NDArray[np.uint8]) -> tuple[Hashes, Hashes]:
    """Return the hashes of the parts, (P,) uint64, and of the whole's variants, (V,).

    Variants are its mirror image, and the whole turned by ``TURNS_DEG``.

    Args:
        grey: What ``reduce_grey`` returns.
    """
    parts = [_central(grey, share) for share in PARTS]
    turned = [_central(_turn(grey, degrees), 1.0) for degrees in TURNS_DEG]
    frequencies = _frequencies(np.stack(parts + turned))
    mirrored = frequencies[:1] * _MIRROR
    variants = np.concatenate([mirrored, frequencies[len(PARTS) :]])
    return _pack(frequencies[: len(PARTS)]), _pack(variants)


def distances(hashes: Hashes, others: Hashes) -> NDArray[np.uint8]:
    """Return how many bits differ, (M, N) uint8, of (M,) and (N,) hashes."""
    return np.asarray(np.bitwise_count(hashes[:, None] ^ others[None]), np.uint8)


def _central(grey: NDArray[np.uint8], share: float) -> Floats:
    side = round(share * GREY_PX)
    start = (GREY_PX - side) // 2
    part = grey[start : start + side, start : start + side].astype(np.float32)
    return np.asarray(cv2.resize(part, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA))


def _turn(grey: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    middle = (GREY_PX - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), degrees, 1.0)
    size = (GREY_PX, GREY_PX)
    turned = cv2.warpAffine(grey, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned, np.uint8)


def _cosines() -> Floats:
    """Return the first rows of the discrete cosine transform, (S, C), without the constant."""
    rows, cells = np.arange(1, _SIDE + 1)[:, None], np.arange(_CELLS)[None]
    waves = np.cos(np.pi * rows * (2 * cells + 1) / (2 * _CELLS))
    return np.asarray(waves, np.float32)


_BASIS = _cosines()
_MIRROR = np.where(np.arange(1, _SIDE + 1) % 2, -1, 1).astype(np.float32)


def _frequencies(parts: Floats) -> Floats:
    """Return (P, S, S) of (P, C, C)."""
    return np.asarray(_BASIS @ parts @ _BASIS.T, np.float32)


def _pack(frequencies: Floats) -> Hashes:
    bits = (frequencies > 0).reshape(len(frequencies), HASH_BITS)
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0]
