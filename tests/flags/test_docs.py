import re
from pathlib import Path

from core.flags import FLAG_KINDS, FLAG_LIMITS

DOCS = (Path(__file__).resolve().parents[2] / "docs/flags.md").read_text()


def test_the_docs_list_every_flag_in_order():
    rows = re.findall(r"^\| `(\w+)` \| (block|warn|hint) \|", DOCS, flags=re.MULTILINE)

    assert rows == [(kind.key, kind.severity) for kind in FLAG_KINDS.values()]


def test_the_docs_give_every_limit_its_range_and_how_it_is_measured():
    for row in FLAG_LIMITS.values():
        given = f"{row.side} {row.limit:g} {row.unit}"
        if row.source == "measures":
            assert f"| {given} | {row.how} |" in DOCS, row.key
        else:
            span = f"{row.lowest:g} to {row.highest:g}"
            assert f"| `{row.key}` | {given} | {span} | {row.how} |" in DOCS, row.key
