"""Evaluations made by hand: what each model says of a few photos, without a network."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from core.evaluation import Picture, Predictions, predict
from core.services.measuring import Subject, make_material, store
from core.settings import Settings
from db.engine import transaction
from db.rows import ModelVersionRow

APPLE, PEAR, MILK = "Fruit > Apple", "Fruit > Pear", "Milk"
LABELS = (APPLE, PEAR, MILK)
TRUTH = (APPLE, APPLE, APPLE, PEAR, PEAR, MILK)


def add_version(
    engine: sa.Engine, arch: str, *, state: str = "active", labels: Sequence[str] = LABELS
) -> int:
    with transaction(engine) as session:
        row = ModelVersionRow(
            arch=arch,
            digest=hashlib.sha256(arch.encode()).hexdigest(),
            file_name=f"{arch}.safetensors",
            file_bytes=1000,
            parameters=10,
            labels=list(labels),
            metrics={"train_counts": [150] + [30] * (len(labels) - 1)},
            state=state,
        )
        session.add(row)
        session.flush()
        return row.id


def say(predicted: Sequence[str], truth: Sequence[str], *, sure: float = 3.0) -> Predictions:
    """Return predictions that give one label of each photo the highest probability.

    Args:
        sure: Logit of that label, the later photos a little less; of the others 0.
    """
    logits = np.zeros((len(truth), len(LABELS)), np.float32)
    for row, label in enumerate(predicted):
        logits[row, LABELS.index(label)] = sure - row / 100
    targets = [LABELS.index(label) if label in LABELS else -1 for label in truth]
    return predict(logits, np.array(targets, np.int64), temperature=1.0)


def make_photos(truth: Sequence[str] = TRUTH, *, folder: Path = Path("/photos")) -> list[Picture]:
    return [
        Picture(str(folder / f"{number}.jpg"), f"{number:064x}", label)
        for number, label in enumerate(truth)
    ]


def add_evaluation(
    engine: sa.Engine,
    settings: Settings,
    arch: str,
    predicted: Sequence[str],
    *,
    truth: Sequence[str] = TRUTH,
    split: str = "test",
    name: str = "shelf",
    version_id: int | None = None,
    sure: float = 3.0,
) -> int:
    """Store what a new version says of the photos; return the evaluation's id."""
    pictures = make_photos(truth)
    material = make_material(name, split, pictures)
    subject = make_subject(arch, version_id or add_version(engine, arch))
    batches = [(pictures, say(predicted, truth, sure=sure))]
    return store(engine, settings, subject, material, batches)


def make_subject(arch: str, version_id: int) -> Subject:
    return Subject(
        name=arch,
        digest=hashlib.sha256(arch.encode()).hexdigest(),
        labels=LABELS,
        temperature=1.0,
        version_id=version_id,
        train_counts=[150, 30, 5],
        cost={"parameters": 10, "file_bytes": 1000, "macs": 500, "images_per_s": 40.0},
    )
