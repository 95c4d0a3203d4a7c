"""Decode a picture that nobody vouches for."""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.imaging.colour import to_srgb
from core.imaging.exif import TURNS, orientation_of
from core.imaging.formats import ImageFormat
from core.imaging.reasons import refuse
from core.imaging.signatures import identify

if TYPE_CHECKING:
    from core.settings import Settings

PIXEL_CEILING = 250_000_000
"""No setting goes above: Pillow itself refuses before it allocates (phones make 200 megapixels)."""

MAX_SIDE_PX = 65_535
"""The longest side that JPEG and GIF can say."""

# Both are process-wide, so they are set once and never touched again (threads decode
# side by side). Pillow's remarks about odd metadata are no concern of whoever reads the log.
Image.MAX_IMAGE_PIXELS = PIXEL_CEILING
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)

# What Pillow and its codecs raise on damaged input: they have no error of their own.
_DECODER_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What a picture may cost, checked before it is decoded."""

    max_bytes: int
    max_pixels: int

    @classmethod
    def of(cls, settings: "Settings") -> Self:
        """Return those in use."""
        return cls(settings.max_file_bytes, settings.max_image_pixels)


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """An upright picture.

    Attributes:
        pixels: (H, W, 3) uint8, sRGB, C-contiguous; alpha composed onto white.
        format: Key of ``FORMATS``.
    """

    pixels: NDArray[np.uint8]
    format: str


def decode(data: bytes, limits: ImageLimits, *, enough_px: int | None = None) -> DecodedImage:
    """Return the picture in a file; of an animation the first frame.

    The format is told by the content, never by a name. Thread-safe.

    Args:
        enough_px: A longer side that will do: a JPEG that is at least twice as long is decoded at
            a half, a quarter or an eighth, no shorter than this, in less time and memory.

    Raises:
        UnreadableImageError: With a reason of ``core.imaging.reasons.REASONS``.
    """
    if len(data) > limits.max_bytes:
        raise refuse("too_large", size_bytes=len(data), max_bytes=limits.max_bytes)
    image_format = identify(data)
    with _decoder_errors(image_format, data, limits):
        picture = _decode_upright(data, image_format, limits, enough_px)
        return DecodedImage(pixels=np.array(picture, dtype=np.uint8), format=image_format.key)


def _decode_upright(
    data: bytes, image_format: ImageFormat, limits: ImageLimits, enough_px: int | None
) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=[image_format.codec]) as image:
        _check_size(image.size, limits)
        orientation = orientation_of(image)
        if enough_px is not None:
            _draft(image, enough_px)
        image.load()
        _check_size(image.size, limits)  # a header can say less than the data holds
        picture = to_srgb(image)
    turn = None if image_format.turns_itself else TURNS.get(orientation)
    return picture if turn is None else picture.transpose(turn)


def _draft(image: Image.Image, enough_px: int) -> None:
    times = max(image.size) // enough_px
    if times >= 2:  # it never makes a side shorter than asked for; other formats ignore it
        image.draft(None, (max(1, image.width // times), max(1, image.height // times)))


def _check_size(size_px: tuple[int, int], limits: ImageLimits) -> None:
    width_px, height_px = size_px
    if width_px * height_px > limits.max_pixels:
        size = f" ({width_px} x {height_px})"
        raise refuse("too_many_pixels", max_pixels=limits.max_pixels, size=size)
    if min(size_px) < 1 or max(size_px) > MAX_SIDE_PX:
        raise refuse("absurd_size", width_px=width_px, height_px=height_px, max_side_px=MAX_SIDE_PX)


@contextmanager
def _decoder_errors(image_format: ImageFormat, data: bytes, limits: ImageLimits) -> Iterator[None]:
    """Turn whatever a decoder raises into a reason of ours."""
    try:
        yield
    except _BOMBS as error:
        raise refuse("too_many_pixels", max_pixels=limits.max_pixels, size="") from error
    except _DECODER_ERRORS as error:
        key = "damaged" if image_format.is_whole(data) else "truncated"
        raise refuse(key, format=image_format.key) from error
