"""Damage pictures on purpose, at graded strengths: one table."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from core.quality.foreground import find_foreground

Pixels = NDArray[np.uint8]
Rng = np.random.Generator

STRENGTHS = ("weak", "medium", "strong")

JPEG_QUALITY = 95
"""Of every file that is not itself about compression."""

GAMMA = 2.2
WORDS = ("SALE -50%", "www.example.com", "FREE SHIPPING", "SAMPLE", "NEW ARRIVAL", "Shop No. 1")
INKS = ((255, 255, 255), (0, 0, 0), (220, 20, 30), (255, 210, 0), (20, 80, 200))
CAPITAL = 0.7
"""Height of a capital letter as a share of the font's size."""

BARS = ((0, 0, 0), (0, 0, 0), (60, 60, 60), (128, 128, 128))


@dataclass(frozen=True, slots=True)
class Damage:
    """One way to spoil a picture.

    Attributes:
        key: Part of the figures' names.
        checks: Keys of ``QUALITY_CHECKS``: any may find it, the first is compared.
        strengths: In the order of ``STRENGTHS``; unit as in ``doc``.
        spoil: Takes ``(H, W, 3)`` uint8, a strength and a source of chance; returns a copy.
    """

    key: str
    checks: tuple[str, ...]
    strengths: tuple[float, float, float]
    doc: str
    spoil: Callable[[Pixels, float, Rng], Pixels]

    def make_file(self, pixels: Pixels, strength: float, seed: int) -> bytes:
        """Return a JPEG of the damaged picture; equal seeds give equal files."""
        spoilt = self.spoil(pixels, strength, np.random.default_rng(seed))
        quality = round(strength) if self.key == "jpeg" else JPEG_QUALITY
        buffer = io.BytesIO()
        Image.fromarray(spoilt).save(buffer, "JPEG", quality=quality)
        return buffer.getvalue()


def _defocus(pixels: Pixels, share: float, _rng: Rng) -> Pixels:
    radius = share * max(pixels.shape[:2])
    reach = np.arange(-int(radius + 1), int(radius + 1) + 1)
    distance = np.hypot(reach[:, None], reach[None])
    return _filter(pixels, np.clip(radius + 0.5 - distance, 0, 1))


def _motion(pixels: Pixels, share: float, rng: Rng) -> Pixels:
    length = share * max(pixels.shape[:2])
    side = 2 * int(length / 2 + 1) + 1
    kernel = np.zeros((side, side), np.float32)
    angle = rng.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    ends = [tuple(np.round((side // 2 + sign * reach) * 16).astype(int)) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, shift=4)
    return _filter(pixels, kernel)


def _filter(pixels: Pixels, kernel: NDArray[np.floating]) -> Pixels:
    blurred = cv2.filter2D(pixels, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, np.uint8)


def _dim(pixels: Pixels, to: float, _rng: Rng) -> Pixels:
    """The product alone, with all its white parts; a white backdrop stays white."""
    product = find_foreground(pixels).astype(np.uint8)
    if product.all():
        return _round(pixels * to)
    closed = cv2.morphologyEx(product, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    outlines, _tree = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = cv2.drawContours(product, [cv2.convexHull(each) for each in outlines], -1, 1, -1)
    soft = cv2.GaussianBlur(whole.astype(np.float32), (5, 5), 0)[..., None]
    is_white = (pixels.min(axis=2, keepdims=True) >= 235) & (whole[..., None] == 0)
    return _round(np.where(is_white, pixels, pixels * (1 - (1 - to) * soft)))


def _overexpose(pixels: Pixels, stops: float, _rng: Rng) -> Pixels:
    light = (pixels / 255.0) ** GAMMA * 2.0**stops
    return _round(255 * np.minimum(light, 1) ** (1 / GAMMA))


def _same(pixels: Pixels, _quality: float, _rng: Rng) -> Pixels:
    return pixels


def _rescale(pixels: Pixels, times: float, _rng: Rng) -> Pixels:
    height, width = pixels.shape[:2]
    size = (round(width / times), round(height / times))
    reduced = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (width, height), interpolation=cv2.INTER_CUBIC))


def _letterbox(pixels: Pixels, share: float, rng: Rng) -> Pixels:
    """Bars above and below, or left and right, that make the picture longer."""
    bar = max(2, round(share * max(pixels.shape[:2])))
    colour = BARS[rng.integers(len(BARS))]
    upright, level = (bar, 0) if rng.random() < 0.5 else (0, bar)
    barred = cv2.copyMakeBorder(
        pixels, upright, upright, level, level, cv2.BORDER_CONSTANT, value=colour
    )
    return np.asarray(barred, np.uint8)


def _write(pixels: Pixels, height: float, rng: Rng) -> Pixels:
    """A line of words anywhere in the frame, its letters that high, nearly opaque."""
    canvas = Image.fromarray(pixels)
    words = WORDS[rng.integers(len(WORDS))]
    font = _fitting_font(words, height * max(canvas.size), 0.95 * canvas.width)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(words))
    x = int(rng.integers(0, canvas.width - (right - left) + 1))
    y = int(rng.integers(0, max(1, canvas.height - (bottom - top) + 1)))
    box = pixels[y : y + bottom - top, x : x + right - left]
    ink = _readable_ink(box.mean(axis=(0, 1)), rng)
    written = canvas.copy()
    ImageDraw.Draw(written).text((x - left, y - top), words, ink, font)
    return np.asarray(Image.blend(canvas, written, rng.uniform(0.75, 1.0)))


def _fitting_font(words: str, height_px: float, width_px: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(height_px / CAPITAL)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font.font_variant(size=font.size * min(1.0, width_px / font.getlength(words)))


def _readable_ink(ground: NDArray[np.floating], rng: Rng) -> tuple[int, int, int]:
    readable = [ink for ink in INKS if np.abs(np.subtract(ink, ground)).max() > 100]
    return readable[rng.integers(len(readable))]


def _add_noise(pixels: Pixels, sigma: float, rng: Rng) -> Pixels:
    return _round(pixels + rng.normal(0, sigma, pixels.shape))


def _round(values: NDArray[np.floating]) -> Pixels:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


DAMAGES: dict[str, Damage] = {
    damage.key: damage
    for damage in (
        Damage(
            "defocus",
            ("blurry",),
            (0.01, 0.02, 0.04),
            "disc of that radius, share of the longer side",
            _defocus,
        ),
        Damage(
            "motion",
            ("motion_blur", "blurry"),
            (0.03, 0.06, 0.12),
            "line of that length in any direction, share of the longer side",
            _motion,
        ),
        Damage("dim", ("dark",), (0.5, 0.3, 0.15), "the product's light times", _dim),
        Damage(
            "overexposure",
            ("bright",),
            (1.0, 2.0, 3.0),
            "stops of light too many, clipped",
            _overexpose,
        ),
        Damage(
            "jpeg",
            ("compressed",),
            (20, 10, 5),
            "quality of the JPEG file",
            _same,
        ),
        Damage(
            "rescale",
            ("upscaled",),
            (2.0, 3.0, 4.0),
            "reduced that many times, and enlarged again",
            _rescale,
        ),
        Damage(
            "letterbox",
            ("borders",),
            (0.05, 0.1, 0.2),
            "two bars of that width, share of the longer side",
            _letterbox,
        ),
        Damage(
            "text",
            ("text_overlay",),
            (0.04, 0.07, 0.12),
            "a line of words with letters of that height, share of the longer side",
            _write,
        ),
        Damage("noise", ("noise",), (5.0, 10.0, 20.0), "Gaussian, sigma of 255", _add_noise),
    )
}
"""By key."""
