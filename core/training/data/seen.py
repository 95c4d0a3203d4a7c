"""Which pictures a network was trained on, small enough to be stored with every model version."""

import base64
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

_DIGITS = 6  # of the SHA-256: of 100,000 pictures, one in 170 others counts as seen, too


@dataclass(frozen=True, slots=True)
class SeenPictures:
    """Pictures by the beginning of their content's SHA-256.

    Who was seen is always told; now and then somebody who was not is, too.
    """

    marks: frozenset[int]

    @classmethod
    def of(cls, digests: Iterable[str]) -> Self:
        return cls(frozenset(_mark(digest) for digest in digests if digest))

    @classmethod
    def unpack(cls, record: str) -> Self:
        """Read what ``pack`` wrote."""
        planes = np.frombuffer(zlib.decompress(base64.b64decode(record)), np.uint8)
        steps = planes.reshape(4, -1).T.copy().view("<u4")[:, 0]
        return cls(frozenset(np.cumsum(steps, dtype=np.int64).tolist()))

    def pack(self) -> str:
        """Return the steps between the sorted marks, byte by byte; 12 to 20 bits a picture."""
        steps = np.diff(np.array(sorted(self.marks), np.int64), prepend=0).astype("<u4")
        planes = steps.view(np.uint8).reshape(-1, 4).T.tobytes()
        return base64.b64encode(zlib.compress(planes, 9)).decode()

    def find(self, digests: Collection[str]) -> list[bool]:
        """Return whether each picture was seen."""
        return [_mark(digest) in self.marks for digest in digests]


def _mark(digest: str) -> int:
    return int(digest[:_DIGITS], 16)
