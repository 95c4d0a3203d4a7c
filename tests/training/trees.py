"""Labelled pictures for the tests of training: categories that differ in colour."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"Cool > Blue": (40, 60, 220), "Cool > Green": (30, 200, 60), "Warm > Red": (220, 40, 30)}


def draw(path: Path, colour: tuple[int, int, int], *, seed: int) -> None:
    """Save a picture of about this colour; another seed, another content."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(-30, 30, (40, 48, 3))
    pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def make_tree(root: Path, *, each: int = 10, categories: Iterable[str] = tuple(COLOURS)) -> Path:
    """Make one folder a category."""
    for category in categories:
        folder = root.joinpath(*category.split(" > "))
        for number in range(each):
            draw(folder / f"{number}.png", COLOURS[category], seed=number)
    return root
