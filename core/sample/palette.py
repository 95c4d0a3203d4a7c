"""Colours that products are sold in, in linear RGB."""

import numpy as np

from core.sample.mesh import Array

SRGB: dict[str, tuple[int, int, int]] = {
    "black": (34, 34, 38),
    "charcoal": (62, 66, 72),
    "grey": (136, 140, 146),
    "silver": (192, 196, 202),
    "white": (240, 240, 238),
    "cream": (236, 225, 202),
    "sand": (206, 182, 146),
    "tan": (178, 128, 80),
    "brown": (104, 66, 42),
    "red": (190, 42, 44),
    "coral": (232, 110, 92),
    "orange": (226, 124, 40),
    "mustard": (214, 166, 48),
    "olive": (112, 118, 62),
    "green": (48, 116, 78),
    "mint": (150, 206, 184),
    "teal": (32, 116, 124),
    "sky": (124, 178, 218),
    "blue": (42, 84, 162),
    "navy": (32, 44, 82),
    "purple": (104, 70, 142),
    "pink": (228, 158, 176),
    "gold": (202, 160, 84),
    "rose gold": (210, 150, 130),
}

WOODS = ("oak", "walnut", "beech")
_WOOD_SRGB = {"oak": (188, 146, 96), "walnut": (108, 72, 48), "beech": (214, 176, 130)}


def linear(name: str) -> Array:
    """Return ``(3,)`` linear RGB, 0 to 1, of a named colour."""
    srgb = SRGB[name] if name in SRGB else _WOOD_SRGB[name]
    return np.asarray((np.array(srgb) / 255.0) ** 2.2)


def pick(rng: np.random.Generator, *names: str) -> str:
    """Draw one of the names, or of all colours where none is given."""
    return str(rng.choice(names or tuple(SRGB)))


def pick_pair(rng: np.random.Generator, *names: str) -> tuple[str, str]:
    """Draw two different names."""
    first, second = rng.choice(names or tuple(SRGB), size=2, replace=False)
    return str(first), str(second)
