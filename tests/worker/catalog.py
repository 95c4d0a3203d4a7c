"""A batch of small photos and a tiny model, and real worker processes to work on them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import sqlalchemy as sa
import torch
from PIL import Image

from core.actors import Actor
from core.models import ARCHITECTURES, ModelCard, save
from core.services.imports import import_path
from core.services.models import ModelVersion, register_checkpoint
from core.settings import Settings

PROJECT_DIR = Path(__file__).resolve().parents[2]
LABELS = ("Fruit > Apple", "Fruit > Pear", "Milk")
SIZE_PX = 32


def add_model(
    engine: sa.Engine, settings: Settings, actor: Actor, *, arch: str = "custom_cnn", seed: int = 0
) -> ModelVersion:
    """Register a network with random weights."""
    torch.manual_seed(seed)
    row = ARCHITECTURES[arch]
    card = ModelCard(arch=arch, labels=LABELS, preprocessing=row.preprocessing(SIZE_PX))
    path = settings.data_dir / f"{arch}-{seed}.safetensors"
    save(path, network=row.build(len(LABELS), SIZE_PX, 0.0), card=card)
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


def start_worker(
    settings: Settings,
    *options: str,
    delay_s: float = 0.0,
    poison: str = "",
) -> "subprocess.Popen[str]":
    """Start a worker process on the settings' database and data directory."""
    values = settings.model_dump(mode="json")
    environment = {
        **os.environ,
        **{f"CATALENS_{key.upper()}": str(value) for key, value in values.items()},
        "OMP_NUM_THREADS": "1",
        "TROUBLE_DELAY_S": str(delay_s),
        "TROUBLE_POISON": poison,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "tests.worker.troubled_worker", *options],
        cwd=PROJECT_DIR,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finish(worker: "subprocess.Popen[str]", *, timeout_s: float = 60.0) -> str:
    """Wait until the worker has ended well; return what it said."""
    said, _ = worker.communicate(timeout=timeout_s)
    assert worker.returncode == 0, said
    return said


def wait_until(condition: Callable[[], bool], *, timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
