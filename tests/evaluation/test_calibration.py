import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluation import calibration
from core.evaluation.calibration import (
    calibrated,
    fit_cautiously,
    fit_temperature,
    negative_log_likelihood,
)
from core.evaluation.reliability import expected_calibration_error


def draw_logits(count: int = 4000, *, sharpness: float = 1.0, seed: int = 0):  # type: ignore[no-untyped-def]
    """Logits whose softmax is the true chance of each label, then sharpened."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(0, 2, (count, 5)).astype(np.float32)
    chances = calibrated(honest, 1.0)
    labels = np.array(
        [rng.choice(5, p=row / row.sum(dtype=np.float64)) for row in chances.astype(np.float64)]
    )
    return honest * np.float32(sharpness), labels


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 3.0])
def test_the_temperature_undoes_what_made_the_logits_too_sharp(sharpness: float) -> None:
    logits, labels = draw_logits(sharpness=sharpness)
    temperature = fit_temperature(logits, labels)
    assert temperature == pytest.approx(sharpness, rel=0.1)
    probabilities = calibrated(logits, temperature)
    correct = probabilities.argmax(axis=1) == labels
    assert expected_calibration_error(probabilities.max(axis=1), correct) < 0.03


@settings(deadline=None)
@given(seed=st.integers(0, 1000), sharpness=st.floats(0.1, 10))
def test_scaling_never_makes_the_labels_less_likely(seed: int, sharpness: float) -> None:
    logits, labels = draw_logits(30, sharpness=sharpness, seed=seed)
    temperature = fit_temperature(logits, labels)
    before = negative_log_likelihood(logits, labels, 1.0)
    assert negative_log_likelihood(logits, labels, temperature) <= before + 1e-4


@settings(deadline=None)
@given(seed=st.integers(0, 1000), temperature=st.floats(0.05, 20))
def test_the_temperature_does_not_change_which_label_is_likeliest(
    seed: int, temperature: float
) -> None:
    logits, _ = draw_logits(30, seed=seed)
    probabilities = calibrated(logits, temperature)
    assert np.array_equal(probabilities.argmax(axis=1), logits.argmax(axis=1))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_without_pictures_nothing_is_scaled() -> None:
    assert fit_temperature(np.zeros((0, 5), np.float32), np.zeros(0, np.int64)) == 1.0
    assert expected_calibration_error(np.zeros(0, np.float32), np.zeros(0, np.bool_)) == 0.0


def test_of_very_many_logits_some_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = draw_logits(sharpness=2.0)
    monkeypatch.setattr(calibration, "_MOST_LOGITS", logits.size // 3)
    assert fit_temperature(logits, labels) == pytest.approx(2.0, rel=0.15)


def test_the_cautious_temperature_covers_the_true_one_as_often_as_it_says() -> None:
    fitted = [fit_cautiously(draw(seed)[0][None], draw(seed)[1]) for seed in range(60)]
    assert 0.9 <= np.mean(np.array(fitted) >= 2.0) <= 1.0
    assert max(fitted) < 3.5


def test_the_same_picture_seen_again_makes_nothing_surer() -> None:
    logits, labels = draw(0)
    once, thrice = (fit_cautiously(np.stack([logits] * views), labels) for views in (1, 3))
    assert thrice == pytest.approx(once, rel=1e-4)


def test_more_pictures_bring_caution_and_estimate_together() -> None:
    few, many = (draw_logits(count, sharpness=2.0) for count in (100, 4000))
    margins = [fit_cautiously(x[None], y) / fit_temperature(x, y) for x, y in (few, many)]
    assert margins[0] > margins[1] > 1


def test_caution_without_pictures_scales_nothing() -> None:
    assert fit_cautiously(np.zeros((4, 0, 5), np.float32), np.zeros(0, np.int64)) == 1.0


def test_caution_stays_in_range_where_nothing_is_known() -> None:
    logits = np.eye(3, dtype=np.float32)[None] * 50
    assert 0.05 <= fit_cautiously(logits, np.arange(3)) <= 20


def draw(seed: int):  # type: ignore[no-untyped-def]
    return draw_logits(200, sharpness=2.0, seed=seed)


def test_the_error_is_the_gap_between_confidence_and_accuracy() -> None:
    confidences = np.full(10, 0.8, np.float32)
    correct = np.array([True] * 5 + [False] * 5)
    assert expected_calibration_error(confidences, correct) == pytest.approx(0.3)
