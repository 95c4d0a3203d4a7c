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

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import harness
from benchmarks.features import load_features
from benchmarks.harness import Figures, Options
from benchmarks.quality import auroc
from core.novelty import NOVELTY_METHODS, Prototypes, Reference, Scorer, recognise
from core.training.datasets import read_dataset
from core.training.transfer import regress

Floats = NDArray[np.float64]

SPLIT_SEED, TEST_FRACTION, VALIDATION_FRACTION = 0, 0.2, 0.2  # of data without a split
HELD_OUT = 16 / 81
EXAMPLES = 5
DRAWS, QUICK_DRAWS = 5, 2
TUNING_SEED = 1000  # the draws that choose begin here, those that report at 0
PENALTY = 1e-2
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
    embeddings = load_features([sample.path for sample in samples]).astype(np.float64)
    return Photos(labels, parts, embeddings)


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
    features = torch.from_numpy((embeddings - centre) / scale).float()
    head = regress(features, torch.from_numpy(targets), int(targets.max()) + 1, PENALTY)
    weight = head.weight.double().numpy() / scale
    bias = head.bias.double().numpy() - weight @ centre
    return Reference(embeddings, targets, weight, bias)


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
