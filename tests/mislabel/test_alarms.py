import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.mislabel import conformal_p_values, false_alarm_rates

chances = arrays(np.float64, st.integers(1, 40), elements=st.floats(0.001, 1))


def benjamini_hochberg(p_values, rate):
    """The step-up rule as the paper words it."""
    ordered = np.sort(p_values)
    passing = [k for k, p in enumerate(ordered, start=1) if p * (len(ordered) / k) <= rate]
    return p_values <= ordered[passing[-1] - 1] if passing else np.zeros(len(p_values), bool)


def test_a_p_value_counts_the_trusted_that_score_as_high():
    trusted = np.array([0.1, 0.2, 0.2, 0.7])

    p_values = conformal_p_values(np.array([0.0, 0.2, 0.5, 0.9]), trusted)

    assert p_values.tolist() == [1.0, 4 / 5, 2 / 5, 1 / 5]


def test_nothing_trusted_flags_nothing():
    assert conformal_p_values(np.array([0.99]), np.array([])).tolist() == [1.0]


@given(chances, st.floats(0.01, 0.99))
def test_what_is_flagged_is_what_benjamini_and_hochberg_flag(p_values, rate):
    flagged = false_alarm_rates(p_values) <= rate

    assert flagged.tolist() == benjamini_hochberg(p_values, rate).tolist()


@given(chances)
def test_the_rate_rises_with_the_p_value(p_values):
    rates = false_alarm_rates(p_values)[np.argsort(p_values, kind="stable")]

    assert (np.diff(rates) >= 0).all()
    assert (rates >= np.sort(p_values)).all()


@pytest.mark.parametrize("promised", [0.05, 0.2])
def test_the_share_of_unfounded_flags_keeps_the_promise(promised):
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(200):
        right, wrong, trusted = rng.normal(size=400), rng.normal(3, 1, 100), rng.normal(size=300)
        p_values = conformal_p_values(np.concatenate([right, wrong]), trusted)
        flagged = false_alarm_rates(p_values) <= promised
        shares.append(flagged[:400].sum() / max(flagged.sum(), 1))

    margin = 2 * np.std(shares) / len(shares) ** 0.5
    assert promised / 3 < np.mean(shares) <= promised + margin
