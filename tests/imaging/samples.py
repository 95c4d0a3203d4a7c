"""Pictures drawn for the tests, in every format that is taken."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core.imaging import ImageLimits

LIMITS = ImageLimits(max_bytes=2_000_000, max_pixels=1_000_000)

RED, BLUE, GREEN, WHITE = (200, 30, 30), (20, 60, 200), (30, 160, 60), (250, 250, 250)


def quadrants(width_px: int = 64, height_px: int = 48) -> Image.Image:
    """Four colours, so that every turn and flip shows: red, blue above green, white."""
    pixels = np.zeros((height_px, width_px, 3), dtype=np.uint8)
    middle, centre = height_px // 2, width_px // 2
    pixels[:middle, :centre], pixels[:middle, centre:] = RED, BLUE
    pixels[middle:, :centre], pixels[middle:, centre:] = GREEN, WHITE
    return Image.fromarray(pixels)


def noise(width_px: int = 64, height_px: int = 48, seed: int = 0) -> Image.Image:
    """A picture that no format packs well, so that its file can be cut anywhere."""
    pixels = np.random.default_rng(seed).integers(0, 255, (height_px, width_px, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, format_: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def photo(seed: int) -> bytes:
    """A small PNG, another for each seed."""
    return encoded(noise(24, 16, seed=seed), "PNG")


def heic() -> bytes:
    """A HEIC of 48 x 64 px, stored lying down and turned when read: blue above red.

    Pillow cannot write one; made once with pillow-heif.
    """
    return (Path(__file__).parent / "turned.heic").read_bytes()


SAMPLES: dict[str, Callable[[Image.Image], bytes]] = {
    "JPEG": lambda image: encoded(image, "JPEG", quality=95, subsampling=0),
    "PNG": lambda image: encoded(image, "PNG"),
    "WebP": lambda image: encoded(image, "WEBP", lossless=True),
    "GIF": lambda image: encoded(image, "GIF"),
    "TIFF": lambda image: encoded(image, "TIFF"),
    "BMP": lambda image: encoded(image, "BMP"),
    "AVIF": lambda image: encoded(image, "AVIF", quality=95),
    "HEIC": lambda _: heic(),
}
