"""From a decoded picture to what a network sees: resize, central crop, normalise.

The same as timm's evaluation transform (shortest side to ``size / crop_fraction``, central
crop, mean and deviation), but resize and crop are one step, several geometries share one
reduction of a large picture, and the normalisation runs on the network's device.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

Interpolation = Literal["bilinear", "bicubic", "lanczos"]

_RESAMPLING: dict[Interpolation, Image.Resampling] = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

# A picture more than this many times too large is first reduced by whole pixels, which is
# several times faster and, at 3, differs from the full filter by less than one grey level
# on average (Pillow documents its reducing_gap=3 as nearly indistinguishable).
REDUCING_GAP = 3


@dataclass(frozen=True, slots=True)
class Geometry:
    """Which pixels a network sees.

    Attributes:
        size_px: Side of the square input.
        crop_fraction: Part of the shortest side that the central crop keeps, 0 to 1.
    """

    size_px: int
    crop_fraction: float
    interpolation: Interpolation

    @property
    def scaled_px(self) -> int:
        """The shortest side before the crop."""
        return math.floor(self.size_px / self.crop_fraction)

    @property
    def uncropped(self) -> "Geometry":
        """The whole central square, at the same scale."""
        return Geometry(self.scaled_px, 1.0, self.interpolation)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Geometry plus the mean and deviation of each channel, of values scaled to 0..1."""

    geometry: Geometry
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Read what ``to_dict`` wrote.

        Raises:
            KeyError, TypeError, ValueError: It is something else.
        """
        geometry = Geometry(**data["geometry"])
        if geometry.interpolation not in _RESAMPLING or not 0 < geometry.crop_fraction <= 1:
            raise ValueError(f"not a preprocessing of ours: {data!r}")
        return cls(geometry, _three(data["mean"]), _three(data["std"]))


def crop_box(width_px: int, height_px: int, geometry: Geometry) -> tuple[float, ...]:
    """Return (left, top, right, bottom), in pixels of the picture, of what the network sees."""
    shortest = min(width_px, height_px)
    spans = [
        _crop_span(length, int(geometry.scaled_px * length / shortest), geometry.size_px)
        for length in (width_px, height_px)
    ]
    (left, right), (top, bottom) = spans
    return left, top, right, bottom


def crop(pixels: NDArray[np.uint8], geometry: Geometry) -> NDArray[np.uint8]:
    """Return the (S, S, 3) uint8 that a network of this geometry sees of (H, W, 3) pixels."""
    return crops(pixels, [geometry])[geometry]


def crops(
    pixels: NDArray[np.uint8], geometries: Iterable[Geometry]
) -> dict[Geometry, NDArray[np.uint8]]:
    """Return the crop of (H, W, 3) pixels for each distinct geometry, (S, S, 3) uint8 each."""
    wanted = set(geometries)
    height, width = pixels.shape[:2]
    factor = _reduction(min(width, height), wanted)
    picture = Image.fromarray(pixels)
    small = picture.reduce(factor) if factor > 1 else picture
    return {
        geometry: _resize(small, crop_box(width, height, geometry), factor, geometry)
        for geometry in wanted
    }


def normalise(batch: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Turn (N, S, S, 3) of 0 to 255 into (N, 3, S, S) float32, channels last, on its device."""
    mean = torch.tensor(preprocessing.mean, device=batch.device) * 255
    std = torch.tensor(preprocessing.std, device=batch.device) * 255
    # The permuted view of channels-last memory is what channels_last means: nothing is copied.
    return batch.to(torch.float32).sub(mean).div_(std).permute(0, 3, 1, 2)


def _crop_span(length_px: int, scaled_px: int, size_px: int) -> tuple[float, float]:
    start = round((scaled_px - size_px) / 2)
    return start * length_px / scaled_px, (start + size_px) * length_px / scaled_px


def _reduction(shortest_px: int, geometries: Iterable[Geometry]) -> int:
    largest = max(geometry.scaled_px for geometry in geometries)
    return max(1, shortest_px // (largest * REDUCING_GAP))


def _resize(
    picture: Image.Image, box: tuple[float, ...], factor: int, geometry: Geometry
) -> NDArray[np.uint8]:
    left, top, right, bottom = (edge / factor for edge in box)
    inside = (left, top, min(right, picture.width), min(bottom, picture.height))
    size = (geometry.size_px, geometry.size_px)
    resized = picture.resize(size, _RESAMPLING[geometry.interpolation], box=inside)
    return np.asarray(resized)


def _three(values: Iterable[float]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
