"""The networks compared as embedders: how well their features find photos of the same product.

Photos of the test split are sought among those of the train split. ``recall_at_1.ARCH`` is how
often the nearest shows the same product, ``map.ARCH`` the mean average precision. ``offline`` is
the packaged network as it came, which compares photos here; the others are what
``benchmarks.training`` trained on the same data, the newest file of each architecture, which are
only read. What it has not trained yet is trained here in some minutes, by the preset ``quick``,
and is called ``ARCH_quick``; ``--quick`` leaves it out.
"""

import hashlib
import io
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import harness
from benchmarks.features import BATCH, LIMITS, load_features
from benchmarks.harness import BENCHMARKS_DIR, Figures, Options
from benchmarks.training import Laboratory
from core.evaluation.retrieval import measure_retrieval
from core.imaging import decode
from core.models import MAIN_ARCHITECTURES, checkpoint
from core.models.architectures import embed
from core.models.preprocessing import crop, normalise
from core.storage import write_whole
from core.training.datasets import read_dataset
from core.training.request import TrainingRequest

Floats = NDArray[np.float32]


def measure(options: Options) -> Figures:
    """Return recall at 1 and mAP of each network."""
    data = options.labelled_photos()
    samples = read_dataset(data).samples
    if options.quick:
        samples = samples[::10]
    paths = [sample.path for sample in samples]
    labels = np.array([sample.label for sample in samples])
    parts = np.array([sample.part for sample in samples])
    if "test" not in parts:
        parts = np.where(np.arange(len(parts)) % 5 == 0, "test", "train")
    features = {"offline": load_features(paths)}
    files = _find_trained(data, "training")
    if not options.quick:
        files |= _train_others(options, files.keys())
    for name, file in files.items():
        features[name] = _load_trained(file, paths)
    figures: Figures = {"photos": float(len(paths))}
    for key, found in features.items():
        unit = found / np.linalg.norm(found, axis=1, keepdims=True)
        sought, among = parts == "test", parts == "train"
        result = measure_retrieval(unit[sought], labels[sought], unit[among], labels[among])
        if result is not None:
            figures |= {
                f"recall_at_1.{key}": result.recall_at_1,
                f"map.{key}": result.mean_precision,
                f"dimensions.{key}": float(result.dimensions),
            }
    return figures


def _find_trained(data: Path, benchmark: str) -> dict[str, Path]:
    """Return the newest checkpoint of each architecture that a benchmark trained on the data."""
    digest = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]
    files = (BENCHMARKS_DIR / f"{benchmark}-{digest}" / "models").glob("*.safetensors")
    by_age = sorted(files, key=lambda path: path.stat().st_mtime)
    return {path.stem.rpartition("-")[0]: path for path in by_age}


def _train_others(options: Options, trained: Collection[str]) -> dict[str, Path]:
    """Train what is missing as fast as it goes; return the checkpoints by their names here."""
    laboratory = Laboratory.open(options, name="embedders")
    missing = [arch for arch in MAIN_ARCHITECTURES if arch not in trained]
    for arch in missing:
        laboratory.train(TrainingRequest(arch, str(laboratory.data), "quick"), arch)
    files = _find_trained(options.labelled_photos(), "embedders")
    return {f"{arch}_quick": files[arch] for arch in missing}


def _load_trained(file: Path, paths: Sequence[Path]) -> Floats:
    """Return the features of N photos, (N, D), kept by the file's name and the photos'."""
    stamps = "\n".join(f"{path.resolve()} {path.stat().st_mtime_ns}" for path in paths)
    digest = hashlib.sha256(stamps.encode()).hexdigest()[:12]
    kept = BENCHMARKS_DIR / f"features-{file.stem}-{digest}.npy"
    if not kept.exists():
        buffer = io.BytesIO()
        np.save(buffer, np.concatenate(list(_embed_all(checkpoint.load(file), paths))))
        write_whole(kept, buffer.getvalue())
    loaded: Floats = np.load(kept)
    return loaded


@torch.inference_mode()
def _embed_all(model: checkpoint.LoadedModel, paths: Sequence[Path]) -> Iterator[Floats]:
    network, wanted = model.network.eval(), model.preprocessing
    for start in range(0, len(paths), BATCH):
        pictures = [decode(path.read_bytes(), LIMITS) for path in paths[start : start + BATCH]]
        squares = np.stack([crop(picture.pixels, wanted.geometry) for picture in pictures])
        yield embed(network, normalise(torch.from_numpy(squares), wanted)).numpy()


if __name__ == "__main__":
    harness.main("embedders", measure)
