"""An installation whose models were measured on photos that are really there."""

import hashlib
from pathlib import Path

import sqlalchemy as sa

from core.evaluation import Picture
from core.services.measuring import make_material, store
from core.settings import Settings
from db.engine import transaction
from db.rows import ModelVersionRow
from tests.services.evaluated import APPLE, MILK, PEAR, add_version, make_subject, say
from tests.worker.catalog import draw_photos

TRUTH = (APPLE, APPLE, APPLE, PEAR, PEAR, MILK)
SAID = {
    "vit": TRUTH,
    "resnet50": (APPLE, APPLE, APPLE, APPLE, APPLE, MILK),
    "custom_cnn": (APPLE, PEAR, APPLE, PEAR, APPLE, PEAR),
}
CURVE = [
    {"epoch": epoch, "loss": 2 / epoch, "val_top1": 1 - 1 / (1 + epoch), "seconds": 3.0 * epoch}
    for epoch in range(1, 6)
]


def add_measured_models(engine: sa.Engine, settings: Settings) -> None:
    """Store what three models say of six photos; the last photo is gone by now."""
    photos = draw_photos(settings.data_dir / "shelf", count=len(TRUTH))
    pictures = [
        Picture(str(photo), _digest(photo), label)
        for photo, label in zip(photos, TRUTH, strict=True)
    ]
    material = make_material("shelf", "test", pictures)
    for arch, said in SAID.items():
        version_id = add_version(engine, arch)
        with transaction(engine) as session:
            session.get_one(ModelVersionRow, version_id).metrics = {"curve": CURVE}
        subject, batches = make_subject(arch, version_id), [(pictures, say(said, TRUTH))]
        store(engine, settings, subject, material, batches)
    photos[-1].unlink()


def _digest(photo: Path) -> str:
    return hashlib.sha256(photo.read_bytes()).hexdigest()
