"""The table of limits: whole, in order, and each one decides its flag."""

import math
from dataclasses import replace

import pytest

from core.flags import FLAG_KINDS, FLAG_LIMITS, percent, raise_flags
from core.flags.limits import MIN_KNOWN
from core.mislabel import JudgedClaim
from core.quality import QUALITY_CHECKS, Limits
from db.rows import FlagValueRow, LimitRow
from tests.flags.cases import CASES, SOUND, UNKNOWN

WITHOUT_LIMIT = {"exact_duplicate"}  # equal is equal
JUDGED = JudgedClaim("Home > Bowl", "Home > Mug", 0.004, 0.06, 12, 500)
EVIDENCE = {key: evidence for key, (evidence, _) in CASES.items()} | {
    "claimed_mismatch": replace(SOUND, claimed="Home > Bowl", claim=JUDGED),
    "claimed_mismatch_margin": CASES["claimed_mismatch"][0],
}
"""By limit: evidence that it raises its flag on."""


def flagged_at(key, limit, *, branch=None):
    evidence = replace(EVIDENCE[key], category="Home > Bowl", limits=Limits({(key, branch): limit}))
    return [finding.kind for finding in raise_flags(evidence, only=FLAG_LIMITS[key].flag)] != []


def test_every_flag_but_the_exact_one_has_a_limit_in_the_order_of_flags():
    flags = list(dict.fromkeys(row.flag for row in FLAG_LIMITS.values()))

    assert flags == [key for key in FLAG_KINDS if key not in WITHOUT_LIMIT]
    for row in FLAG_LIMITS.values():
        if row.key == row.flag:
            assert row.label == FLAG_KINDS[row.flag].label
    assert set(flags) <= set(FLAG_LIMITS)


def test_a_flag_without_a_limit_says_so():
    for key in WITHOUT_LIMIT:
        assert "has no limit" in FLAG_KINDS[key].doc


def test_a_photo_check_is_held_against_its_limit_as_it_stands_in_its_table():
    for key, check in QUALITY_CHECKS.items():
        row = FLAG_LIMITS[key]
        assert (row.side, row.limit, row.unit, row.how) == (
            check.side,
            check.limit,
            check.unit,
            check.how,
        )
        assert row.value(SOUND) == check.value(SOUND.measures)


@pytest.mark.parametrize("key", FLAG_LIMITS)
def test_a_limit_of_its_own_lies_in_its_range_and_fits_into_the_database(key):
    row = FLAG_LIMITS[key]
    assert row.lowest <= row.limit <= row.highest
    assert len(key) <= min(LimitRow.kind.type.length, FlagValueRow.kind.type.length)


@pytest.mark.parametrize("key", FLAG_LIMITS)
def test_the_side_says_what_a_value_on_the_limit_does(key):
    row = FLAG_LIMITS[key]
    value = row.value(EVIDENCE[key])
    step = 0.001 if row.is_worse_above else -0.001

    assert flagged_at(key, value) == (row.side in ("up to", "from"))
    assert not flagged_at(key, value + step)
    assert flagged_at(key, value - step)
    assert not row.is_beyond(math.nan, row.limit)


@pytest.mark.parametrize("key", FLAG_LIMITS)
def test_the_limit_of_a_branch_counts_for_its_categories_only(key):
    row = FLAG_LIMITS[key]
    never = row.lowest if row.side in ("below", "up to") else row.highest

    assert not flagged_at(key, never, branch="Home")
    assert flagged_at(key, never, branch="Toys")


def test_a_copy_below_the_limit_is_not_named():
    limits = Limits({("near_duplicate", None): 0.9})
    (finding,) = raise_flags(replace(EVIDENCE["near_duplicate"], limits=limits))
    assert finding.detail == {"listings": [[7, 0.98]], "count": 1}


def test_a_promise_and_a_reason_speak_of_the_limit_that_holds():
    limits = Limits({("claimed_mismatch", "Home"): 0.075, ("unknown_product", None): 0.025})
    claimed = replace(EVIDENCE["claimed_mismatch"], category="Home > Bowl", limits=limits)
    unknown = replace(EVIDENCE["unknown_product"], limits=limits)

    (mismatch,), (novel,) = raise_flags(claimed), raise_flags(unknown)

    assert (mismatch.detail["promised"], mismatch.detail["branch"]) == (0.075, "Home")
    told = FLAG_KINDS["claimed_mismatch"].reason(mismatch.detail)
    assert "of the 12 flagged so under Home in this batch expect at most 7.5% to be" in told
    assert "than 97.5% of 240 decided" in FLAG_KINDS["unknown_product"].reason(novel.detail)
    assert "at most 7.5% unfounded" in FLAG_LIMITS["claimed_mismatch"].promised(0.075)
    assert FLAG_LIMITS["dark"].promised(0.3) == ""


@pytest.mark.parametrize(
    "key",
    [
        "near_duplicate",
        "models_disagree",
        "evidence_differs",
        "claimed_mismatch",
        "unknown_product",
    ],
)
def test_where_there_is_nothing_to_compare_there_is_no_value(key):
    assert math.isnan(FLAG_LIMITS[key].value(SOUND))


@pytest.mark.parametrize(
    "changes", [{"p_value": None}, {"known": MIN_KNOWN - 1}, {"recognised": "Home > Mug"}]
)
def test_what_is_not_known_of_a_photo_is_not_compared(changes):
    row = FLAG_LIMITS["unknown_product"]
    assert math.isnan(row.value(replace(SOUND, novelty=replace(UNKNOWN, **changes))))


@pytest.mark.parametrize(
    ("share", "told"), [(0.1, "10%"), (0.025, "2.5%"), (0.98, "98%"), (0.0, "0%")]
)
def test_a_share_is_told_as_it_was_typed(share, told):
    assert percent(share) == told
