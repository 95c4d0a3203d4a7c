"""Where a model is right and wrong, down to the photo: by category and by pair.

From the files of predictions; no torch in here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from core.actors import Actor, require
from core.errors import NotFoundError
from core.evaluation import Tally
from core.evaluation.grouping import group_of
from core.services.evaluations import Measured, Narrowing, load_measured
from core.settings import Settings

Order = Literal["worst", "best", "spread", "name"]
ORDERS: Mapping[Order, str] = {
    "worst": "Least accurate first",
    "best": "Most accurate first",
    "spread": "Where the models differ most",
    "name": "By name",
}
Level = Literal["category", "group"]
LEVELS: Mapping[Level, str] = {"category": "Categories", "group": "Groups"}
MAX_ROWS = 20_000  # of a table, also as CSV


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """One category as several evaluations see it.

    Attributes:
        pictures: In the first evaluation that has it.
        accuracies: How many are right, in the order of the evaluations; None where it has no
            pictures.
    """

    category: str
    group: str
    pictures: int
    accuracies: tuple[Tally | None, ...]


@dataclass(frozen=True, slots=True)
class CategoryTable:
    """Categories against evaluations: the data of a heat map.

    Attributes:
        evaluation_ids: The columns.
        rows: At most as many as were asked for, of ``total``.
    """

    evaluation_ids: tuple[int, ...]
    rows: tuple[CategoryRow, ...]
    total: int


@dataclass(frozen=True, slots=True)
class ConfusionPair:
    """How many pictures of one category were taken for another.

    Attributes:
        share: Of the pictures of the true category, 0 to 1.
    """

    true: str
    predicted: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class PhotoCase:
    """A photo with what a model said of it.

    Attributes:
        index: Its place in the evaluation's file; the photo's address is
            ``/api/evaluations/{evaluation_id}/photos/{index}``.
        confidence: Calibrated probability of ``predicted``.
        true_probability: Calibrated probability of ``true``.
    """

    evaluation_id: int
    index: int
    file_name: str
    true: str
    predicted: str
    confidence: float
    true_probability: float


def compare_categories(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    evaluation_ids: Sequence[int],
    narrowing: Narrowing | None = None,
    level: Level = "category",
    order: Order = "worst",
    limit: int = 50,
) -> CategoryTable:
    """Return the accuracy of each category in several evaluations side by side.

    Args:
        level: ``group`` takes the categories of a group together: right is whoever finds the
            right group.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        NotFoundError: No such evaluation, or its file is missing.
    """
    require(actor, "dashboards")
    columns = [_column(engine, settings, id_, narrowing, level) for id_ in evaluation_ids]
    names = sorted(set().union(*columns))
    rows = [_category_row(name, columns, level) for name in names]
    rows.sort(key=_SORT_KEYS[order])
    limit = min(limit, MAX_ROWS)
    return CategoryTable(tuple(evaluation_ids), tuple(rows[:limit]), len(rows))


def list_confusions(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    evaluation_id: int,
    narrowing: Narrowing | None = None,
    limit: int = 100,
) -> tuple[ConfusionPair, ...]:
    """Return the pairs that were mixed up, most frequent first, by true category narrowed.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        NotFoundError: No such evaluation, or its file is missing.
    """
    require(actor, "dashboards")
    measured = load_measured(engine, settings, evaluation_id=evaluation_id)
    chosen = measured.select(narrowing or Narrowing())
    targets = measured.predictions.targets[chosen].astype(np.int64)
    predicted = measured.predictions.predicted[chosen]
    sizes = np.bincount(targets, minlength=len(measured.labels))
    codes = (targets * len(measured.labels) + predicted)[targets != predicted]
    pairs, counts = np.unique(codes, return_counts=True)
    ranked = np.lexsort((pairs, -counts))[: min(limit, MAX_ROWS)]
    return tuple(
        _pair(measured, *divmod(int(pairs[at]), len(measured.labels)), int(counts[at]), sizes)
        for at in ranked
    )


def list_confused_photos(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    evaluation_id: int,
    true: str,
    predicted: str | None = None,
    limit: int = 60,
) -> tuple[PhotoCase, ...]:
    """Return photos of one category that were taken for another, the surest mistakes first.

    Args:
        predicted: None takes every wrong category; the true one takes what was right.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        NotFoundError: No such evaluation or category, or the file is missing.
    """
    require(actor, "dashboards")
    measured = load_measured(engine, settings, evaluation_id=evaluation_id)
    predictions = measured.predictions
    chosen = predictions.targets == _index_of(measured, true)
    if predicted is None:
        chosen &= ~predictions.correct
    else:
        chosen &= predictions.predicted == _index_of(measured, predicted)
    indices = np.flatnonzero(chosen)
    ranked = indices[np.argsort(-predictions.confidences[indices], kind="stable")]
    return tuple(list_cases(measured, evaluation_id, ranked[: min(limit, MAX_ROWS)]))


def _column(
    engine: sa.Engine,
    settings: Settings,
    evaluation_id: int,
    narrowing: Narrowing | None,
    level: Level,
) -> Mapping[str, Tally]:
    """Return how many pictures are right, by name."""
    measured = load_measured(engine, settings, evaluation_id=evaluation_id)
    predictions = measured.predictions.take(measured.select(narrowing or Narrowing()))
    names = measured.labels
    targets, predicted = (
        each.astype(np.int64) for each in (predictions.targets, predictions.predicted)
    )
    if level == "group":
        names = measured.groups.names
        targets, predicted = (measured.groups.of_label[each] for each in (targets, predicted))
    counts = np.bincount(targets, minlength=len(names))
    hits = np.bincount(targets, weights=targets == predicted, minlength=len(names))
    return {
        names[at]: Tally(int(hits[at]), int(counts[at])) for at in np.flatnonzero(counts).tolist()
    }


def _category_row(name: str, columns: Sequence[Mapping[str, Tally]], level: Level) -> CategoryRow:
    found = [column.get(name) for column in columns]
    return CategoryRow(
        category=name,
        group=name if level == "group" else group_of(name),
        pictures=next(each.count for each in found if each),
        accuracies=tuple(found),
    )


def _measured_accuracies(row: CategoryRow) -> list[float]:
    return [each.hits / each.count for each in row.accuracies if each is not None]


def _mean(row: CategoryRow) -> float:
    found = _measured_accuracies(row)
    return sum(found) / len(found)


def _spread(row: CategoryRow) -> float:
    return max(_measured_accuracies(row)) - min(_measured_accuracies(row))


_SORT_KEYS = {
    "worst": lambda row: (_mean(row), -row.pictures, row.category),
    "best": lambda row: (-_mean(row), -row.pictures, row.category),
    "spread": lambda row: (-_spread(row), -row.pictures, row.category),
    "name": lambda row: row.category,
}


def _pair(
    measured: Measured, true: int, predicted: int, count: int, sizes: NDArray[np.int64]
) -> ConfusionPair:
    labels = measured.labels
    return ConfusionPair(labels[true], labels[predicted], count, count / int(sizes[true]))


def _index_of(measured: Measured, label: str) -> int:
    if label not in measured.of_label:
        raise NotFoundError(f"the evaluation has no category {label!r}")
    return measured.of_label[label]


def list_cases(
    measured: Measured, evaluation_id: int, indices: NDArray[np.int64]
) -> list[PhotoCase]:
    """Return the photos at these rows of the file, with what was said of them."""
    predictions = measured.predictions
    pictures = measured.pictures.take(indices.tolist())
    return [
        PhotoCase(
            evaluation_id=evaluation_id,
            index=at,
            file_name=picture.path.rpartition("/")[2],
            true=picture.label,
            predicted=measured.labels[int(predictions.predicted[at])],
            confidence=float(predictions.confidences[at]),
            true_probability=float(predictions.true_probabilities[at]),
        )
        for at, picture in zip(indices.tolist(), pictures, strict=True)
    ]
