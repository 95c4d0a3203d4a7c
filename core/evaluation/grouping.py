"""Categories taken together: by their parent, and by how many pictures trained them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SEPARATOR = " > "


@dataclass(frozen=True, slots=True)
class Shot:
    """Categories with so many training pictures, from ``least`` to ``most``.

    The limits are those of Liu et al., "Large-Scale Long-Tailed Recognition in an Open
    World", CVPR 2019 (arXiv:1904.05160).
    """

    key: str
    label: str
    least: int
    most: float


SHOTS = (
    Shot("many", "more than 100 training pictures", 101, float("inf")),
    Shot("medium", "20 to 100 training pictures", 20, 100),
    Shot("few", "fewer than 20 training pictures", 0, 19),
)


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The coarse categories of a model's labels.

    Attributes:
        names: Sorted.
        of_label: (C,) int64, the group of each label.
    """

    names: tuple[str, ...]
    of_label: NDArray[np.int64]

    def of(self, indices: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the groups of label indices of any shape; -1 stays -1."""
        return np.where(indices < 0, -1, self.of_label[indices])

    @property
    def are_coarser(self) -> bool:
        """Whether any group holds more than one label."""
        return len(self.names) < len(self.of_label)


def group_of(label: str) -> str:
    """Return the coarse category of a path: its parent; a path of one part is its own."""
    parent, _, _ = label.rpartition(SEPARATOR)
    return parent or label


def group_labels(labels: Sequence[str]) -> Groups:
    """Group labels by ``group_of``."""
    of_each = [group_of(label) for label in labels]
    names = tuple(sorted(set(of_each)))
    index = {name: at for at, name in enumerate(names)}
    return Groups(names, np.array([index[name] for name in of_each], np.int64))


def likeliest_group(
    top_indices: NDArray[np.int32], top_probabilities: NDArray[np.float32], groups: Groups
) -> NDArray[np.int64]:
    """Return the group whose labels together are likeliest, (N,), of the (N, k) that were kept."""
    of_kept = groups.of(top_indices)
    order = np.argsort(of_kept, axis=1, kind="stable")
    sorted_groups = np.take_along_axis(of_kept, order, axis=1)
    sums = np.cumsum(np.take_along_axis(top_probabilities, order, axis=1), axis=1)
    ends = np.ones_like(sorted_groups, dtype=np.bool_)
    ends[:, :-1] = sorted_groups[:, 1:] != sorted_groups[:, :-1]
    before = np.maximum.accumulate(np.where(ends, sums, 0.0), axis=1)
    before = np.concatenate([np.zeros((len(sums), 1)), before[:, :-1]], axis=1)
    masses = np.where(ends, sums - before, -1.0)
    best = masses.argmax(axis=1)
    likeliest: NDArray[np.int64] = sorted_groups[np.arange(len(sums)), best]
    return likeliest


def shot_of(train_counts: Sequence[int]) -> NDArray[np.int64]:
    """Return for each category the index of its row of ``SHOTS``, by its training pictures."""
    counts = np.asarray(train_counts)
    inside = [(counts >= shot.least) & (counts <= shot.most) for shot in SHOTS]
    found: NDArray[np.int64] = np.argmax(inside, axis=0)
    return found
