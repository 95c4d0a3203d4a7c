"""How surely copies are found among all originals, beside imagededup.

Some originals, drawn by seed, are copied in each way of ``benchmarks.copies`` and sought among
all originals as the worker seeks them: candidates by hash, then the alignment decides.
``recall.KIND`` is the share of copies whose source is found, ``precision.KIND`` the share of
what is found that is the source. What is near-identical to the source counts
neither way: the same rule that keeps training photos together (thumbnails that correlate, see
``core.training.data.likeness``), never the one measured here. ``looked_at.KIND`` is how many
candidates a copy has. ``.with_embedding`` adds the nearest by embedding to the candidates.

``.imagededup_hash`` is its PHash at its default distance. ``.imagededup_cnn`` is the rule of its
CNN, cosine of raw features at its default, on the features of the network that is packaged
here: its own network would have to be downloaded. ``images_per_s`` counts from file to
fingerprint on one core. ``same_product.*`` are pairs of test photos of one category.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import harness
from benchmarks.copies import COPIES, Copy
from benchmarks.features import load_features
from benchmarks.harness import Figures, Options
from core.imaging import ImageLimits, decode
from core.services.copies import CANDIDATES as BY_HASH
from core.similarity.copies import Sought, find_copies
from core.similarity.evidence import LocalEvidence, describe
from core.similarity.fingerprints import Fingerprint, find_near, take_fingerprint
from core.similarity.kinds import MIN_COSINE
from core.similarity.projection import DIMENSIONS, Projection
from core.training.data.likeness import MIN_CORRELATION
from core.training.data.likeness import describe as describe_thumbnails
from core.training.data.scanning import make_thumbnail
from core.training.datasets import Sample, read_dataset

LIMITS = ImageLimits(max_bytes=50_000_000, max_pixels=100_000_000)
SEED = 0
QUERIES, QUICK_QUERIES = 300, 10
BY_EMBEDDING = 20  # candidates
PEER_DISTANCE, PEER_COSINE = 10, 0.9  # imagededup's defaults
TIMED, ROUNDS = 300, 3
KEPT_EVIDENCE = 2000  # pictures, 180 KB each

Floats = NDArray[np.float32]
Found = Sequence[set[int]]


@dataclass(frozen=True, eq=False)
class Originals:
    """All originals.

    Attributes:
        features: (N, D) float32, of the packaged network.
        projection: Learned from those that are not for testing.
        hashes: (N, P) uint64.
        thumbnails: (N, T) float32, whose products are correlations.
        peer_hashes: (N,) uint64, or None without imagededup.
    """

    samples: Sequence[Sample]
    features: Floats
    projection: Projection
    hashes: NDArray[np.uint64]
    thumbnails: Floats
    peer_hashes: NDArray[np.uint64] | None

    @property
    def paths(self) -> list[Path]:
        return [sample.path for sample in self.samples]

    def near_identical(self, source: int) -> set[int]:
        """Return those whose thumbnail correlates with the source's; the source is one."""
        correlations = self.thumbnails @ self.thumbnails[source]
        return set(np.flatnonzero(correlations >= MIN_CORRELATION).tolist()) | {source}


def measure(options: Options) -> Figures:
    """Return recall and precision by kind of copy, speed, and the limit of one product."""
    cv2.setNumThreads(1)
    originals = _read_originals(options.labelled_photos())
    count = min(QUICK_QUERIES if options.quick else QUERIES, len(originals.samples))
    sources = np.random.default_rng(SEED).choice(len(originals.samples), count, replace=False)
    figures = {"originals": float(len(originals.samples)), "queries": float(count)}
    for copy in COPIES.values():
        with harness.work_folder() as folder:
            figures |= _measure_kind(originals, copy, sources.tolist(), folder)
    return figures | _same_product(originals) | _speed(originals.paths[:: _every(originals)])


def _every(originals: Originals) -> int:
    return max(1, len(originals.samples) // TIMED)


def _read_originals(data: Path) -> Originals:
    samples = read_dataset(data).samples
    paths = [sample.path for sample in samples]
    hashes, thumbnails = [], []
    for path in paths:
        pixels = _decode(path)
        hashes.append(take_fingerprint(pixels).hashes)
        thumbnails.append(make_thumbnail(pixels))
    features = load_features(paths)
    return Originals(
        samples,
        features,
        _learn_projection(samples, features),
        np.stack(hashes),
        describe_thumbnails(thumbnails),
        _peer_hash(paths),
    )


def _learn_projection(samples: Sequence[Sample], features: Floats) -> Projection:
    known = features[[sample.part != "test" for sample in samples]]
    return Projection.fit(known, dimensions=min(DIMENSIONS, len(known) // 2))


def _decode(path: Path) -> NDArray[np.uint8]:
    return decode(path.read_bytes(), LIMITS).pixels


def _measure_kind(
    originals: Originals, copy: Copy, sources: Sequence[int], folder: Path
) -> Figures:
    files = []
    for source in sources:
        files.append(folder / f"{source:05}.jpg")
        files[-1].write_bytes(copy.make_file(_decode(originals.paths[source]), source))
    features = load_features(files)
    by_hash = [_find_near(originals, file) for file in files]
    by_embedding = _find_alike(originals, features)
    looked_at = [one | other for one, other in zip(by_hash, by_embedding, strict=True)]
    verified = _verify(originals, files, looked_at)
    found: Mapping[str, Found] = {
        "": [one & other for one, other in zip(verified, by_hash, strict=True)],
        ".with_embedding": verified,
        **_ask_peer(originals, files, features),
    }
    figures = {f"looked_at.{copy.key}": float(np.mean([len(each) for each in by_hash]))}
    for name, matches in found.items():
        recall, precision = _judge(originals, sources, matches)
        figures[f"recall.{copy.key}{name}"] = recall
        figures[f"precision.{copy.key}{name}"] = precision
    return figures


def _judge(originals: Originals, sources: Sequence[int], found: Found) -> tuple[float, float]:
    """Return recall and precision; finding nothing at all is no false alarm."""
    hits = sum(source in matches for source, matches in zip(sources, found, strict=True))
    wrong = sum(
        len(matches - originals.near_identical(source))
        for source, matches in zip(sources, found, strict=True)
    )
    return hits / len(sources), hits / max(hits + wrong, 1) if hits + wrong else 1.0


def _find_near(originals: Originals, file: Path) -> set[int]:
    fingerprint = take_fingerprint(_decode(file))
    return set(find_near(fingerprint, originals.hashes, limit=BY_HASH))


def _find_alike(originals: Originals, features: Floats) -> Found:
    project = originals.projection.apply
    cosines = project(features) @ project(originals.features).T
    return [set(np.argsort(-row)[:BY_EMBEDDING].tolist()) for row in cosines]


def _verify(originals: Originals, files: Sequence[Path], looked_at: Found) -> Found:
    paths = originals.paths
    return [
        {
            each.image_id
            for each in find_copies(
                Sought.of(_decode(file)),
                ((index, _describe(paths[index])) for index in sorted(chosen)),
            )
        }
        for file, chosen in zip(files, looked_at, strict=True)
    ]


@lru_cache(maxsize=KEPT_EVIDENCE)
def _describe(path: Path) -> LocalEvidence:
    return describe(_decode(path))


def _ask_peer(originals: Originals, files: Sequence[Path], features: Floats) -> Mapping[str, Found]:
    cosines = _to_unit(features) @ _to_unit(originals.features).T
    found: dict[str, Found] = {".imagededup_cnn": _places(cosines >= PEER_COSINE)}
    hashes = _peer_hash(files)
    if hashes is not None and originals.peer_hashes is not None:
        apart = np.bitwise_count(hashes[:, None] ^ originals.peer_hashes[None])
        found[".imagededup_hash"] = [
            set(np.flatnonzero(row <= PEER_DISTANCE).tolist()) for row in apart
        ]
    return found


def _places(found: NDArray[np.bool_]) -> Found:
    return [set(np.flatnonzero(row).tolist()) for row in found]


def _peer_hash(paths: Sequence[Path]) -> NDArray[np.uint64] | None:
    """Return imagededup's PHash of each file, or None where it is not installed."""
    try:
        from imagededup.methods import PHash
    except ImportError:
        return None
    peer = PHash(verbose=False)
    return np.array([int(peer.encode_image(image_file=path), 16) for path in paths], np.uint64)


def _to_unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = vectors / np.maximum(lengths, 1e-12)
    return unit


def _same_product(originals: Originals) -> Figures:
    """Pairs of test photos at the limit; it was chosen on the train split."""
    chosen = np.array([sample.part in (None, "test") for sample in originals.samples])
    vectors = originals.projection.apply(originals.features[chosen])
    labels = np.array([sample.label for sample in originals.samples])[chosen]
    same = labels[:, None] == labels[None]
    near = vectors @ vectors.T >= MIN_COSINE
    above = np.triu(np.ones_like(same), k=1)
    np.fill_diagonal(near, val=False)
    return {
        "same_product.precision": float(same[near & above].mean()),
        "same_product.recall": float(near[same & above].mean()),
        "same_product.photos_with_one": float((near & same).any(axis=1).mean()),
    }


def _speed(paths: Sequence[Path]) -> Figures:
    """CPU time on one core from file to fingerprint, the best of some rounds in turns."""

    def take(path: Path) -> Fingerprint:
        return take_fingerprint(_decode(path))

    jobs: dict[str, Callable[[], object]] = {"images_per_s": lambda: [take(path) for path in paths]}
    if _peer_hash(paths[:1]) is not None:
        jobs["images_per_s.imagededup_hash"] = lambda: _peer_hash(paths)
    least = dict.fromkeys(jobs, float("inf"))
    for _ in range(ROUNDS):
        for key, job in jobs.items():
            start = time.process_time()
            job()
            least[key] = min(least[key], time.process_time() - start)
    return {key: len(paths) / seconds for key, seconds in least.items()}


if __name__ == "__main__":
    harness.main("duplicates", measure)
