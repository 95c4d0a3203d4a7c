"""Which pictures validate: a fifth of each category, and nothing that training shows too."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from core.training.data.likeness import Pair

VALIDATION_FRACTION = 0.2


def choose_validation(
    labels: Sequence[str], groups: Sequence[Hashable], *, seed: int
) -> NDArray[np.bool_]:
    """Return which samples validate, (N,) bool: a fifth of each category.

    A group never stands on both sides. A category always keeps a picture in training, so
    one with a single group is not validated; a group under two labels stays in training.

    Args:
        groups: Of what belongs together, one for each label.
    """
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), dtype=np.bool_)
    for members in _groups_by_label(labels, groups).values():
        room = _room(sum(map(len, members)))
        for position in rng.permutation(len(members)):
            if len(members[position]) <= room:
                chosen[members[position]] = True
                room -= len(members[position])
    return chosen


def group_samples(
    labels: Sequence[str],
    digests: Sequence[str],
    items: Sequence[str],
    pairs: Iterable[Pair],
) -> list[int]:
    """Return for each sample the number of its group: what must not be split.

    Identical bytes and the pictures of one item always belong together. Near-identical
    pictures do, the likest first, as long as their group can still validate: otherwise a
    chain of pictures, each like the next, could tie a whole category together.

    Args:
        items: Empty for a picture that stands for itself.
    """
    groups = _Groups(len(labels))
    for keys in (digests, items):
        first: dict[str, int] = {}
        for index, key in enumerate(keys):
            if key:
                groups.join(first.setdefault(key, index), index)
    counts = Counter(labels)
    for pair in pairs:
        groups.join(pair.first, pair.second, most=_room(counts[labels[pair.first]]))
    return [groups.find(index) for index in range(len(labels))]


def _room(count: int) -> int:
    """Return how many of a category's pictures validate."""
    return min(count - 1, max(1, round(VALIDATION_FRACTION * count)))


def _groups_by_label(
    labels: Sequence[str], groups: Sequence[Hashable]
) -> Mapping[str, list[list[int]]]:
    """Return the groups of each label as indices; those under several labels are left out."""
    by_group: dict[Hashable, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        by_group[group].append(index)
    found: dict[str, list[list[int]]] = {label: [] for label in labels}
    for indices in by_group.values():
        if len({labels[index] for index in indices}) == 1:
            found[labels[indices[0]]].append(indices)
    return found


class _Groups:
    """Disjoint sets of indices, with their sizes."""

    def __init__(self, count: int) -> None:
        self._parents = list(range(count))
        self._sizes = [1] * count

    def find(self, index: int) -> int:
        while self._parents[index] != index:
            self._parents[index] = index = self._parents[self._parents[index]]
        return index

    def join(self, first: int, second: int, *, most: int | None = None) -> None:
        """Make one group of two, unless it were larger than ``most``."""
        one, other = sorted((self.find(first), self.find(second)))
        size = self._sizes[one] + self._sizes[other]
        if one != other and (most is None or size <= most):
            self._parents[other] = one
            self._sizes[one] = size
