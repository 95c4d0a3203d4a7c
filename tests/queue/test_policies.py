"""The table of policies, places in a queue, and how long a kind of work takes."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInputError
from core.queue import (
    DEFAULT_POLICY,
    EFFORTS,
    POLICIES,
    Group,
    Order,
    effort_of,
    read_position,
    seconds_of,
    write_position,
)
from core.queue.efforts import MIN_MEASURED
from core.queue.position import MAX_ID

PLACES = st.dictionaries(
    st.text(max_size=20),
    st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, MAX_ID)),
    min_size=1,
    max_size=5,
)


def test_every_row_is_complete_and_the_default_is_one_of_them() -> None:
    assert DEFAULT_POLICY in POLICIES
    for key, policy in POLICIES.items():
        assert key == policy.key
        assert policy.order in get_args(Order)
        assert policy.group is None or policy.group in get_args(Group)
        assert policy.label
        assert policy.doc.endswith(".")


@given(PLACES)
def test_a_place_comes_back_as_it_was_written(place: dict[str, tuple[float, int]]) -> None:
    assert read_position(write_position(place)) == place


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[]",
        "{}",
        "3",
        '{"": 1}',
        '{"": [1]}',
        '{"": [1, 2, 3]}',
        '{"": ["a", 1]}',
        '{"": [NaN, 1]}',
        '{"": [0.5, -1]}',
        '{"": [0.5, true]}',
        f'{{"": [0.5, {2**63}]}}',
        "[" * 100_000,
        json.dumps({str(number): [0, 1] for number in range(51)}),
    ],
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="start the queue anew"):
        read_position(text)


def test_a_flag_that_asks_for_the_category_outweighs_the_others() -> None:
    assert effort_of((), asking=("mismatch",)) == "plain"
    assert effort_of(("dark",), asking=("mismatch",)) == "photo"
    assert effort_of(("dark", "mismatch"), asking=("mismatch",)) == "category"


def test_seconds_are_assumed_until_enough_decisions_were_measured() -> None:
    assumed = {key: effort.assumed_s for key, effort in EFFORTS.items()}
    few = [2_000] * (MIN_MEASURED - 1)
    assert seconds_of({"plain": few}) == assumed
    assert seconds_of({"plain": [*few, 90_000]}) == assumed | {"plain": 2.0}
