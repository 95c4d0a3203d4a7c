"""How often each of the first flags is right.

On the sample catalog the planted faults are known: ``hit.KIND`` is the share of the photos
with the fault that are flagged, ``false_alarm.KIND`` the share of all others that are. The
flags that need predictions come from the three models, trained on the sample's training
photos; ``--quick`` leaves them out. On labelled data (``--data``), which is taken to be
sound, there are the false alarms of the quality checks only.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import harness
from benchmarks.harness import (
    BENCHMARKS_DIR,
    PER_CATEGORY,
    QUICK_PER_CATEGORY,
    Figures,
    Options,
)
from core.flags import FLAG_KINDS, Evidence, raise_flags
from core.imaging import ImageLimits
from core.inference import Classifier, InferenceOptions, Outcome
from core.models import MAIN_ARCHITECTURES, LoadedModel, load, save
from core.quality import QUALITY_CHECKS, ImageMeasures
from core.quality import measure as measure_quality
from core.sample import SampleCatalog, render_catalog
from core.training import quick_request
from core.training.datasets import read_dataset
from core.training.trainer import Resources, train

FLAG_OF_FAULT = {
    "blurred": "blurry",
    "dark": "dark",
    "mislabelled": "claimed_mismatch",
    "duplicated": "exact_duplicate",
}
NEED_MODELS = frozenset({"models_disagree", "claimed_mismatch"})
NOT_HERE = frozenset({"unknown_product", "evidence_differs"})  # of decisions; by heat maps
LIMITS = ImageLimits(max_bytes=50_000_000, max_pixels=100_000_000)


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo, what its seller says of it, and which flags it deserves."""

    path: Path
    claimed: str | None = None
    deserves: frozenset[str] = frozenset()


def measure(options: Options) -> Figures:
    """Return photos, hit.KIND and false_alarm.KIND (0 to 1) for each kind of flag."""
    if options.data is not None:
        photos = [Photo(sample.path) for sample in read_dataset(options.data).samples]
        return _rates(photos, _flags(photos, []), sorted(QUALITY_CHECKS))
    count = QUICK_PER_CATEGORY if options.quick else PER_CATEGORY
    catalog = render_catalog(BENCHMARKS_DIR / f"sample-{count}", per_category=count)
    photos = list(_incoming(catalog))
    models = [] if options.quick else [_trained(arch, catalog) for arch in MAIN_ARCHITECTURES]
    left_out = NOT_HERE if models else NOT_HERE | NEED_MODELS
    kinds = [kind for kind in FLAG_KINDS if kind not in left_out]
    return _rates(photos, _flags(photos, models), kinds)


def _incoming(catalog: SampleCatalog) -> Iterator[Photo]:
    """The incoming photos; both sides of a pair of duplicates deserve the flag."""
    claimed = {row["file"]: row["claimed_category"] for row in _read(catalog.manifest)}
    deserves: defaultdict[str, set[str]] = defaultdict(set)
    for row in _read(catalog.ground_truth):
        if row["fault"]:
            deserves[row["file"]].add(FLAG_OF_FAULT[row["fault"]])
        if row["fault"] == "duplicated":
            deserves[row["detail"].rsplit("/", 1)[1]].add("exact_duplicate")
    for name, category in claimed.items():
        yield Photo(catalog.manifest.parent / name, category, frozenset(deserves[name]))


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _trained(arch: str, catalog: SampleCatalog) -> LoadedModel:
    """Train as the sample job does, and read the checkpoint back."""
    trained = train(
        quick_request(arch, catalog.train_dir),
        read_dataset(catalog.train_dir),
        resources=Resources(limits=LIMITS),
        on_progress=lambda _progress: None,
        should_stop=lambda: False,
    )
    with harness.work_folder() as folder:
        path = folder / f"{arch}.safetensors"
        save(path, network=trained.network, card=trained.card)
        return load(path)


def _flags(photos: Sequence[Photo], models: Sequence[LoadedModel]) -> Mapping[Path, frozenset[str]]:
    """Return the kinds of flags that each photo gets."""
    classifier = Classifier(models, InferenceOptions(limits=LIMITS))
    items = ((photo, photo.path.read_bytes) for photo in photos)
    twins = Counter(photo.path.read_bytes() for photo in photos)
    found = {}
    for outcome in classifier.classify(items, measure_quality):
        assert outcome.measures is not None, outcome.error
        photo = outcome.key
        evidence = Evidence(
            measures=outcome.measures,
            predictions={model.arch: _top(outcome, model) for model in models},
            claimed=photo.claimed,
            same_content=(0,) * (twins[photo.path.read_bytes()] - 1),
        )
        found[photo.path] = frozenset(finding.kind for finding in raise_flags(evidence))
    return found


def _top(
    outcome: Outcome[Photo, ImageMeasures], model: LoadedModel
) -> tuple[tuple[str, float], ...]:
    """Return what one model says of a photo, as ``Evidence`` wants it."""
    assert outcome.top is not None, outcome.error
    top = outcome.top[model.digest]
    labels = (model.labels[index] for index in top.label_indices)
    return tuple(zip(labels, top.probabilities.tolist(), strict=True))


def _rates(
    photos: Sequence[Photo], flags: Mapping[Path, frozenset[str]], kinds: Sequence[str]
) -> Figures:
    figures: Figures = {"photos": float(len(photos))}
    for kind in kinds:
        faulty = [photo for photo in photos if kind in photo.deserves]
        sound = [photo for photo in photos if kind not in photo.deserves]
        if faulty:
            figures[f"hit.{kind}"] = _share(faulty, flags, kind)
        figures[f"false_alarm.{kind}"] = _share(sound, flags, kind)
    return figures


def _share(photos: Sequence[Photo], flags: Mapping[Path, frozenset[str]], kind: str) -> float:
    return sum(kind in flags[photo.path] for photo in photos) / max(len(photos), 1)


if __name__ == "__main__":
    harness.main("flags", measure)
