import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluation.bootstrap import bootstrap
from core.evaluation.coverage import area_under_risk, measure_coverage
from core.evaluation.reliability import expected_calibration_error, measure_reliability

CONFIDENCES = np.array([0.95, 0.85, 0.84, 0.4], np.float32)
CORRECT = np.array([True, True, False, False])


def test_bins_hold_what_they_say() -> None:
    found = measure_reliability(CONFIDENCES, CORRECT)
    assert [each.count for each in found] == [1, 2, 1]
    assert found[1].confidence == pytest.approx(0.845, abs=1e-6)
    assert found[1].accuracy == 0.5
    assert all(each.low <= each.confidence <= each.high for each in found)


def test_a_certain_prediction_is_in_the_last_bin() -> None:
    (only,) = measure_reliability(np.array([1.0], np.float32), np.array([True]))
    assert only.high == 1


@settings(deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_error_is_the_weighted_gap_of_the_bins(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(4), 50).astype(np.float32)
    labels = rng.integers(0, 4, 50)
    confidences = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    gaps = sum(
        each.count * abs(each.confidence - each.accuracy)
        for each in measure_reliability(confidences, correct)
    )
    found = expected_calibration_error(confidences, correct)
    assert found == pytest.approx(gaps / 50, abs=1e-6)


def test_coverage_rises_to_all_pictures() -> None:
    found = measure_coverage(CONFIDENCES, CORRECT)
    assert [point.coverage for point in found] == [0.25, 0.5, 0.75, 1.0]
    assert [point.accuracy for point in found] == pytest.approx([1, 1, 2 / 3, 1 / 2])
    assert [point.threshold for point in found] == pytest.approx([0.95, 0.85, 0.84, 0.4])


def test_a_curve_of_many_pictures_has_a_hundred_points() -> None:
    confidences = np.linspace(0, 1, 12_345, dtype=np.float32)
    found = measure_coverage(confidences, confidences > 0.5)
    assert len(found) == 100
    assert found[-1].coverage == 1


def test_the_area_is_the_mean_risk() -> None:
    found = bootstrap({"aurc": area_under_risk(CONFIDENCES, CORRECT)}, 4, resamples=1)["aurc"]
    assert found.value == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)


@settings(deadline=None)
@given(seed=st.integers(0, 1000))
def test_a_weight_of_two_is_the_picture_twice(seed: int) -> None:
    rng = np.random.default_rng(seed)
    confidences = rng.random(12).astype(np.float32)
    correct = rng.random(12) < 0.6
    weights = rng.integers(0, 3, 12)
    weights[0] = 1
    weighted = area_under_risk(confidences, correct)(weights[None].astype(float))[0]
    # Pictures of equal confidence come together, so the area of the copies is that of their mean.
    order = np.argsort(-confidences, kind="stable")
    kept, wrong = weights[order], ~correct[order]
    risks = np.cumsum(kept * wrong) / np.maximum(np.cumsum(kept), 1)
    assert weighted == pytest.approx((kept * risks).sum() / kept.sum())
