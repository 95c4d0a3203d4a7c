"""How well photos of categories that nobody trained are told from those of known ones.

Each draw holds a fifth of the categories (16 of Grocery's 81) out of training, by its seed. The
frozen, packaged EfficientNet-Lite0 gives the features, a logistic regression on the training
photos of the other categories is the classifier. ``auroc.METHOD`` is the mean over draws of
how often a test photo of a held-out category scores above one of a known category.

What can be set is chosen on draws of its own, by photos of the training and validation split
only: ``tuning.METHOD.SETTING_VALUE`` is the same AUROC there, ``auroc.best`` the test figure of
the method that is best there. ``known_top1`` is the classifier's accuracy on the known.

``prototype.recall_at_five_examples`` opens one held-out category from five of its training
photos, beside the known ones: how many of its test photos are nearest to its prototype.
``prototype.taken`` is the share of the known ones' test photos that it takes from them.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from benchmarks import harness
from benchmarks.harness import BENCHMARKS_DIR, Figures, Options
from benchmarks.quality import auroc
from core.imaging import ImageLimits, decode
from core.models import Geometry, get_architecture
from core.models.architectures import embed
from core.models.preprocessing import crop, normalise
from core.models.weights import build_network
from core.novelty import NOVELTY_METHODS, Prototypes, Reference, Scorer, recognise
from core.training.datasets import read_dataset

Floats = NDArray[np.float64]

ARCHITECTURE = "efficientnet_lite0"
LIMITS = ImageLimits(max_bytes=50_000_000, max_pixels=100_000_000)
SPLIT_SEED, TEST_FRACTION, VALIDATION_FRACTION = 0, 0.2, 0.2  # of data without a split
HELD_OUT = 16 / 81
EXAMPLES = 5
DRAWS, QUICK_DRAWS = 5, 2
TUNING_SEED = 1000  # the draws that choose begin here, those that report at 0
PENALTY, ITERATIONS = 1e-2, 100
BATCH = 32
NEW = "new"

SETTINGS: Mapping[str, tuple[str, Sequence[float]]] = {
    "nearest": ("neighbours", (1, 3, 5, 10)),
    "mahalanobis": ("shrinkage", (0.1, 1.0, 10.0)),
    "relative_mahalanobis": ("shrinkage", (0.1, 1.0, 10.0)),
    "vim": ("dimensions", (32, 64, 128)),
}
"""What of a method is chosen, and among which values."""


@dataclass(frozen=True, slots=True, eq=False)
class Photos:
    """All labelled photos.

    Attributes:
        labels: (N,) int64, of the sorted categories.
        parts: (N,) ``train``, ``validation`` or ``test``.
        embeddings: (N, D) float64.
    """

    labels: NDArray[np.int64]
    parts: NDArray[np.str_]
    embeddings: Floats


@dataclass(frozen=True, slots=True)
class Candidate:
    """A method with one of its settings; ``setting`` is empty where it has none."""

    method: str
    setting: str
    value: float

    @property
    def key(self) -> str:
        """What it is called among the figures."""
        return f"{self.method}.{self.setting}_{self.value:g}" if self.setting else self.method

    def fit(self, reference: Reference) -> Scorer:
        settings = {self.setting: self.value} if self.setting else {}
        return NOVELTY_METHODS[self.method].fit(reference, **settings)


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """One choice of categories to hold out.

    Attributes:
        reference: The known categories' training photos and the classifier on them.
        known: (M, D) photos of the known categories that took no part in training.
        truth: (M,) their categories, as the reference counts them.
        unknown: (U, D) photos of the held-out categories.
        novel: Those categories.
    """

    reference: Reference
    known: Floats
    truth: NDArray[np.int64]
    unknown: Floats
    novel: NDArray[np.int64]


def measure(options: Options) -> Figures:
    """Return AUROC by method, of each setting on the draws that choose, and recall."""
    photos = _read_photos(options.labelled_photos())
    count = QUICK_DRAWS if options.quick else DRAWS
    tuned = _tune([_draw(photos, TUNING_SEED + seed, "validation") for seed in range(count)])
    draws = [_draw(photos, seed, "test") for seed in range(count)]
    found = {each.method: _tell_apart(each.fit, draws) for each in _choose(tuned)}
    best = max(tuned, key=tuned.__getitem__).method
    return {
        "photos": float(len(photos.labels)),
        "draws": float(count),
        "known_top1": float(np.mean([_share_right(draw) for draw in draws])),
        **{f"auroc.{key}": value for key, value in found.items()},
        "auroc.best": found[best],
        **_open_categories(photos, draws),
        **{f"tuning.{each.key}": value for each, value in tuned.items()},
    }


# --- photos --------------------------------------------------------------------------------------


def _read_photos(data: Path) -> Photos:
    samples = read_dataset(data).samples
    names = [sample.label for sample in samples]
    labels = np.unique(names, return_inverse=True)[1].astype(np.int64)
    parts = np.array([sample.part or "train" for sample in samples])
    if "test" not in parts:
        parts = _split(labels)
    return Photos(labels, parts, _embed_once([sample.path for sample in samples]))


def _split(labels: NDArray[np.int64]) -> NDArray[np.str_]:
    """Give a part of each category to test and validation, at least a photo each."""
    parts = np.full(len(labels), "train", dtype="<U10")
    rng = np.random.default_rng(SPLIT_SEED)
    for label in np.unique(labels):
        photos = rng.permutation(np.flatnonzero(labels == label))
        test = max(1, round(TEST_FRACTION * len(photos)))
        validation = max(1, round(VALIDATION_FRACTION * len(photos)))
        parts[photos[:test]] = "test"
        parts[photos[test : test + validation]] = "validation"
    return parts


def _embed_once(paths: Sequence[Path]) -> Floats:
    """Return the embeddings, (N, D), from the file that an earlier run of these photos left."""
    stamps = [(str(path.resolve()), path.stat().st_mtime_ns) for path in paths]
    digest = hashlib.sha256(repr((ARCHITECTURE, stamps)).encode()).hexdigest()[:12]
    file = BENCHMARKS_DIR / f"unknown-{digest}.npy"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".part.npy")
        np.save(unfinished, np.concatenate(list(_embed(paths))))
        unfinished.replace(file)
    embeddings: Floats = np.load(file).astype(np.float64)
    return embeddings


@torch.inference_mode()
def _embed(paths: Sequence[Path]) -> Iterator[NDArray[np.float32]]:
    """Yield the embeddings by batches, as the product would keep them."""
    row = get_architecture(ARCHITECTURE)
    preprocessing = row.preprocessing(row.image_size_px)
    network = build_network(
        row, num_classes=2, image_size_px=row.image_size_px, weights="package"
    ).eval()
    with ThreadPoolExecutor(2) as pool:
        for start in range(0, len(paths), BATCH):
            look = partial(_look, geometry=preprocessing.geometry)
            pixels = np.stack(list(pool.map(look, paths[start : start + BATCH])))
            batch = normalise(torch.from_numpy(pixels), preprocessing)
            yield embed(network, batch).numpy()


def _look(path: Path, geometry: Geometry) -> NDArray[np.uint8]:
    return crop(decode(path.read_bytes(), LIMITS).pixels, geometry)


# --- draws ---------------------------------------------------------------------------------------


def _draw(photos: Photos, seed: int, part: str) -> Draw:
    """Hold categories out, and train on the others.

    Args:
        part: Whose photos are told apart. For ``validation``, which is small, the held-out
            categories' training photos, which nothing was trained on, join in.
    """
    count = int(photos.labels.max()) + 1
    order = np.random.default_rng(seed).permutation(count)
    novel = np.sort(order[: max(1, round(HELD_OUT * count))])
    is_novel = np.isin(photos.labels, novel)
    trained = (photos.parts == "train") & ~is_novel
    tested = (photos.parts == part) & ~is_novel
    unknown = is_novel & ((photos.parts == "test") == (part == "test"))
    return Draw(
        reference=_learn(photos.embeddings[trained], photos.labels[trained]),
        known=photos.embeddings[tested],
        truth=np.searchsorted(np.unique(photos.labels[trained]), photos.labels[tested]),
        unknown=photos.embeddings[unknown],
        novel=novel,
    )


def _learn(embeddings: Floats, labels: NDArray[np.int64]) -> Reference:
    targets = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    centre, scale = embeddings.mean(axis=0), float(np.median(embeddings.std(axis=0)))
    head = _regress(torch.from_numpy((embeddings - centre) / scale).float(), targets)
    weight = head.weight.detach().double().numpy() / scale
    bias = head.bias.detach().double().numpy() - weight @ centre
    return Reference(embeddings, targets, weight, bias)


def _regress(features: torch.Tensor, targets: NDArray[np.int64]) -> torch.nn.Linear:
    """Multinomial logistic regression by L-BFGS, as core.training.transfer fits it."""
    head = torch.nn.Linear(features.shape[1], int(targets.max()) + 1)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    optimizer = torch.optim.LBFGS(
        head.parameters(), max_iter=ITERATIONS, history_size=10, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(head(features), torch.from_numpy(targets))
        loss = loss + PENALTY * head.weight.square().sum() / 2
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return head


# --- figures -------------------------------------------------------------------------------------


def _tune(draws: Sequence[Draw]) -> dict[Candidate, float]:
    """Return the AUROC of each method with each of its settings."""
    return {each: _tell_apart(each.fit, draws) for each in _list_candidates()}


def _list_candidates() -> Iterator[Candidate]:
    for key in NOVELTY_METHODS:
        name, values = SETTINGS.get(key, ("", (0,)))
        yield from (Candidate(key, name, value) for value in values)


def _choose(tuned: Mapping[Candidate, float]) -> list[Candidate]:
    """Return the best candidate of each method."""
    by_method = {key: [each for each in tuned if each.method == key] for key in NOVELTY_METHODS}
    return [max(each, key=tuned.__getitem__) for each in by_method.values()]


def _tell_apart(fit: Callable[[Reference], Scorer], draws: Sequence[Draw]) -> float:
    values = []
    for draw in draws:
        score = fit(draw.reference)
        values.append(auroc(score(draw.unknown), score(draw.known)))
    return float(np.mean(values))


def _share_right(draw: Draw) -> float:
    predicted = draw.reference.classify(draw.known).argmax(axis=1)
    return float((predicted == draw.truth).mean())


def _open_categories(photos: Photos, draws: Sequence[Draw]) -> Figures:
    """Open each held-out category of each draw by itself, from five examples drawn by seed."""
    recalls, taken = [], []
    for seed, draw in enumerate(draws):
        rng = np.random.default_rng(seed)
        names = [str(label) for label in range(len(draw.reference.weight))]
        known = Prototypes.of(draw.reference, names)
        for label in draw.novel:
            mine, tested = photos.labels == label, photos.parts == "test"
            examples = rng.permutation(photos.embeddings[mine & ~tested])[:EXAMPLES]
            opened = known.open_category(NEW, examples)
            recalls.append(_share_new(opened, photos.embeddings[mine & tested]))
            taken.append(_share_new(opened, draw.known))
    return {
        "prototype.recall_at_five_examples": float(np.mean(recalls)),
        "prototype.taken": float(np.mean(taken)),
    }


def _share_new(prototypes: Prototypes, embeddings: Floats) -> float:
    found = recognise(prototypes, embeddings)
    return float(np.mean([each.category == NEW for each in found]))


if __name__ == "__main__":
    harness.main("unknown", measure)
