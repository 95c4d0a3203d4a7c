"""What is measured on one photo: a single pass over a reduced copy."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.imaging import DecodedImage
from core.quality.foreground import find_foreground

MEASURED_SIDE_PX = 384
"""Longer side of the copy that is measured, so that a limit means the same at every size."""


@dataclass(frozen=True, slots=True)
class ImageMeasures:
    """Numbers about one photo. All but the size are about the product, not its white backdrop.

    Attributes:
        width_px: Of the photo as it came, after EXIF orientation.
        height_px: The same.
        aspect: Shorter side divided by longer side, above 0 to 1.
        sharpness: How abrupt the strongest edges are: about 0.1 when out of focus, 1 and
            more when sharp. Independent of contrast and of how much texture there is.
        brightness: 99th percentile of the luminance, 0 to 1.
        share_dark: Share of the product with a luminance below 0.08.
        share_blown: Share of the product that is clipped to white.
        contrast: 95th minus 5th percentile of the luminance, 0 to 1.
        entropy_bits: Entropy of the luminance in 256 steps, 0 to 8 bits.
        foreground_share: Share of the frame that was judged; 1 without a white backdrop.
    """

    width_px: int
    height_px: int
    aspect: float
    sharpness: float
    brightness: float
    share_dark: float
    share_blown: float
    contrast: float
    entropy_bits: float
    foreground_share: float


def measure(image: DecodedImage) -> ImageMeasures:
    """Measure one photo on a copy of at most ``MEASURED_SIDE_PX``."""
    height, width = image.pixels.shape[:2]
    small = _reduce(image.pixels)
    luma = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    darkest_channel = _darkest_channel(small)
    foreground = find_foreground(darkest_channel)
    inside = _shrink(foreground)
    histogram = np.bincount(luma[inside], minlength=256) / inside.sum()
    low, high, top = _percentiles(histogram, (0.05, 0.95, 0.99))
    return ImageMeasures(
        width_px=width,
        height_px=height,
        aspect=min(width, height) / max(width, height),
        sharpness=_sharpness(luma, _grow(foreground)),
        brightness=top,
        share_dark=float(histogram[:20].sum()),
        share_blown=float((darkest_channel[inside] >= 250).mean()),
        contrast=high - low,
        entropy_bits=_entropy_bits(histogram),
        foreground_share=float(foreground.mean()),
    )


def _reduce(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = MEASURED_SIDE_PX / max(height, width)
    if scale >= 1:
        return pixels
    while (
        scale <= 0.5 and min(height, width) > 1
    ):  # halving an even size is the fast path of INTER_AREA
        height, width, scale = height // 2, width // 2, scale * 2
        pixels = _resize(pixels[: 2 * height, : 2 * width], width, height)
    return _resize(pixels, max(1, round(width * scale)), max(1, round(height * scale)))


def _resize(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    resized = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, dtype=np.uint8)


def _darkest_channel(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    red, green, blue = cv2.split(pixels)
    return np.asarray(cv2.min(cv2.min(red, green), blue), dtype=np.uint8)


def _shrink(foreground: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Leave out the outline, which the backdrop lightens; keep all where nothing would be left."""
    inner = cv2.erode(foreground.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(np.bool_)
    return inner if inner.any() else foreground


def _grow(foreground: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Take in the outline: a product without texture is in focus or not at its edge."""
    return cv2.dilate(foreground.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(np.bool_)


def _sharpness(luma: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    """Return how fast the luminance bends at the strongest edges, relative to how fast it rises.

    An edge blurred by a Gaussian of sigma px has a second derivative of at most
    1 / (sigma * 1.65) of its first, whatever its height, so the ratio measures the width
    of edges alone.
    """
    smooth = cv2.GaussianBlur(luma.astype(np.float32), (3, 3), 0)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    slope = np.asarray(cv2.magnitude(across, down), np.float32)
    bend = np.abs(cv2.Laplacian(smooth, cv2.CV_32F))
    return _near_top(bend[where]) / max(_near_top(slope[where]), 1.0)


def _near_top(values: NDArray[Any]) -> float:
    """Return the 99.5th percentile, which a few odd pixels cannot move."""
    rank = int(0.995 * (len(values) - 1))
    return float(np.partition(values, rank)[rank])


def _percentiles(histogram: NDArray[np.float64], shares: tuple[float, ...]) -> list[float]:
    """Return the luminances, 0 to 1, below which the shares of the pixels lie."""
    return [float(level) / 255 for level in np.searchsorted(np.cumsum(histogram), shares)]


def _entropy_bits(histogram: NDArray[np.float64]) -> float:
    seen = histogram[histogram > 0]
    return float(-(seen * np.log2(seen)).sum())
