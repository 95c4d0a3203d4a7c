"""docs/imports.md says what the tables say."""

import re
from pathlib import Path

from core.imaging import FORMATS
from core.ingest import REASONS
from core.ingest.manifest import COLUMNS

TEXT = (Path(__file__).parents[2] / "docs" / "imports.md").read_text("utf-8")


def rows_below(heading: str) -> list[list[str]]:
    """Cells of the first table below a heading, without its head."""
    section = TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in re.split(r"\|", line)[1:-1]] for line in lines]


def test_every_format_is_told():
    assert rows_below("Formats") == [[each.key, " ".join(each.extensions)] for each in FORMATS]


def test_every_column_is_told():
    told = [row[:2] for row in rows_below("Manifests")]

    assert told == [[each.name, ", ".join(each.aliases)] for each in COLUMNS]


def test_every_reason_is_told():
    assert rows_below("Reasons for a refusal") == [
        [each.key, each.label] for each in REASONS.values()
    ]
