"""Which pictures validate."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

VALIDATION_FRACTION = 0.2


def choose_validation(
    labels: Sequence[str], digests: Sequence[Hashable], *, seed: int
) -> NDArray[np.bool_]:
    """Return which samples validate, (N,) bool: a fifth of each category.

    Identical content never stands on both sides. A category always keeps content in
    training, so one with a single picture is not validated; content under two labels
    stays in training.

    Args:
        digests: Of the content, one for each label.
    """
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), dtype=np.bool_)
    for groups in _groups_by_label(labels, digests).values():
        count = sum(map(len, groups))
        room = min(count - 1, max(1, round(VALIDATION_FRACTION * count)))
        for position in rng.permutation(len(groups)):
            if len(groups[position]) <= room:
                chosen[groups[position]] = True
                room -= len(groups[position])
    return chosen


def _groups_by_label(
    labels: Sequence[str], digests: Sequence[Hashable]
) -> Mapping[str, list[list[int]]]:
    """Return by label the groups of identical content; those under several labels are left out."""
    by_digest: dict[Hashable, list[int]] = defaultdict(list)
    for index, digest in enumerate(digests):
        by_digest[digest].append(index)
    groups: dict[str, list[list[int]]] = defaultdict(list)
    for indices in by_digest.values():
        if len({labels[index] for index in indices}) == 1:
            groups[labels[indices[0]]].append(indices)
    return groups
