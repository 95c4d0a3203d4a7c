"""How well the split keeps on one side what shows the same.

``pairs`` counts the near-identical pictures of one category, ``found.EDIT`` is the share of
edited pictures (one in five) that are recognised as their originals, and ``leaked.RULE`` the
share of the validating pictures with a near-identical one in training, when only identical
bytes are kept together, and as the split does it.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import harness
from benchmarks.harness import BENCHMARKS_DIR, QUICK_PER_CATEGORY, Figures, Options
from core.imaging import ImageLimits, decode
from core.sample import render_catalog
from core.training.arrangement import arrange
from core.training.data.evidence import Evidence
from core.training.data.likeness import MIN_CORRELATION, describe
from core.training.data.samples import Dataset
from core.training.data.scanning import Fingerprint, make_thumbnail, scan
from core.training.data.splitting import choose_validation
from core.training.datasets import read_dataset

Pixels = NDArray[np.uint8]

LIMITS = ImageLimits(max_bytes=50_000_000, max_pixels=100_000_000)
SEED = 0
EDITED_ONE_IN = 5


def _save(pixels: Pixels) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=30)
    return decode(buffer.getvalue(), LIMITS).pixels


def _cut(pixels: Pixels) -> Pixels:
    margin = max(1, round(0.02 * min(pixels.shape[:2])))
    return np.ascontiguousarray(pixels[margin:-margin, margin:-margin])


EDITS: dict[str, Callable[[Pixels], Pixels]] = {
    "saved_at_quality_30": _save,
    "half_the_size": lambda pixels: np.asarray(Image.fromarray(pixels).reduce(2)),
    "tenth_lighter": lambda pixels: np.clip(pixels * 1.1, 0, 255).astype(np.uint8),
    "tenth_darker": lambda pixels: (pixels * 0.9).astype(np.uint8),
    "cut_2_percent": _cut,
}


def measure(options: Options) -> Figures:
    """Return the figures of labelled data, or of the sample's training photos."""
    dataset = read_dataset(options.data or _draw_sample())
    unsplit = tuple(replace(sample, part=None) for sample in dataset.samples)
    dataset = replace(dataset, samples=unsplit)
    paths = [sample.path for sample in unsplit]
    scanned = scan(paths, limits=LIMITS, threads=2, on_progress=lambda _: None)
    evidence = Evidence(dataset, scanned)
    return {
        "photos": float(len(paths)),
        "pairs": float(len(evidence.pairs)),
        **_find_edits(paths[::EDITED_ONE_IN], scanned[::EDITED_ONE_IN]),
        **_leaks(dataset, evidence),
    }


def _draw_sample() -> Path:
    return render_catalog(
        BENCHMARKS_DIR / f"sample-{QUICK_PER_CATEGORY}", per_category=QUICK_PER_CATEGORY
    ).train_dir


def _find_edits(paths: Sequence[Path], scanned: Sequence[object]) -> Figures:
    hits = dict.fromkeys(EDITS, 0)
    pairs = [
        (path, found)
        for path, found in zip(paths, scanned, strict=True)
        if isinstance(found, Fingerprint)
    ]
    for path, found in pairs:
        pixels = decode(path.read_bytes(), LIMITS).pixels
        edited = [make_thumbnail(edit(pixels)) for edit in EDITS.values()]
        own, *others = describe([found.thumbnail, *edited])
        for name, other in zip(EDITS, others, strict=True):
            hits[name] += bool(own @ other >= MIN_CORRELATION)
    return {f"found.{name}": count / len(pairs) for name, count in hits.items()}


def _leaks(dataset: Dataset, evidence: Evidence) -> Figures:
    labels = [sample.label for sample in dataset.samples]
    by_bytes = choose_validation(labels, evidence.digests, seed=SEED)
    grouped = np.zeros(len(labels), np.bool_)
    grouped[arrange(dataset, evidence.scanned, seed=SEED).parts["validation"]] = True
    chosen = {"identical_bytes": by_bytes, "near_identical": grouped}
    return {f"leaked.{name}": _leaked(evidence, each) for name, each in chosen.items()}


def _leaked(evidence: Evidence, validates: NDArray[np.bool_]) -> float:
    twins = {
        pair.first if validates[pair.first] else pair.second
        for pair in evidence.pairs
        if validates[pair.first] != validates[pair.second]
    }
    return len(twins) / int(validates.sum())


if __name__ == "__main__":
    harness.main("split", measure)
