"""A part of a picture, as somebody drew it."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from core.errors import InvalidInputError

WHOLE = 1000
"""Places and lengths are thousandths of the picture's sides."""

LEAST = 20


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of an upright picture, in thousandths of its width and height."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``left-top-width-height``, as it stands in addresses.

        Raises:
            InvalidInputError: It is written otherwise, leaves the picture, or is too small.
        """
        parts = text.split("-")
        if len(parts) != 4 or not all(part.isascii() and part.isdigit() for part in parts):
            raise InvalidInputError(
                f"the region {text[:60]!r} is not written left-top-width-height,"
                " in thousandths of the picture; draw it again"
            )
        left, top, width, height = (int(part[:9]) for part in parts)
        if min(width, height) < LEAST or left + width > WHOLE or top + height > WHOLE:
            raise InvalidInputError(
                f"the region {text[:60]!r} leaves the picture, or is smaller than"
                f" {LEAST} thousandths of it; draw it again"
            )
        return cls(left, top, width, height)

    def __str__(self) -> str:
        return f"{self.left}-{self.top}-{self.width}-{self.height}"

    def enough_px(self, side_px: int) -> int:
        """Return the longer side of a picture whose part has a side of that length, or more."""
        return -(-side_px * WHOLE // min(self.width, self.height))

    def cut(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return that part of (H, W, 3) pixels; at least one pixel."""
        rows = _span(self.top, self.height, pixels.shape[0])
        columns = _span(self.left, self.width, pixels.shape[1])
        return np.ascontiguousarray(pixels[rows, columns])


def _span(start: int, length: int, size_px: int) -> slice:
    first = min(start * size_px // WHOLE, size_px - 1)
    return slice(first, max(first + 1, round((start + length) * size_px / WHOLE)))
