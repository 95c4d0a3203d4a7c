"""Pictures made for the browser."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def encode_jpeg(pixels: NDArray[np.uint8], *, max_side_px: int, quality: int = 85) -> bytes:
    """Return (H, W, 3) uint8 sRGB pixels as a JPEG whose longer side is at most that long.

    A smaller picture keeps its size.
    """
    image = Image.fromarray(pixels)
    image.thumbnail((max_side_px, max_side_px), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=quality, optimize=True)
    return buffer.getvalue()
