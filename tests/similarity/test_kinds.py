import numpy as np
import pytest

from core.similarity.alignment import Alignment
from core.similarity.kinds import (
    MATCH_KINDS,
    MIN_COSINE,
    MIN_COVERED,
    MIN_SAME,
    PairEvidence,
    judge,
)


def laid(score, covered=1.0):
    return Alignment(np.eye(3)[:2], False, score, covered)


CASES = {
    "same_bytes": PairEvidence(same_file=True, same_pixels=True, cosine=1.0),
    "same_picture": PairEvidence(alignment=laid(MIN_SAME), cosine=0.99),
    "same_product": PairEvidence(alignment=laid(MIN_SAME - 0.01), cosine=MIN_COSINE),
}


def test_every_kind_has_a_case():
    assert CASES.keys() == MATCH_KINDS.keys()
    assert all(key == row.key for key, row in MATCH_KINDS.items())


@pytest.mark.parametrize("key", MATCH_KINDS)
def test_the_strongest_kind_is_told(key):
    match = judge(CASES[key])

    assert match is not None
    assert match.kind == key
    assert MATCH_KINDS[key].limit <= match.score <= 1


def test_equal_pixels_are_the_same_picture_without_a_look():
    assert judge(PairEvidence(same_pixels=True)).kind == "same_picture"


@pytest.mark.parametrize(
    "pair",
    [
        PairEvidence(),
        PairEvidence(cosine=MIN_COSINE - 0.01),
        PairEvidence(alignment=laid(MIN_SAME - 0.01)),
        PairEvidence(alignment=laid(1.0, covered=MIN_COVERED - 0.01)),
    ],
)
def test_what_is_below_every_limit_is_no_match(pair):
    assert judge(pair) is None
