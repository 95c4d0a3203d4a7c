"""Copies made of a picture on purpose, as sellers and shops make them: one table."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]
Rng = np.random.Generator

JPEG_QUALITY = 90
"""Of every copy that is not itself about compression."""

WORDS = ("SALE -50%", "www.example.com", "FREE SHIPPING", "SAMPLE", "NEW ARRIVAL", "Shop No. 1")
INKS = ((255, 255, 255), (0, 0, 0), (220, 20, 30), (255, 210, 0), (20, 80, 200))
FRAMES = ((255, 255, 255), (0, 0, 0), (200, 30, 40), (128, 128, 128))


@dataclass(frozen=True, slots=True)
class Copy:
    """One way to copy a picture.

    Attributes:
        key: Part of the figures' names.
        make: Takes ``(H, W, 3)`` uint8 and a source of chance; returns a copy.
        quality: Of the JPEG it is saved as.
    """

    key: str
    doc: str
    make: Callable[[Pixels, Rng], Pixels]
    quality: int = JPEG_QUALITY

    def make_file(self, pixels: Pixels, seed: int) -> bytes:
        """Return the copy as a JPEG; equal seeds give equal files."""
        copied = self.make(pixels, np.random.default_rng(seed))
        buffer = io.BytesIO()
        Image.fromarray(copied).save(buffer, "JPEG", quality=self.quality)
        return buffer.getvalue()


def _same(pixels: Pixels, _rng: Rng) -> Pixels:
    return pixels


def _halve(pixels: Pixels, _rng: Rng) -> Pixels:
    height, width = pixels.shape[:2]
    size = (width // 2, height // 2)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _cut(share: float) -> Callable[[Pixels, Rng], Pixels]:
    """Cut ``share`` of the width and of the height off each of two opposite sides."""

    def cut(pixels: Pixels, _rng: Rng) -> Pixels:
        down, across = (round(share * side) for side in pixels.shape[:2])
        return np.ascontiguousarray(pixels[down:-down, across:-across])

    return cut


def _frame(pixels: Pixels, rng: Rng) -> Pixels:
    """A frame of one colour, 5 to 12 % of the longer side wide."""
    edge = round(rng.uniform(0.05, 0.12) * max(pixels.shape[:2]))
    colour = FRAMES[rng.integers(len(FRAMES))]
    framed = cv2.copyMakeBorder(pixels, *(edge,) * 4, cv2.BORDER_CONSTANT, value=colour)
    return np.asarray(framed, np.uint8)


def _write(pixels: Pixels, rng: Rng) -> Pixels:
    """A line of words anywhere, its letters a tenth of the longer side high."""
    canvas = Image.fromarray(pixels)
    words = WORDS[rng.integers(len(WORDS))]
    font = ImageFont.load_default(0.14 * max(canvas.size))
    assert isinstance(font, ImageFont.FreeTypeFont)
    fitting = min(1.0, 0.95 * canvas.width / font.getlength(words))
    font = font.font_variant(size=font.size * fitting)
    left, top, right, bottom = font.getbbox(words)
    x = rng.integers(0, max(1, round(canvas.width - (right - left))))
    y = rng.integers(0, max(1, round(canvas.height - (bottom - top))))
    ink = INKS[rng.integers(len(INKS))]
    ImageDraw.Draw(canvas).text((x - left, y - top), words, ink, font)
    return np.asarray(canvas)


def _relight(pixels: Pixels, rng: Rng) -> Pixels:
    """A quarter to 40 % lighter or darker, clipped."""
    change = rng.uniform(0.25, 0.4) * rng.choice([-1, 1])
    return np.asarray(np.clip(np.round(pixels * (1 + change)), 0, 255), np.uint8)


def _mirror(pixels: Pixels, _rng: Rng) -> Pixels:
    return np.ascontiguousarray(pixels[:, ::-1])


def _turn(pixels: Pixels, rng: Rng) -> Pixels:
    """3 degrees to either side, in the same frame; the corners are white."""
    height, width = pixels.shape[:2]
    angle = 3.0 * rng.choice([-1, 1])
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
    white = (255, 255, 255)
    turned = cv2.warpAffine(
        pixels, matrix, (width, height), flags=cv2.INTER_CUBIC, borderValue=white
    )
    return np.asarray(turned, np.uint8)


_ROWS = (
    Copy("jpeg_30", "saved again as JPEG of quality 30", _same, quality=30),
    Copy("half_size", "half as wide and high", _halve),
    Copy("crop_5", "5 % of the side cut off on each of the four sides", _cut(0.05)),
    Copy("crop_15", "15 % of the side cut off on each of the four sides", _cut(0.15)),
    Copy("border", "a frame of one colour, 5 to 12 % of the longer side", _frame),
    Copy("text", "a line of words, letters a tenth of the longer side high", _write),
    Copy("brightness", "25 to 40 % lighter or darker", _relight),
    Copy("mirror", "left and right changed over", _mirror),
    Copy("turn_3", "turned by 3 degrees, the corners white", _turn),
)

COPIES: Mapping[str, Copy] = {row.key: row for row in _ROWS}
"""By key."""
