import re

from benchmarks.drawn_logos import LOGOS, TREATMENTS
from core.brands import EVIDENCE_KINDS
from core.similarity.details import MIN_AGREEING, MIN_HALF, MIN_SCORE
from tests.test_house import ROOT

DOCS = (ROOT / "docs/brands.md").read_text()


def test_the_docs_list_every_kind_of_evidence_in_order() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", DOCS, flags=re.MULTILINE)
    assert rows == list(EVIDENCE_KINDS)


def test_the_docs_give_the_limits_by_which_a_logo_is_found() -> None:
    assert (MIN_AGREEING, MIN_SCORE, MIN_HALF) == (6, 0.5, 0.25)
    words = " ".join(DOCS.split())
    assert "at least 6 places agree, half of the blocks" in words
    assert "a quarter of them in the upper, lower, left and right half each" in words


def test_the_benchmark_draws_each_logo_and_alters_it_each_way() -> None:
    assert len({logo.word for logo in LOGOS}) == len(LOGOS) == 8
    drawn = [logo.draw() for logo in LOGOS]
    assert all(each.shape == (360, 480, 4) and each[..., 3].max() == 255 for each in drawn)
    assert len(TREATMENTS) == 9
