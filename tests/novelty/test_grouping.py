import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.novelty import group_similar

AXES = np.eye(4)


def to_unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def test_those_alike_stand_together_the_largest_group_first():
    photos = to_unit(AXES[[0, 1, 1, 0, 1, 2]] + 0.01)
    assert group_similar(photos) == [[1, 2, 4], [0, 3], [5]]


def test_the_mean_over_a_group_decides_not_its_nearest_member():
    """A chain: each is like the next one, its ends are not alike."""
    angles = np.radians([0, 40, 80, 120])
    photos = np.column_stack([np.cos(angles), np.sin(angles)])
    assert group_similar(photos, least_similarity=0.7) == [[0, 1], [2, 3]]


def test_none_and_one_are_grouped():
    assert group_similar(np.zeros((0, 4))) == []
    assert group_similar(AXES[:1]) == [[0]]


@given(
    arrays(np.float64, st.tuples(st.integers(0, 12), st.just(3)), elements=st.floats(0, 1)),
    st.floats(0, 1),
)
def test_every_photo_is_in_one_group(vectors, least_similarity):
    groups = group_similar(to_unit(vectors), least_similarity=least_similarity)
    assert sorted(at for group in groups for at in group) == list(range(len(vectors)))
    sizes = [len(group) for group in groups]
    assert sizes == sorted(sizes, reverse=True)
