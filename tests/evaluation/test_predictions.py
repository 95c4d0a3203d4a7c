import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluation.calibration import calibrated
from core.evaluation.predictions import MAX_KEPT, concatenate, predict, rank_of


def draw(count: int, labels: int, *, seed: int = 0):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    return (
        rng.normal(0, 2, (count, labels)).astype(np.float32),
        rng.integers(-1, labels, count),
    )


def test_the_likeliest_come_first_with_calibrated_probabilities() -> None:
    logits = np.log(np.array([[0.2, 0.5, 0.3]], np.float32))
    found = predict(logits, np.array([2]), temperature=0.5)
    squares = np.array([0.04, 0.25, 0.09])
    np.testing.assert_array_equal(found.top_indices, [[1, 2, 0]])
    np.testing.assert_allclose(
        found.top_probabilities[0], squares[[1, 2, 0]] / squares.sum(), rtol=1e-5
    )
    np.testing.assert_allclose(found.true_probabilities, 0.09 / squares.sum(), rtol=1e-5)
    np.testing.assert_allclose(found.raw_confidences, 0.5, rtol=1e-5)
    assert found.ranks.tolist() == [1]
    assert not found.correct[0]


def test_a_label_that_the_model_does_not_know_is_never_right() -> None:
    found = predict(np.zeros((2, 3), np.float32), np.array([-1, 0]), temperature=1.0)
    assert found.known.tolist() == [False, True]
    assert found.ranks.tolist() == [-1, 0]
    assert found.correct.tolist() == [False, True]
    assert found.true_probabilities[0] == 0


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), labels=st.integers(1, 150), temperature=st.floats(0.1, 10))
def test_kept_and_ranked_agree_with_sorting_all(seed: int, labels: int, temperature: float) -> None:
    logits, targets = draw(20, labels, seed=seed)
    found = predict(logits, targets, temperature=temperature)
    order = np.argsort(-logits, axis=1, kind="stable")
    probabilities = calibrated(logits, temperature)
    kept = min(labels, MAX_KEPT)
    np.testing.assert_array_equal(found.top_indices, order[:, :kept])
    np.testing.assert_allclose(
        found.top_probabilities, np.take_along_axis(probabilities, order[:, :kept], axis=1)
    )
    places = [
        row.tolist().index(t) if t >= 0 else -1 for row, t in zip(order, targets, strict=True)
    ]
    assert found.ranks.tolist() == places
    np.testing.assert_allclose(
        found.raw_confidences, calibrated(logits, 1.0).max(axis=1), rtol=1e-5
    )


def test_of_equal_scores_the_first_label_wins_as_in_argmax() -> None:
    scores = np.array([[1.0, 3.0, 3.0, 0.0]])
    assert rank_of(scores, np.array([1])).tolist() == [0]
    assert rank_of(scores, np.array([2])).tolist() == [1]
    assert predict(scores.astype(np.float32), np.array([2]), temperature=1.0).predicted == [1]


def test_parts_join_to_the_whole_and_rows_can_be_taken() -> None:
    logits, targets = draw(10, 4)
    whole = predict(logits, targets, temperature=2.0)
    joined = concatenate(
        [
            predict(logits[:3], targets[:3], temperature=2.0),
            predict(logits[3:], targets[3:], temperature=2.0),
        ]
    )
    np.testing.assert_array_equal(joined.top_probabilities, whole.top_probabilities)
    np.testing.assert_array_equal(whole.take(np.array([9, 0])).targets, targets[[9, 0]])


def test_no_pictures_are_no_error() -> None:
    assert len(predict(np.zeros((0, 3), np.float32), np.zeros(0, np.int64), temperature=1.0)) == 0
