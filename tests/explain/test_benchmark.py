"""What ``benchmarks.evidence`` makes of agreements and wrong labels."""

import numpy as np
import pytest

from benchmarks.evidence import MOST_SOUND, Agreed, choose_limit, tell

SOUND, WRONG = np.linspace(0.2, 1.0, 100), np.array([0.05, 0.1, 0.3, 0.9])


def agreed(sound=SOUND, wrong=WRONG):
    overlaps = np.concatenate([sound, wrong])
    is_wrong = np.arange(len(overlaps)) >= len(sound)
    return Agreed(overlaps, overlaps, is_wrong, ms_a_photo=100.0)


def test_the_limit_is_the_highest_that_catches_few_right_labels():
    limit = choose_limit(SOUND)

    assert np.mean(limit > SOUND) <= MOST_SOUND < np.mean(limit + 0.01 > SOUND)


def test_what_is_told_are_shares_on_both_sides_of_the_limit():
    figures = tell(agreed(), 0.21)

    assert (figures["agreeing"], figures["wrong"], figures["below"]) == (104, 4, 4)
    assert figures["wrong_below"] == 0.5  # two of them are right
    assert figures["wrong_above"] == 0.02
    assert figures["sound_flagged"] == 0.02
    assert figures["wrong_flagged"] == 0.5
    assert figures["wrong_below.low"] < 0.5 < figures["wrong_below.high"]


@pytest.mark.parametrize(("wrong", "auroc"), [(0.1, 1.0), (1.1, 0.0)])
def test_the_auroc_says_whether_wrong_labels_agree_less(wrong, auroc):
    figures = tell(agreed(wrong=np.full(3, wrong)), 0.2)

    assert figures["auroc"] == auroc
    assert figures["auroc.low"] <= auroc <= figures["auroc.high"]


def test_no_wrong_label_gives_no_auroc():
    assert "auroc" not in tell(agreed(wrong=WRONG[:0]), 0.2)
