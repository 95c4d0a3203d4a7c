"""The order that is alike and varied."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.recommendation.diversity import diversify


def unit(*rows: tuple[float, ...]) -> np.ndarray:
    vectors = np.array(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


VECTORS = unit((1, 0.5, 0), (1, 0.51, 0), (1, 0.52, 0), (1, 0, 0.6), (0, 1, 0))
LIKENESS = VECTORS[:, 0]


def test_the_most_alike_comes_first_and_then_what_is_unlike_it():
    order = diversify(LIKENESS, VECTORS, count=3, balance=0.7)
    assert order.tolist()[:2] == [0, 3]


def test_likeness_alone_is_its_own_order():
    found = diversify(LIKENESS, VECTORS, count=5, balance=1.0)
    assert found.tolist() == np.argsort(-LIKENESS, kind="stable").tolist()


@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.integers(0, 12))
def test_each_comes_once_and_a_longer_list_begins_as_the_shorter(seed, size, count):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(size, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = rng.random(size).astype(np.float32)
    found = diversify(likeness, vectors, count=count).tolist()
    assert len(set(found)) == len(found) == min(size, count)
    assert diversify(likeness, vectors, count=size).tolist()[: len(found)] == found
