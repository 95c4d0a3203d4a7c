import numpy as np

from core.novelty import Reference
from core.novelty.reference import to_unit


def test_a_category_mean_is_that_of_its_own_photos() -> None:
    embeddings = np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 5.0]])
    reference = Reference(embeddings, np.array([0, 0, 1]), np.zeros((2, 2)), np.zeros(2))

    assert reference.category_means().tolist() == [[2.0, 0.0], [0.0, 5.0]]


def test_a_vector_without_length_stays_as_it_is() -> None:
    assert to_unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [[0.6, 0.8], [0.0, 0.0]]
