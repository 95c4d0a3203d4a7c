import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.audit.folding import FOLDS, choose_folds

photos = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), min_size=1, max_size=60)


def fold(found: list[tuple[int, int]], seed: int = 0) -> np.ndarray:
    claimed, groups = zip(*found, strict=True)
    return choose_folds(np.array(claimed), groups, seed=seed)


@given(photos)
def test_what_shows_the_same_is_in_one_fold(found):
    folds = fold(found)
    by_group = {group: set() for _, group in found}
    for (_, group), each in zip(found, folds.tolist(), strict=True):
        by_group[group].add(each)
    assert all(len(each) == 1 for each in by_group.values())
    assert 0 <= folds.min() <= folds.max() < FOLDS


@given(st.integers(2, 40), st.integers(0, 9))
def test_a_category_is_spread_evenly(groups, seed):
    counts = np.bincount(fold([(0, group) for group in range(groups)], seed), minlength=FOLDS)
    assert counts.max() - counts.min() <= 1


@given(st.integers(0, 99))
def test_two_groups_of_a_category_teach_each_other_whatever_else_they_hold(seed):
    """The first photo stands under two categories, each of which has one more."""
    folds = fold([(0, 0), (1, 0), (0, 1), (1, 2), *((2, at) for at in range(3, 20))], seed)
    assert folds[0] == folds[1]
    assert folds[2] != folds[0] != folds[3]
