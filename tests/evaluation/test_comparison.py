import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from core.evaluation import compare
from core.evaluation.comparison import EXACT_BELOW, mcnemar

counts = st.integers(0, 200)


@given(counts, counts)
def test_the_p_value_agrees_with_scipy(only_first: int, only_second: int) -> None:
    p_value, method = mcnemar(only_first, only_second)
    pairs = only_first + only_second
    if pairs < EXACT_BELOW:
        expected = stats.binomtest(only_first, pairs).pvalue if pairs else 1.0
    else:
        statistic = max(0, abs(only_first - only_second) - 1) ** 2 / pairs
        expected = stats.chi2.sf(statistic, 1)
    assert p_value == pytest.approx(expected, rel=1e-9)
    assert method == ("exact" if pairs < EXACT_BELOW else "chi_square")


@given(counts, counts)
def test_it_does_not_matter_who_is_first(only_first: int, only_second: int) -> None:
    assert mcnemar(only_first, only_second) == mcnemar(only_second, only_first)


def test_textbook_case() -> None:
    """Agresti, Categorical Data Analysis, table 10.1: 150 and 86 discordant pairs."""
    p_value, method = mcnemar(150, 86)
    assert method == "chi_square"
    assert p_value == pytest.approx(4.1e-5, rel=0.02)


def test_pictures_are_counted_by_who_was_right() -> None:
    first = np.array([True, True, True, False, False])
    second = np.array([True, False, False, True, False])
    found = compare(first, second)
    assert (found.both_right, found.only_first, found.only_second, found.both_wrong) == (1, 2, 1, 1)
    assert found.pictures == 5
    assert found.difference.value == pytest.approx(1 / 5)
    assert found.p_value == 1.0
