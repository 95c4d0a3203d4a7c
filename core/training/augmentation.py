"""Random views of a batch, made by tensor arithmetic: one call for all its pictures."""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from core.training.request import Recipe

_ASPECT = 4 / 3


def augment(squares: Tensor, recipe: Recipe, generator: Generator) -> Tensor:
    """Crop, turn, mirror and recolour each picture by its own luck.

    Args:
        squares: (N, P, P, 3) uint8.
        generator: On the CPU; the same state gives the same views on any device.

    Returns:
        (N, S, S, 3) float32, 0 to 255, S the recipe's image size.
    """
    views = _reframe(squares, recipe, generator)
    return _recolour(views, recipe.jitter, generator).clamp_(0, 255).permute(0, 2, 3, 1)


def _reframe(squares: Tensor, recipe: Recipe, generator: Generator) -> Tensor:
    images = squares.permute(0, 3, 1, 2).to(torch.float32)
    frames = _draw_frames(len(squares), recipe, generator).to(images.device)
    size = (len(squares), 3, recipe.image_size_px, recipe.image_size_px)
    grid = functional.affine_grid(frames, list(size), align_corners=False)
    views: Tensor = functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    return views


def _draw_frames(count: int, recipe: Recipe, generator: Generator) -> Tensor:
    """Return (N, 2, 3): from the view's coordinates to the picture's, both -1 to 1."""
    area = _uniform(count, recipe.crop_scale, 1.0, generator)
    aspect = _uniform(count, -math.log(_ASPECT), math.log(_ASPECT), generator).exp()
    width = (area * aspect).sqrt().clamp(max=1)
    height = (area / aspect).sqrt().clamp(max=1)
    turn = torch.deg2rad(recipe.rotation_degrees * _uniform(count, -1.0, 1.0, generator))
    mirror = 1 - 2 * torch.randint(0, 2, (count,), generator=generator)
    x = (1 - width) * _uniform(count, -1.0, 1.0, generator)
    y = (1 - height) * _uniform(count, -1.0, 1.0, generator)
    cos, sin = turn.cos(), turn.sin()
    rows = [cos * width * mirror, -sin * height, x, sin * width * mirror, cos * height, y]
    return torch.stack(rows, dim=1).reshape(count, 2, 3)


def _recolour(images: Tensor, jitter: float, generator: Generator) -> Tensor:
    """Change brightness, contrast and saturation of (N, 3, H, W)."""
    factors = _uniform(3 * len(images), 1 - jitter, 1 + jitter, generator)
    brightness, contrast, saturation = factors.to(images.device).reshape(3, -1, 1, 1, 1)
    images = images * brightness
    grey = images.mean(dim=1, keepdim=True)
    images = grey + (images - grey) * saturation
    level = grey.mean(dim=(2, 3), keepdim=True)
    recoloured: Tensor = level + (images - level) * contrast
    return recoloured


def _uniform(count: int, low: float, high: float, generator: Generator) -> Tensor:
    return torch.rand(count, generator=generator).mul_(high - low).add_(low)
