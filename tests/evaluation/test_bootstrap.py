import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from core.evaluation.bootstrap import bootstrap, bootstrap_difference, mean_of, wilson


def test_the_interval_of_a_mean_is_that_of_the_binomial() -> None:
    """Resampling 0s and 1s draws from a binomial, whose quantiles are known."""
    hits = np.repeat([True, False], [620, 380])
    found = bootstrap({"top1": mean_of(hits)}, 1000, resamples=20_000)["top1"]
    assert found.value == 0.62
    assert found.low == pytest.approx(stats.binom.ppf(0.025, 1000, 0.62) / 1000, abs=0.001)
    assert found.high == pytest.approx(stats.binom.ppf(0.975, 1000, 0.62) / 1000, abs=0.001)


def test_the_interval_agrees_with_scipy() -> None:
    values = np.random.default_rng(0).gamma(2.0, size=300)
    ours = bootstrap({"mean": mean_of(values)}, 300, resamples=5000)["mean"]
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=5000, method="percentile", rng=1
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.02)
    assert ours.high == pytest.approx(theirs.high, abs=0.02)


def test_the_same_seed_draws_the_same_and_figures_share_their_resamples() -> None:
    hits = np.arange(50) % 3 == 0
    statistics = {"a": mean_of(hits), "b": mean_of(hits)}
    found = bootstrap(statistics, 50)
    assert found["a"] == found["b"] == bootstrap({"a": mean_of(hits)}, 50)["a"]
    assert found["a"] != bootstrap({"a": mean_of(hits)}, 50, seed=1)["a"]


def test_a_mean_of_some_looks_at_those_only() -> None:
    values = np.array([1.0, 1.0, 0.0, 9.0])
    among = np.array([True, True, True, False])
    assert bootstrap({"some": mean_of(values, among)}, 4)["some"].value == pytest.approx(2 / 3)


def test_what_has_no_value_is_left_out() -> None:
    nobody = np.zeros(3, np.bool_)
    statistics = {"none": mean_of(np.ones(3), nobody), "all": mean_of(np.ones(3))}
    assert bootstrap(statistics, 3).keys() == {"all"}
    assert bootstrap({"all": mean_of(np.ones(0))}, 0) == {}


@settings(deadline=None, max_examples=25)
@given(st.lists(st.booleans(), min_size=1, max_size=300))
def test_the_interval_holds_the_value(hits: list[bool]) -> None:
    found = bootstrap({"top1": mean_of(np.array(hits))}, len(hits), resamples=200)["top1"]
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_many_pictures_are_drawn_in_parts() -> None:
    """The resamples of 60,000 pictures do not fit into one draw."""
    hits = np.arange(60_000) % 2 == 0
    found = bootstrap({"top1": mean_of(hits)}, 60_000, resamples=10)["top1"]
    assert 0.49 < found.low < 0.5 < found.high < 0.51


@pytest.mark.parametrize(("hits", "count"), [(0, 5), (5, 5), (3, 10), (812, 2485), (1, 1)])
def test_wilson_agrees_with_scipy(hits: int, count: int) -> None:
    theirs = stats.binomtest(hits, count).proportion_ci(method="wilson")
    ours = wilson(hits, count)
    assert ours.value == hits / count
    assert ours.low == pytest.approx(theirs.low, abs=1e-9)
    assert ours.high == pytest.approx(theirs.high, abs=1e-9)


def test_a_paired_difference_has_the_interval_of_its_variance() -> None:
    """For large counts the bootstrap is normal: p ± 1.96 sqrt(var / n)."""
    found = bootstrap_difference(300, 200, 2000)
    variance = (500 - 100**2 / 2000) / 2000**2
    assert found.value == pytest.approx(0.05)
    assert found.low == pytest.approx(0.05 - 1.96 * variance**0.5, abs=0.002)
    assert found.high == pytest.approx(0.05 + 1.96 * variance**0.5, abs=0.002)


def test_models_that_always_agree_do_not_differ() -> None:
    found = bootstrap_difference(0, 0, 10)
    assert (found.low, found.value, found.high) == (0, 0, 0)
