from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInputError
from core.novelty import Prototypes, Reference, make_prototype, recognise

AXES = np.eye(6)


def photos_near(axis: int, count: int, *, seed: int = 0) -> np.ndarray:
    """Embeddings along one axis, all of positive features, as after a ReLU."""
    noise = np.random.default_rng((seed, axis)).uniform(0, 0.3, (count, 6))
    return 1 + AXES[axis] + noise


@pytest.fixture
def prototypes() -> Prototypes:
    embeddings = np.concatenate([photos_near(axis, 20) for axis in range(4)])
    labels = np.repeat(np.arange(4), 20)
    return Prototypes.of(
        Reference(embeddings, labels, np.zeros((4, 6)), np.zeros(4)), ["A", "B", "C", "D"]
    )


def test_a_photo_is_of_the_nearest_category(prototypes: Prototypes) -> None:
    found = recognise(prototypes, photos_near(2, 5, seed=1))

    assert [each.category for each in found] == ["C"] * 5
    assert all(0.5 < each.similarity <= 1 for each in found)


def test_five_examples_open_a_category(prototypes: Prototypes) -> None:
    opened = prototypes.open_category("E", photos_near(4, 5))

    assert {each.category for each in recognise(opened, photos_near(4, 9, seed=1))} == {"E"}
    assert {each.category for each in recognise(opened, photos_near(0, 9, seed=1))} == {"A"}


def test_what_is_like_nothing_is_of_no_category(prototypes: Prototypes) -> None:
    (found,) = recognise(prototypes, photos_near(5, 1), least_similarity=0.9)

    assert found.category is None
    assert found.nearest in prototypes.names


def test_a_similarity_on_the_limit_is_enough(prototypes: Prototypes) -> None:
    photo = photos_near(1, 1, seed=1)
    (found,) = recognise(prototypes, photo)

    (again,) = recognise(prototypes, photo, least_similarity=found.similarity)
    (above,) = recognise(
        prototypes, photo, least_similarity=float(np.nextafter(found.similarity, 2))
    )
    assert (again.category, above.category) == ("B", None)


def test_a_photo_at_the_centre_is_like_nothing(prototypes: Prototypes) -> None:
    (found,) = recognise(prototypes, prototypes.centre[None])

    assert found.similarity == 0


def test_a_name_is_opened_once(prototypes: Prototypes) -> None:
    with pytest.raises(InvalidInputError, match="'B' already"):
        prototypes.open_category("B", photos_near(4, 5))


def test_no_category_without_examples(prototypes: Prototypes) -> None:
    with pytest.raises(InvalidInputError, match="at least one example"):
        prototypes.open_category("E", np.empty((0, 6)))


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=6))
def test_each_example_counts_alike_whatever_its_length(lengths: list[float]) -> None:
    directions = np.random.default_rng(0).normal(size=(len(lengths), 6))
    scaled = directions * np.array(lengths)[:, None]

    np.testing.assert_allclose(make_prototype(scaled), make_prototype(directions))


def test_what_photos_of_one_category_differ_in_counts_less() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(2), 50)
    embeddings = np.stack([np.where(labels == 0, 1.0, -1.0), rng.normal(scale=9, size=100)], 1)
    reference = Reference(embeddings, labels, np.zeros((2, 2)), np.zeros(2))
    whitened = Prototypes.of(reference, ["A", "B"])
    plain = replace(whitened, whitening=np.eye(2))

    photo = np.array([[1.0, 9.0]])
    assert whitened.compare(photo)[0, 0] > plain.compare(photo)[0, 0] + 0.05
