import numpy as np
import pytest

from core.novelty import NOVELTY_METHODS, Reference
from tests.novelty.cases import EXPECTED

CATEGORIES, WIDTH, PHOTOS_EACH = 4, 200, 80


@pytest.fixture(scope="module")
def reference() -> Reference:
    """Four categories, each about a direction of its own, and their ideal classifier."""
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(WIDTH, CATEGORIES)))[0].T
    labels = np.repeat(np.arange(CATEGORIES), PHOTOS_EACH)
    embeddings = 4 * directions[labels] + rng.normal(scale=0.15, size=(len(labels), WIDTH)) + 0.1
    return Reference(embeddings, labels, directions, np.linspace(-0.1, 0.1, CATEGORIES))


def known_photos(reference: Reference, count: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    chosen = reference.category_means()[rng.integers(0, CATEGORIES, count)]
    return chosen + rng.normal(scale=0.15, size=chosen.shape)


def unknown_photos(count: int) -> np.ndarray:
    """Photos about a direction that no category has."""
    rng = np.random.default_rng(2)
    direction = rng.normal(size=WIDTH)
    direction *= 4 / np.linalg.norm(direction)
    return direction + rng.normal(scale=0.15, size=(count, WIDTH)) + 0.1


def test_every_method_has_its_formula() -> None:
    assert EXPECTED.keys() == NOVELTY_METHODS.keys()
    assert all(key == row.key for key, row in NOVELTY_METHODS.items())


@pytest.mark.parametrize("key", NOVELTY_METHODS)
def test_the_score_is_what_the_paper_says(key: str, reference: Reference) -> None:
    photos = np.concatenate([known_photos(reference, 3), unknown_photos(3)])
    expected = [EXPECTED[key](reference, photo) for photo in photos]

    np.testing.assert_allclose(NOVELTY_METHODS[key].fit(reference)(photos), expected, rtol=1e-6)


@pytest.mark.parametrize("key", NOVELTY_METHODS)
def test_what_is_unknown_scores_higher(key: str, reference: Reference) -> None:
    score = NOVELTY_METHODS[key].fit(reference)

    assert score(unknown_photos(20)).min() > score(known_photos(reference, 20)).max()


@pytest.mark.parametrize("key", NOVELTY_METHODS)
def test_a_photo_scores_alike_alone_and_among_others(key: str, reference: Reference) -> None:
    score = NOVELTY_METHODS[key].fit(reference)
    photos = known_photos(reference, 5)

    np.testing.assert_allclose(score(photos[2:3]), score(photos)[2:3])


@pytest.mark.parametrize("key", NOVELTY_METHODS)
def test_the_paper_of_every_method_is_named(key: str) -> None:
    assert "arXiv:" in (NOVELTY_METHODS[key].fit.__doc__ or "")
