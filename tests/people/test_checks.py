"""The draws: which listing is a check."""

import pytest

from core.people import CHECK_KINDS
from core.people.checks import choose_wrong, is_drawn, mingle, shuffled
from db.states import CheckKind


def test_every_kind_that_can_be_stored_stands_in_the_table() -> None:
    assert list(CHECK_KINDS) == [kind.value for kind in CheckKind]
    assert [kind.share for kind in CHECK_KINDS.values()] == [0.03, 0.02, 0.01]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.03, 0.2, 1.0])
def test_so_many_are_drawn_as_the_share_says_and_always_the_same(share: float) -> None:
    drawn = [id_ for id_ in range(20_000) if is_drawn("second", id_, share)]
    assert len(drawn) / 20_000 == pytest.approx(share, abs=0.006)
    assert drawn == [id_ for id_ in range(20_000) if is_drawn("second", id_, share)]


def test_one_kind_says_nothing_of_another() -> None:
    both = [
        id_
        for id_ in range(20_000)
        if is_drawn("second", id_, 0.2) and is_drawn("planted", id_, 0.2)
    ]
    assert len(both) / 20_000 == pytest.approx(0.04, abs=0.006)


def test_a_wrong_category_is_one_that_nobody_can_think_right() -> None:
    means = {1: 0.7, 2: 0.15, 3: 0.09, 4: 0.02}
    assert choose_wrong(means, never={1}) == 3
    assert choose_wrong(means, never={1, 3}) == 4
    assert choose_wrong({1: 0.5, 2: 0.4}, never={1}) is None
    assert choose_wrong({}, never=()) is None


def test_checks_stand_anywhere_among_the_others_and_nothing_is_lost() -> None:
    places = set()
    for check in range(100, 200):
        mixed = mingle([1, 2, 3, 4], [check])
        assert [id_ for id_ in mixed if id_ < 100] == [1, 2, 3, 4]
        places.add(mixed.index(check))
    assert places == {0, 1, 2, 3, 4}
    assert mingle([], [7]) == [7]
    assert sorted(shuffled([3, 1, 2], by=9)) == [1, 2, 3]
