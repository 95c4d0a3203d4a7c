"""docs/evaluation.md says what the tables say."""

import re

from core.evaluation import FIGURES
from core.evaluation.bootstrap import RESAMPLES
from core.evaluation.comparison import EXACT_BELOW
from core.evaluation.predictions import MAX_KEPT
from core.evaluation.reliability import BINS
from tests.test_house import ROOT

TEXT = (ROOT / "docs/evaluation.md").read_text()


def test_every_figure_is_explained() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", TEXT, flags=re.MULTILINE)
    assert rows[1:] == [(row.label, row.text) for row in FIGURES.values()]


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"{RESAMPLES:,} times" in TEXT
    assert f"Below {EXACT_BELOW} such photos" in TEXT
    assert f"the {MAX_KEPT} likeliest categories" in TEXT
    assert f"into {BINS} bins" in TEXT
