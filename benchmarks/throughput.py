"""Photos a second through all three models, beside the sum of the bare forward passes.

The pipeline is the product's own: a worker takes a batch from stored files to predictions,
flags and states in the database. The bare passes run on the same models, device, precision
and batch size, in the same process, right before and right after; they decode nothing.
"""

import shutil
import threading
import time
from pathlib import Path

import sqlalchemy as sa
import torch

from benchmarks import harness
from benchmarks.harness import Figures, Options
from core.actors import Actor
from core.inference import Classifier
from core.models import ARCHITECTURES, MAIN_ARCHITECTURES, ModelCard, NetworkOptions, save
from core.services import database, jobs
from core.services.active_models import ModelCache
from core.services.imports import import_path
from core.services.models import register_checkpoint
from core.settings import Settings
from core.training.datasets import read_dataset
from core.worker.process import run_worker

PHOTOS = 384
QUICK_PHOTOS = 64
BARE_BATCHES = 6
QUICK_BARE_BATCHES = 1


def measure(options: Options) -> Figures:
    """Return images_per_s, bare_images_per_s, ratio and what they were measured on."""
    dataset = read_dataset(options.labelled_photos())
    count = QUICK_PHOTOS if options.quick else PHOTOS
    paths = [sample.path for sample in dataset.samples][:: max(1, len(dataset.samples) // count)]
    labels = tuple(sorted({sample.label for sample in dataset.samples}))
    with harness.work_folder() as folder:
        settings = Settings(data_dir=folder / "data", database_url="", log_level="WARNING")
        engine = database.open_engine(settings)
        database.upgrade(engine)
        actor = database.local_actor(engine)
        _register_models(engine, settings, actor, labels)
        models = ModelCache(engine, settings).current()
        classifier = models.restricted_to(models.version_ids)
        batches = QUICK_BARE_BATCHES if options.quick else BARE_BATCHES
        bare_before = _bare_images_per_s(classifier, batches)
        images_per_s = _worker_images_per_s(engine, settings, actor, paths[:count])
        bare_after = _bare_images_per_s(classifier, batches)
        engine.dispose()
    bare = (bare_before + bare_after) / 2
    return {
        "images_per_s": images_per_s,
        "bare_images_per_s": bare,
        "ratio": images_per_s / bare,
        "bare_images_per_s_before": bare_before,
        "bare_images_per_s_after": bare_after,
        "images": float(len(paths[:count])),
        "batch_size": float(classifier.options.batch_size),
    }


def _register_models(
    engine: sa.Engine, settings: Settings, actor: Actor, labels: tuple[str, ...]
) -> None:
    """Register the three architectures with random weights: speed does not depend on them."""
    for arch in MAIN_ARCHITECTURES:
        row = ARCHITECTURES[arch]
        torch.manual_seed(0)
        size_px = row.image_size_px
        card = ModelCard(arch=arch, labels=labels, preprocessing=row.preprocessing(size_px))
        path = settings.data_dir / f"{arch}.safetensors"
        save(path, network=row.build(len(labels), size_px, NetworkOptions()), card=card)
        register_checkpoint(engine, settings, actor=actor, path=path)


def _bare_images_per_s(classifier: Classifier, batches: int) -> float:
    """Photos a second of the forward passes of all models, one after the other."""
    batch_size = classifier.options.batch_size
    inputs = classifier.example_batches(batch_size)
    classifier.forward(inputs)  # warm up
    classifier.synchronize()
    started_at = time.perf_counter()
    for _ in range(batches):
        classifier.forward(inputs)
    classifier.synchronize()
    return batches * batch_size / (time.perf_counter() - started_at)


def _worker_images_per_s(
    engine: sa.Engine, settings: Settings, actor: Actor, paths: list[Path]
) -> float:
    """Photos a second of the worker's job, after a small job that loads the models."""
    for name, some in (("warm", paths[:4]), ("timed", paths)):
        folder = settings.data_dir / name
        folder.mkdir()
        for number, path in enumerate(some):
            shutil.copy(path, folder / f"{number:05}{path.suffix}")
        import_path(engine, settings, actor=actor, path=folder, batch_name=name)
    run_worker(engine, settings, stop=threading.Event(), until_idle=True)
    timed = jobs.list_jobs(engine, actor=actor)[0]
    assert timed.rate_per_s is not None
    return timed.rate_per_s


if __name__ == "__main__":
    harness.main("throughput", measure)
