import re
from pathlib import Path

from core.flags import FLAG_KINDS
from core.quality import QUALITY_CHECKS

DOCS = (Path(__file__).resolve().parents[2] / "docs/flags.md").read_text()


def test_the_docs_list_every_flag_in_order():
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", DOCS, flags=re.MULTILINE)

    assert rows == [(kind.key, kind.severity) for kind in FLAG_KINDS.values()]


def test_the_docs_give_every_limit_and_how_it_is_measured():
    for check in QUALITY_CHECKS.values():
        row = f"| {check.side} {check.limit:g} {check.unit} | {check.how} |"
        assert row in DOCS, check.key
