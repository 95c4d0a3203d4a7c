"""Tiny random networks and pictures for the tests of models, inference and explanations."""

import io
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from core.models import ARCHITECTURES, LoadedModel, ModelCard, NetworkOptions, load, save

LABELS = ("Home > Lamp", "Home > Mug", "Shoes")
SIZE_PX = 32


def save_random(
    path: Path, arch: str, *, size_px: int = SIZE_PX, temperature: float = 1.0, seed: int = 0
) -> str:
    """Write a checkpoint with random weights; return its digest."""
    row = ARCHITECTURES[arch]
    torch.manual_seed(seed)
    network = row.build(len(LABELS), size_px, NetworkOptions())
    card = ModelCard(arch, LABELS, row.preprocessing(size_px), temperature=temperature)
    return save(path, network=network, card=card)


def load_random(folder: Path, arch: str, **options: float) -> LoadedModel:
    path = folder / f"{arch}.safetensors"
    save_random(path, arch, **options)  # type: ignore[arg-type]
    return load(path)


def draw_pixels(width: int, height: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """A smooth picture: a few large patches of colour."""
    rng = np.random.default_rng(seed)
    patches = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8))
    return np.asarray(patches.resize((width, height), Image.Resampling.BICUBIC))


def draw_png(width: int = 48, height: int = 40, *, seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(draw_pixels(width, height, seed=seed)).save(buffer, "PNG")
    return buffer.getvalue()
