"""Random views of a batch, made by tensor arithmetic: one call for all its pictures.

Every view has luck of its own, drawn from (seed, picture, view) and nothing else, and all
measures are relative. So a view is the same in whatever batch, process or run it is made, and
shows the same at any size: a teacher may look at it at 224 px and a student at 112.
"""

import math
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.training.recipe import Recipe
from core.training.trivial import Operations

_ASPECT = 4 / 3
_ERASED_AREA = (0.02, 0.2)
_GREY = 127.0
_DRAWS = 17


def augment(
    squares: Tensor, keys: Iterable[tuple[int, int]], recipe: Recipe, size_px: int
) -> Tensor:
    """Crop, turn, mirror, recolour and cover each picture by its own luck.

    Args:
        squares: (N, P, P, 3) uint8.
        keys: For each the number of its picture and of the view.

    Returns:
        (N, S, S, 3) float32, 0 to 255, S = size_px.
    """
    luck = _Luck(keys, recipe.seed)
    images = squares.permute(0, 3, 1, 2)
    trivial = _draw_operations(luck) if recipe.trivial_augment else None
    frames = _draw_frames(recipe, luck)
    frames = trivial.move(frames) if trivial else frames
    views = _reframe(_shrink(images, size_px), frames.to(images.device), size_px)
    views = trivial.recolour(views) if trivial else views
    views = _recolour(views, recipe.jitter, luck).clamp_(0, 255)
    return _erase(views, recipe.erasing, luck).permute(0, 2, 3, 1)


class _Luck:
    """Numbers from 0 to 1 for each view, taken one after the other."""

    def __init__(self, keys: Iterable[tuple[int, int]], seed: int) -> None:
        rows = [np.random.default_rng((seed, *key)).random(_DRAWS) for key in keys]
        self._columns = iter(torch.from_numpy(np.stack(rows, axis=1)).float())

    def uniform(self, low: float, high: float) -> Tensor:
        """(N,) float32."""
        drawn: Tensor = next(self._columns)
        return drawn.mul(high - low).add(low)

    def happens(self, probability: float) -> Tensor:
        """(N,) bool."""
        drawn: Tensor = next(self._columns)
        return drawn < probability


def _draw_operations(luck: _Luck) -> Operations:
    return Operations.of(luck.uniform(0, 1), luck.uniform(0, 1), luck.uniform(0, 1))


def _shrink(images: Tensor, size_px: int) -> Tensor:
    """Reduce pictures that are more than twice too large for the views, as those do not smooth."""
    factor = images.shape[-1] // size_px
    floats = images.to(torch.float32)
    return functional.avg_pool2d(floats, factor) if factor > 1 else floats


def _reframe(images: Tensor, frames: Tensor, size_px: int) -> Tensor:
    grid = functional.affine_grid(frames, [len(images), 3, size_px, size_px], align_corners=False)
    views: Tensor = functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    return views


def _draw_frames(recipe: Recipe, luck: _Luck) -> Tensor:
    """Return (N, 2, 3): from the view's coordinates to the picture's, both -1 to 1."""
    area = luck.uniform(recipe.crop_scale, 1.0)
    bound = math.log(_ASPECT) if recipe.crop_scale < 1 else 0.0  # a whole picture is not cropped
    aspect = luck.uniform(-bound, bound).exp()
    width = (area * aspect).sqrt().clamp(max=1)
    height = (area / aspect).sqrt().clamp(max=1)
    turn = torch.deg2rad(recipe.rotation_degrees * luck.uniform(-1.0, 1.0))
    mirror = torch.where(luck.happens(recipe.flip), -1.0, 1.0)
    x = (1 - width) * luck.uniform(-1.0, 1.0)
    y = (1 - height) * luck.uniform(-1.0, 1.0)
    cos, sin = turn.cos(), turn.sin()
    rows = [cos * width * mirror, -sin * height, x, sin * width * mirror, cos * height, y]
    return torch.stack(rows, dim=1).reshape(-1, 2, 3)


def _recolour(images: Tensor, jitter: float, luck: _Luck) -> Tensor:
    """Change brightness, contrast and saturation of (N, 3, H, W)."""
    brightness, contrast, saturation = (
        luck.uniform(1 - jitter, 1 + jitter).to(images.device).reshape(-1, 1, 1, 1)
        for _ in range(3)
    )
    images = images * brightness
    grey = images.mean(dim=1, keepdim=True)
    images = grey + (images - grey) * saturation
    level = grey.mean(dim=(2, 3), keepdim=True)
    recoloured: Tensor = level + (images - level) * contrast
    return recoloured


def _erase(images: Tensor, probability: float, luck: _Luck) -> Tensor:
    """Paint a grey rectangle over some of (N, 3, S, S) (Zhong et al., arXiv:1708.04896)."""
    if probability == 0:
        return images
    happens = luck.happens(probability)
    area = luck.uniform(*_ERASED_AREA)
    aspect = luck.uniform(-math.log(2), math.log(2)).exp()
    middle = luck.uniform(0, 1), luck.uniform(0, 1)
    place = (torch.arange(images.shape[-1]) + 0.5) / images.shape[-1]
    inside = [
        (place - centre[:, None]).abs() < (extent / 2)[:, None]
        for centre, extent in zip(
            middle, ((area * aspect).sqrt(), (area / aspect).sqrt()), strict=True
        )
    ]
    covered = happens[:, None, None] & inside[0][:, :, None] & inside[1][:, None, :]
    return images.masked_fill(covered[:, None].to(images.device), _GREY)
