"""What a frozen network sees in labelled photos, computed once and kept for the next run."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.harness import BENCHMARKS_DIR
from core.imaging import ImageLimits, decode
from core.models import Preprocessing, get_architecture
from core.models.architectures import embed
from core.models.preprocessing import crop, normalise
from core.models.weights import build_network
from core.storage import write_whole

ARCH = "efficientnet_lite0"
BATCH = 32
LIMITS = ImageLimits(max_bytes=50_000_000, max_pixels=100_000_000)


def load_features(paths: Sequence[Path]) -> NDArray[np.float32]:
    """Return the packaged network's features of N photos, (N, D) float32.

    They are kept by the photos' paths and times of change.
    """
    stamps = "\n".join(f"{path.resolve()} {path.stat().st_mtime_ns}" for path in paths)
    digest = hashlib.sha256(stamps.encode()).hexdigest()[:12]
    kept = BENCHMARKS_DIR / f"features-{ARCH}-{digest}.npy"
    if not kept.exists():
        buffer = io.BytesIO()
        np.save(buffer, np.concatenate(list(_embed_all(paths))))
        write_whole(kept, buffer.getvalue())
    loaded: NDArray[np.float32] = np.load(kept)
    return loaded


@torch.inference_mode()
def _embed_all(paths: Sequence[Path]) -> Iterator[NDArray[np.float32]]:
    row = get_architecture(ARCH)
    size_px = row.image_size_px
    network = build_network(row, num_classes=2, image_size_px=size_px, weights="package").eval()
    preprocessing = row.preprocessing(size_px)
    for start in range(0, len(paths), BATCH):
        squares = _read(paths[start : start + BATCH], preprocessing)
        batch = normalise(torch.from_numpy(squares), preprocessing)
        yield embed(network, batch).numpy()


def _read(paths: Sequence[Path], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Return what the network sees of each photo, (N, S, S, 3) uint8."""
    return np.stack(
        [crop(decode(path.read_bytes(), LIMITS).pixels, preprocessing.geometry) for path in paths]
    )
