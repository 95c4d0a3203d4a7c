"""The predictions of an evaluation, in memory, and what is measured of some of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.evaluation import Interval, Pictures, PredictionFile, Predictions, group_labels
from core.evaluation.bootstrap import RESAMPLES
from core.evaluation.figures import measure_figures
from core.evaluation.grouping import Groups
from core.settings import Settings

_FILES_IN_MEMORY = 16
_NARROWED_IN_MEMORY = 256
_FEWEST_RESAMPLES = 100
_WEIGHTS_WHILE_ONE_WAITS = 2_000_000  # a third of a second for each evaluation


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which pictures count, by their true category; empty takes all of them.

    Attributes:
        words: Parts of the category path, in any order, whatever their case.
        group: The coarse category (``core.evaluation.group_of``).
    """

    words: str = ""
    group: str | None = None

    @property
    def is_open(self) -> bool:
        return not self.words.strip() and self.group is None


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The file of an evaluation, in memory: the likeliest label of each picture.

    Attributes:
        labels: The model's category paths.
        likely_groups: (N,) index of the group whose labels together are likeliest.
        of_label: Index of each label.
    """

    labels: tuple[str, ...]
    groups: Groups
    predictions: Predictions
    likely_groups: NDArray[np.int64]
    pictures: Pictures
    of_label: Mapping[str, int] = field(repr=False)

    def select(self, narrowing: Narrowing) -> NDArray[np.bool_]:
        """Return which pictures have a label that the model knows and that counts, (N,)."""
        allowed = np.array([_counts(label, group, narrowing) for label, group in self._pairs()])
        chosen: NDArray[np.bool_] = self.predictions.known & allowed[self.predictions.targets]
        return chosen

    def _pairs(self) -> Sequence[tuple[str, str]]:
        names = self.groups.names
        return [
            (label, names[at])
            for label, at in zip(self.labels, self.groups.of_label.tolist(), strict=True)
        ]


def measure_narrowed(
    settings: Settings, file_name: str, taught: Mapping[str, int], narrowing: Narrowing
) -> tuple[int, Mapping[str, Interval]]:
    """Return how many pictures of a file count, and their figures.

    Args:
        taught: Training pictures of each label; empty leaves the shots out.

    Raises:
        NotFoundError: The file is missing or damaged.
    """
    path = str(settings.evaluations_dir / file_name)
    return _measure_narrowed(path, tuple(sorted(taught.items())), narrowing)


@lru_cache(maxsize=_NARROWED_IN_MEMORY)
def _measure_narrowed(
    path: str, taught: tuple[tuple[str, int], ...], narrowing: Narrowing
) -> tuple[int, Mapping[str, Interval]]:
    """Somebody waits for it on a page."""
    measured, counts = _read_measured(path), dict(taught)
    those = measured.select(narrowing)
    chosen = measured.predictions.take(those)
    affordable = _WEIGHTS_WHILE_ONE_WAITS // max(1, len(chosen))
    figures = measure_figures(
        chosen,
        measured.groups,
        [counts.get(label, 0) for label in measured.labels] if counts else None,
        likely_groups=measured.likely_groups[those],
        resamples=min(RESAMPLES, max(_FEWEST_RESAMPLES, affordable)),
    )
    return len(chosen), figures


def read_measured(settings: Settings, file_name: str) -> Measured:
    """Return the predictions of a file.

    Raises:
        NotFoundError: It is missing or damaged.
    """
    return _read_measured(str(settings.evaluations_dir / file_name))


@lru_cache(maxsize=_FILES_IN_MEMORY)
def _read_measured(path: str) -> Measured:
    """A file never changes under its name, so it is read once a process."""
    file = PredictionFile(Path(path))
    labels = file.header.labels
    groups = group_labels(labels)
    return Measured(
        labels=labels,
        groups=groups,
        predictions=file.read_predictions(),
        likely_groups=file.read_likely_groups(groups),
        pictures=file.read_pictures(),
        of_label={label: at for at, label in enumerate(labels)},
    )


def _counts(label: str, group: str, narrowing: Narrowing) -> bool:
    found = label.casefold()
    in_group = narrowing.group is None or group == narrowing.group
    return in_group and all(word in found for word in narrowing.words.casefold().split())
