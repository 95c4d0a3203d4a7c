"""TrivialAugment for all pictures of a batch at once: one random operation for each.

The fourteen operations of Müller and Hutter (arXiv:2103.10158) at the strengths of the wide
space, as in torchvision, which does one picture after the other and so keeps a GPU waiting.
What moves pixels is one matrix for each picture, to be joined with that of its crop.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

MOVES = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
_BINS = 31
_SHEAR, _FACTOR = 0.99, 0.99
_TRANSLATE = 2 * 32 / 224  # of a picture from -1 to 1
_TURN = math.radians(135)


@dataclass(frozen=True, slots=True, eq=False)
class Operations:
    """What is done to each picture of a batch.

    Attributes:
        kinds: (N,) int64, an index of ``KINDS``.
        strength: (N,) float32, 0 to 1.
        sign: (N,) float32, -1 or 1, for operations that go either way.
    """

    kinds: Tensor
    strength: Tensor
    sign: Tensor

    @classmethod
    def of(cls, kind: Tensor, strength: Tensor, sign: Tensor) -> "Operations":
        """Return those of three random numbers for each picture, (N,) from 0 to 1."""
        binned = (strength * _BINS).floor().clamp(max=_BINS - 1) / (_BINS - 1)
        chosen = (kind * len(KINDS)).long().clamp(max=len(KINDS) - 1)
        return cls(chosen, binned, torch.where(sign < 0.5, -1.0, 1.0))

    def move(self, frames: Tensor) -> Tensor:
        """Return (N, 2, 3) frames of moved pictures; as ``torch.nn.functional.affine_grid``."""
        shear_x, shear_y, translate_x, translate_y, turn = (
            self._amount(kind) * most
            for kind, most in zip(
                MOVES, (_SHEAR, _SHEAR, _TRANSLATE, _TRANSLATE, _TURN), strict=True
            )
        )
        cos, sin = turn.cos(), turn.sin()
        rows = torch.stack([cos, shear_x - sin, shear_y + sin, cos], dim=1)
        moved = rows.reshape(-1, 2, 2) @ frames
        moved[:, :, 2] += torch.stack([translate_x, translate_y], dim=1)
        return moved

    def recolour(self, views: Tensor) -> Tensor:
        """Return (N, 3, H, W) float32 views, 0 to 255, whose colours are changed."""
        views = views.clone()
        for kind, change in _COLOURS.items():
            rows = torch.nonzero(self.kinds == KINDS.index(kind)).flatten()
            if len(rows):
                strength, sign = (
                    each[rows].reshape(-1, 1, 1, 1).to(views.device)
                    for each in (self.strength, self.sign)
                )
                there = rows.to(views.device)
                views[there] = change(views[there], strength, sign).clamp_(0, 255)
        return views

    def _amount(self, kind: str) -> Tensor:
        """(N,) from -1 to 1; 0 for pictures to which another thing is done."""
        return self.strength * self.sign * (self.kinds == KINDS.index(kind))


def _brightness(views: Tensor, strength: Tensor, sign: Tensor) -> Tensor:
    return views * (1 + _FACTOR * strength * sign)


def _saturation(views: Tensor, strength: Tensor, sign: Tensor) -> Tensor:
    return _blend(views, _grey(views), strength, sign)


def _contrast(views: Tensor, strength: Tensor, sign: Tensor) -> Tensor:
    return _blend(views, _grey(views).mean(dim=(2, 3), keepdim=True), strength, sign)


def _sharpness(views: Tensor, strength: Tensor, sign: Tensor) -> Tensor:
    kernel = torch.ones(3, 1, 3, 3, device=views.device) / 13
    kernel[:, :, 1, 1] = 5 / 13
    blurred = views.clone()
    blurred[:, :, 1:-1, 1:-1] = torch.nn.functional.conv2d(views, kernel, groups=3)
    return _blend(views, blurred, strength, sign)


def _posterize(views: Tensor, strength: Tensor, _sign: Tensor) -> Tensor:
    step = 2 ** (strength * 6).round()
    return (views / step).floor() * step


def _solarize(views: Tensor, strength: Tensor, _sign: Tensor) -> Tensor:
    return torch.where(views >= 255 * (1 - strength), 255 - views, views)


def _stretch(views: Tensor, _strength: Tensor, _sign: Tensor) -> Tensor:
    least, most = views.amin((2, 3), keepdim=True), views.amax((2, 3), keepdim=True)
    stretched = (views - least) * (255 / (most - least).clamp(min=1e-6))
    return torch.where(most > least, stretched, views)


def _equalize(views: Tensor, _strength: Tensor, _sign: Tensor) -> Tensor:
    equalized: Tensor = transforms.equalize(views.to(torch.uint8)).to(views.dtype)
    return equalized


def _blend(views: Tensor, other: Tensor, strength: Tensor, sign: Tensor) -> Tensor:
    """Go from the other to the views, and beyond where the sign is positive."""
    return other + (views - other) * (1 + _FACTOR * strength * sign)


def _grey(views: Tensor) -> Tensor:
    weights = torch.tensor([0.2989, 0.587, 0.114], device=views.device)
    return torch.einsum("nchw,c->nhw", views, weights)[:, None]


_COLOURS: Mapping[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "brightness": _brightness,
    "saturation": _saturation,
    "contrast": _contrast,
    "sharpness": _sharpness,
    "posterize": _posterize,
    "solarize": _solarize,
    "stretch": _stretch,
    "equalize": _equalize,
}
KINDS = ("nothing", *MOVES, *_COLOURS)
