"""A batch of small photos and a tiny model."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import sqlalchemy as sa
import torch
from PIL import Image

from core.actors import Actor
from core.models import ARCHITECTURES, ModelCard, NetworkOptions, save
from core.services.imports import import_path
from core.services.models import ModelVersion, register_checkpoint
from core.settings import Settings

LABELS = ("Fruit > Apple", "Fruit > Pear", "Milk")
SIZE_PX = 32


def add_model(
    engine: sa.Engine,
    settings: Settings,
    actor: Actor,
    *,
    arch: str = "custom_cnn",
    seed: int = 0,
    labels: tuple[str, ...] = LABELS,
) -> ModelVersion:
    """Register a network with random weights."""
    torch.manual_seed(seed)
    row = ARCHITECTURES[arch]
    card = ModelCard(arch=arch, labels=labels, preprocessing=row.preprocessing(SIZE_PX))
    path = settings.data_dir / f"{arch}-{seed}.safetensors"
    save(path, network=row.build(len(labels), SIZE_PX, NetworkOptions()), card=card)
    return register_checkpoint(engine, settings, actor=actor, path=path)


def draw_photos(folder: Path, *, count: int, seed: int = 0) -> list[Path]:
    """Write small PNGs of noise, each different."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    paths = [folder / f"{number:03}.png" for number in range(count)]
    for path in paths:
        pixels = random.integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return paths


def import_photos(
    engine: sa.Engine, settings: Settings, actor: Actor, folder: Path, *, name: str = "batch"
) -> tuple[int, int]:
    """Import the folder; return the ids of the batch and of its classification job."""
    report = import_path(engine, settings, actor=actor, path=folder, batch_name=name)
    assert report.job_id is not None
    return report.batch_id, report.job_id


def wait_until(condition: Callable[[], bool], *, timeout_s: float = 120.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
