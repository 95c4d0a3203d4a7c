import numpy as np
import pytest

from core.novelty import Known

AXES = np.eye(16)
NAMES = ("A", "B", "C", "D")


def photos_near(axis: int, count: int, *, seed: int = 0, spread: float = 0.15) -> np.ndarray:
    """Unit vectors about one axis."""
    noise = np.random.default_rng((seed, axis)).normal(0, spread, (count, 16))
    vectors = AXES[axis] + noise
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def known_photos(count: int = 60, *, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    embeddings = np.concatenate([photos_near(axis, count, seed=seed) for axis in range(4)])
    return embeddings, list(np.repeat(NAMES, count))


def unsure(count: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.6, 1.0, count)


def test_photos_of_known_categories_seem_unknown_as_rarely_as_promised():
    known = Known.of(*known_photos())
    fresh, _ = known_photos(250, seed=1)

    p_values = np.array([each.p_value for each in known.assess(fresh)])

    for rate in (0.02, 0.1, 0.5):
        assert (p_values <= rate).mean() == pytest.approx(rate, abs=0.25 * rate + 0.015)


def test_a_new_product_is_unlike_all_known_ones():
    known = Known.of(*known_photos())

    for each in known.assess(photos_near(9, 20, seed=1)):
        assert each.p_value == pytest.approx(1 / 241)
        assert each.known == 240


def test_a_photo_is_judged_without_itself():
    """Far more dimensions than photos: each would be its own prototype's neighbour."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(80, 200))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    known = Known.of(vectors[:40], list(np.repeat(NAMES, 10)))

    p_values = np.array([each.p_value for each in known.assess(vectors[40:])])

    assert p_values.mean() == pytest.approx(0.5, abs=0.15)


def test_the_nearest_categories_come_nearest_first():
    known = Known.of(*known_photos())

    (found,) = known.assess((AXES[1] + 0.4 * AXES[2])[None])

    assert [name for name, _ in found.nearest[:2]] == ["B", "C"]
    assert len(found.nearest) == 3
    assert found.nearest[0][1] > found.nearest[1][1] > found.nearest[2][1]


def test_models_that_are_in_doubt_make_a_photo_seem_less_known():
    embeddings, names = known_photos()
    known = Known.of(embeddings, names, unsure(240))
    photos = np.repeat(photos_near(0, 1, seed=3), 3, axis=0)

    sure, doubtful, silent = known.assess(photos, np.array([0.99, 0.1, np.nan]))

    assert sure.p_value > 2 * doubtful.p_value
    assert silent.p_value is None


def test_known_photos_that_no_model_has_seen_do_not_count():
    embeddings, names = known_photos()
    confidences = unsure(240)
    confidences[:100] = np.nan

    known = Known.of(embeddings, names, confidences)

    assert known.assess(embeddings[:1], np.array([0.9]))[0].known == 140


def test_five_examples_are_recognised_and_four_are_not():
    embeddings, names = known_photos()
    photos = photos_near(9, 20, seed=1)
    for count, expected in ((5, "New"), (4, None)):
        examples = photos_near(9, count, seed=2)
        known = Known.of(np.concatenate([embeddings, examples]), [*names, *["New"] * count])

        found = {each.recognised for each in known.assess(photos, opened={"New"})}

        assert found == {expected}


def test_only_opened_categories_are_recognised():
    known = Known.of(*known_photos())

    assert {each.recognised for each in known.assess(photos_near(0, 5), opened={"B"})} == {None}


def test_what_is_only_nearest_is_not_recognised():
    embeddings, names = known_photos()
    examples = photos_near(9, 5, seed=2)
    known = Known.of(np.concatenate([embeddings, examples]), [*names, *["New"] * 5])
    stranger = AXES[12] + 0.15 * AXES[9]

    (found,) = known.assess(stranger[None] / np.linalg.norm(stranger), opened={"New"})

    assert found.nearest[0][0] == "New"
    assert found.recognised is None


def test_a_category_with_a_single_photo_is_known_too():
    embeddings, names = known_photos()
    known = Known.of(np.concatenate([embeddings, AXES[9:10]]), [*names, "New"])

    (found,) = known.assess(AXES[9:10], opened={"New"})

    assert found.nearest[0][0] == "New"
    assert found.recognised is None
