"""Shares of few, with how far they can be trusted."""

import pytest

from core.evaluation import Tally


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(8, 10, 0.490, 0.943), (0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (1, 1, 0.207, 1.0)],
)
def test_a_share_has_wilsons_interval(hits, count, low, high):
    share = Tally(hits, count).share
    assert share.value == hits / count
    assert (share.low, share.high) == pytest.approx((low, high), abs=5e-4)
