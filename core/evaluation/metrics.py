"""The record of an evaluation, in the one shape that is stored and drawn."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluation.predictions import TOP, Predictions

MAX_CONFUSIONS = 100


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Fractions of a split, 0 to 1; ``macro`` is the mean over categories."""

    top1: float
    top5: float
    macro: float
    count: int


@dataclass(frozen=True, slots=True)
class CategoryAccuracy:
    category: str
    count: int
    accuracy: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many pictures of one category were taken for another."""

    true: str
    predicted: str
    count: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """One point of the training curve; ``seconds`` since the training began."""

    epoch: int
    loss: float
    val_top1: float
    seconds: float


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """Expected calibration error before and after temperature scaling, 0 to 1.

    On the test split where there is one, else on validation, where the temperature was fitted.
    """

    before: float
    after: float
    split: str


@dataclass(frozen=True, slots=True)
class Metrics:
    """What is known of a model version; stored in its checkpoint and in the database.

    Attributes:
        splits: By ``train`` (of at most ``MAX_TRAIN_EVALUATED`` pictures, without
            augmentation), ``validation`` and, where the data has one, ``test``.
        per_category: Of the test split where there is one, else of validation.
        confusions: Of the same split, most frequent first, at most MAX_CONFUSIONS.
        images_per_s: Through the network on the training machine, decoded pictures.
        train_counts: Training pictures of each label, in their order.
        training: Request, recipe, data, versions, machine.
    """

    splits: Mapping[str, Accuracy]
    per_category: Sequence[CategoryAccuracy]
    confusions: Sequence[Confusion]
    images_per_s: float
    ece: CalibrationError
    curve: Sequence[Epoch]
    train_counts: Sequence[int]
    training: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it; the keys are the attributes' names."""
        return asdict(self)


def measure_accuracy(predictions: Predictions) -> Accuracy:
    """Measure predictions of pictures whose labels are all known; there must be some."""
    counts = np.bincount(predictions.targets)
    hits = np.bincount(predictions.targets, weights=predictions.correct)
    return Accuracy(
        top1=float(predictions.correct.mean()),
        top5=float((predictions.ranks < TOP).mean()),
        macro=float((hits[counts > 0] / counts[counts > 0]).mean()),
        count=len(predictions),
    )


def measure_categories(
    predicted: NDArray[np.integer], labels: NDArray[np.integer], names: Sequence[str]
) -> list[CategoryAccuracy]:
    """Return the accuracy of each category that occurs, by name."""
    counts = np.bincount(labels, minlength=len(names))
    hits = np.bincount(labels, weights=predicted == labels, minlength=len(names))
    return [
        CategoryAccuracy(names[index], int(counts[index]), float(hits[index] / counts[index]))
        for index in np.flatnonzero(counts).tolist()
    ]


def count_confusions(
    predicted: NDArray[np.integer], labels: NDArray[np.integer], names: Sequence[str]
) -> list[Confusion]:
    """Return the pairs that were mixed up, most frequent first."""
    wrong = predicted != labels
    pairs = Counter(zip(labels[wrong].tolist(), predicted[wrong].tolist(), strict=True))
    ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    return [
        Confusion(names[true], names[other], count)
        for (true, other), count in ordered[:MAX_CONFUSIONS]
    ]
