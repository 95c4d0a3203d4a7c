"""How fast somebody decides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.people import PAUSE_S, measure_pace


def measure(at_s, active_s, stands=None):
    stands = [True] * len(at_s) if stands is None else stands
    return measure_pace(np.array(at_s, float), np.array(active_s, float), np.array(stands, bool))


def test_time_at_work_is_from_the_first_act_to_the_last() -> None:
    pace = measure([100, 160, 220], [10, 10, 10])
    assert pace.at_work_s == 10 + 60 + 60
    assert pace.active_s == 30
    assert pace.per_hour == pytest.approx(3 / (130 / 3600))
    assert pace.per_active_minute == 6


def test_a_pause_does_not_count_and_one_on_the_limit_does() -> None:
    assert measure([0, PAUSE_S], [5, 5]).at_work_s == 5 + PAUSE_S
    assert measure([0, PAUSE_S + 1], [5, 5]).at_work_s == 10


def test_decisions_that_arrive_together_took_the_time_they_were_looked_at() -> None:
    assert measure([50, 50, 50], [7, 8, 9]).at_work_s == 24


def test_what_does_not_stand_takes_time_and_is_no_decision() -> None:
    pace = measure([0, 30], [30, 30], [True, False])
    assert (pace.decisions, pace.active_s) == (1, 60)
    assert pace.per_active_minute == 1


def test_without_acts_or_time_there_is_no_pace() -> None:
    assert measure([], []).per_hour is None
    pace = measure([10], [0])
    assert (pace.decisions, pace.per_hour, pace.per_active_minute) == (1, None, None)


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 300)), min_size=1, max_size=30))
def test_nobody_looks_longer_than_they_are_at_work(acts) -> None:
    acts.sort()
    pace = measure([at for at, _ in acts], [active for _, active in acts])
    assert pace.at_work_s >= pace.active_s - 1e-6
    assert pace.at_work_s <= acts[-1][0] - acts[0][0] + pace.active_s + 1e-6
