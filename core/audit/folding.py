"""Which photos are judged together: what shows the same is never on both sides."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FOLDS = 5


def choose_folds(
    claimed: NDArray[np.integer], groups: Sequence[int], *, seed: int = 0
) -> NDArray[np.int64]:
    """Return the fold of each photo, (N,), below ``FOLDS``.

    A group stays in one fold, and each category is spread over the folds as evenly as its groups
    allow: of two groups each is judged by what the other taught.

    Args:
        claimed: (N,) category of each photo.
        groups: Of what shows the same, one for each photo.
    """
    members: defaultdict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    kinds = [np.unique(claimed[indices]) for indices in members.values()]
    sizes = Counter(category for held in kinds for category in held.tolist())
    filled = np.zeros((int(claimed.max()) + 1, FOLDS))
    folds = np.empty(len(claimed), np.int64)
    everybody = list(members.values())
    for at in np.random.default_rng(seed).permutation(len(everybody)):
        held = kinds[at]
        shares = filled[held] / [[sizes[category]] for category in held.tolist()]
        fold = int(np.lexsort((filled.sum(axis=0), shares.max(axis=0)))[0])
        folds[everybody[at]] = fold
        filled[held, fold] += 1
    return folds
