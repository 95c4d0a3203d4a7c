"""What a shopper would like, by what they did."""

import numpy as np
import pytest

from core.recommendation.profile import HALF_LIFE_DAYS, INTERACTION_KINDS, SOUGHT, Profile, weigh
from db.states import InteractionKind


def axes(*chosen: int) -> np.ndarray:
    return np.eye(12, dtype=np.float32)[list(chosen)]


def test_the_kinds_are_those_of_the_database():
    assert set(INTERACTION_KINDS) == set(InteractionKind)


def test_a_like_counts_more_than_a_view_and_a_month_later_half():
    now, viewed, later, future = weigh(
        ["liked", "viewed", "liked", "liked"], [0, 0, HALF_LIFE_DAYS, -5]
    )
    assert now == future == 1.0
    assert viewed < 1.0
    assert later == pytest.approx(0.5)


def test_what_is_ages_old_still_counts():
    assert weigh(["viewed"], [100_000])[0] > 0


def test_what_is_very_like_one_thing_goes_before_what_is_a_little_like_all():
    profile = Profile(axes(0, 1, 2), np.ones(3, np.float32))
    one, all_a_little = profile.likeness(np.vstack([axes(0), np.ones((1, 12)) / 12**0.5]))
    assert one > all_a_little > 0


def test_likeness_follows_the_weights():
    profile = Profile(axes(0, 1), np.array([1.0, 0.2], np.float32))
    first, second, neither = profile.likeness(axes(0, 1, 5))
    assert 1.0 > first > second > neither == 0.0


def test_neighbours_are_sought_of_different_things():
    vectors = np.vstack([np.repeat(axes(0), 20, axis=0), axes(1, 2)])
    profile = Profile(vectors, np.ones(22, np.float32))
    assert len(profile.seeds) == SOUGHT
    assert {20, 21} <= set(profile.seeds[:3].tolist())
