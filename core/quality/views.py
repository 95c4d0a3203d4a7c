"""The copies of a picture on which it is measured, each made once."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.quality.foreground import find_foreground

Plane = NDArray[np.uint8]
"""``(H, W)`` uint8: one channel, or a mask of 0 and 1."""

NATIVE_SIDE_PX = 256
"""Of the middle of the picture in its own pixels, for what JPEG and the sensor left there."""

FINE_SIDE_PX = 512
"""Longer side, at most, of the copy in which detail is judged, in its middle."""

EDGE_SIDE_PX = 160
"""Longer side of the copy on which edges are judged, so that a limit means the same at any size."""

SMALL_SIDE_PX = 256
"""Longer side, at most, of the copy on which words are looked for."""

LIGHT_SIDE_PX = 128
"""The same of the copy on which the product is found, and its light and colour judged."""


@dataclass(frozen=True, slots=True)
class Views:
    """Copies of one picture, and where its product is.

    Attributes:
        native: Luminance of its middle, in its own pixels.
        fine: Luminance of the middle of at most ``FINE_SIDE_PX``, by halving alone.
        edges: Luminance, of exactly ``EDGE_SIDE_PX`` unless the picture is smaller.
        small: ``(H, W, 3)`` RGB of at most ``SMALL_SIDE_PX``, by halving alone.
        luma: Luminance of at most ``LIGHT_SIDE_PX``, as the next four are of its size.
        lowest: The smallest of red, green and blue.
        middle: The second.
        highest: The largest.
        product: 1 where the product is; all of it without a plain backdrop.
        native_product: The part of it that ``native`` shows.
        has_backdrop: Whether there is a plain backdrop.
    """

    native: Plane
    fine: Plane
    edges: Plane
    small: NDArray[np.uint8]
    luma: Plane
    lowest: Plane
    middle: Plane
    highest: Plane
    product: Plane
    native_product: Plane
    has_backdrop: bool


def make_views(pixels: NDArray[np.uint8]) -> Views:
    """Return the copies of ``(H, W, 3)`` uint8 sRGB pixels."""
    fine_colour = _halve_to(pixels, FINE_SIDE_PX)
    fine = _luma(middle(fine_colour, NATIVE_SIDE_PX))
    small = _halve_to(fine_colour, SMALL_SIDE_PX)
    whole = small if max(small.shape[:2]) >= EDGE_SIDE_PX else fine_colour
    light = _halve_to(small, LIGHT_SIDE_PX)
    red, green, blue = cv2.split(light)
    low, high = cv2.min(red, green), cv2.max(red, green)
    product = find_foreground(light).view(np.uint8)
    return Views(
        native=fine if fine_colour is pixels else _luma(middle(pixels, NATIVE_SIDE_PX)),
        fine=fine,
        edges=_scale(fine if fine.shape == whole.shape[:2] else _luma(whole), EDGE_SIDE_PX),
        small=small,
        luma=_luma(light),
        lowest=np.asarray(cv2.min(low, blue), np.uint8),
        middle=np.asarray(cv2.max(low, cv2.min(high, blue)), np.uint8),
        highest=np.asarray(cv2.max(high, blue), np.uint8),
        product=product,
        native_product=middle(product, NATIVE_SIDE_PX * max(light.shape) // max(pixels.shape)),
        has_backdrop=cv2.countNonZero(product) < product.size,
    )


def fit_mask(mask: Plane, to: Plane) -> Plane:
    """Return the mask in the size of another plane."""
    height, width = to.shape
    return np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def halve(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture in half its size: the fast path of INTER_AREA, and free of moiré."""
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    even = pixels[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def middle(pixels: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """Return the middle of the picture, at most that wide and high."""
    height, width = pixels.shape[:2]
    top, left = max(0, height - side_px) // 2, max(0, width - side_px) // 2
    return pixels[top : top + side_px, left : left + side_px]


def _halve_to(pixels: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    while max(pixels.shape[:2]) > side_px and min(pixels.shape[:2]) > 1:
        pixels = halve(pixels)
    return pixels


def _scale(luma: Plane, side_px: int) -> Plane:
    height, width = luma.shape
    scale = side_px / max(height, width)
    if scale >= 1:
        return luma
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _luma(pixels: NDArray[np.uint8]) -> Plane:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
