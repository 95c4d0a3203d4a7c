from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import InvalidInputError
from core.training.data.checks import DATA_CHECKS, MAX_EXAMPLES, DataReport, check_data
from core.training.data.evidence import Evidence
from core.training.data.samples import Dataset, Part, Sample
from core.training.data.scanning import Scanned, Unusable
from tests.test_house import ROOT
from tests.training.fingerprints import fingerprint

GONE = Unusable("missing_file", "the file does not exist")
BROKEN = Unusable("truncated", "cut short")

Row = tuple[str, str, Part | None, Scanned]


def row(name: str, label: str, content: str | Unusable, part: Part | None = None) -> Row:
    return name, label, part, fingerprint(content) if isinstance(content, str) else content


GOOD = [
    row(f"{label}{n}.png", label, f"{label}{n}")
    for label in ("A", "B")
    for n in range(3)
]  # fmt: skip


def checked(rows: list[Row], *, passed_over: tuple[Path, ...] = ()) -> DataReport:
    samples = tuple(Sample(Path(name), label, part) for name, label, part, _ in rows)
    dataset = Dataset("data", "csv", samples, passed_over)
    return check_data(Evidence(dataset, [scanned for *_, scanned in rows]))


NEAR: Row = ("near.png", "A", "test", fingerprint("near", like="A1"))

CASES: dict[str, Callable[[], DataReport]] = {
    "missing_file": lambda: checked([*GOOD, row("x.png", "A", GONE)]),
    "untrained": lambda: checked([*GOOD, row("x.png", "C", BROKEN)]),
    "unvalidated": lambda: checked(GOOD[::3]),
    "unreadable": lambda: checked([*GOOD, row("x.png", "A", BROKEN)]),
    "single_picture": lambda: checked([*GOOD, row("x.png", "C", "c"), row("y.png", "C", "c")]),
    "two_labels": lambda: checked([*GOOD, row("x.png", "B", "A1")]),
    "leak": lambda: checked([*GOOD, row("x.png", "A", "A1", "test")]),
    "near_leak": lambda: checked([*GOOD, NEAR]),
    "passed_over": lambda: checked(GOOD, passed_over=(Path("x.txt"),)),
}
ALSO = {"unvalidated": {"single_picture"}, "untrained": {"unreadable"}}


def test_every_check_has_a_case() -> None:
    assert list(CASES) == [check.key for check in DATA_CHECKS]


@pytest.mark.parametrize("key", CASES)
def test_a_check_finds_its_fault_and_no_other(key: str) -> None:
    report = CASES[key]()
    found = {finding.key: finding for finding in report.findings}
    assert found.keys() == {key} | ALSO.get(key, set())
    assert found[key].count == 1
    assert report.is_trainable == (found[key].severity == "warning")


def test_good_data_has_no_findings() -> None:
    report = checked(GOOD)
    assert report.findings == ()
    assert (report.pictures, report.categories, report.parts) == (6, 2, {"unsplit": 6})
    report.require_trainable()


def test_errors_come_first_and_are_raised_together() -> None:
    rows = [*GOOD, row("x.png", "C", BROKEN), row("y.png", "A", GONE)]
    report = checked(rows)
    assert [finding.severity for finding in report.findings] == ["error", "error", "warning"]
    with pytest.raises(
        InvalidInputError, match=r"Missing files \(1, such as y\.png\).*such as C\)"
    ):
        report.require_trainable()


def test_content_under_two_labels_is_shown_with_files_and_labels() -> None:
    (finding,) = CASES["two_labels"]().findings
    assert finding.examples[0].files == ("A1.png", "x.png")
    assert finding.examples[0].labels == ("A", "B")


def test_content_in_two_parts_is_shown_with_them() -> None:
    (finding,) = CASES["leak"]().findings
    assert finding.examples[0].files == ("A1.png",)
    assert finding.examples[0].detail == "its content stands in: test, train"


def test_many_cases_are_counted_and_a_few_are_shown() -> None:
    rows = [row(f"{n}.png", "A", BROKEN) for n in range(50)]
    (finding,) = checked([*GOOD, *rows]).findings
    assert finding.count == 50
    assert len(finding.examples) == MAX_EXAMPLES


def test_the_documentation_names_every_check() -> None:
    text = (ROOT / "docs" / "training-data.md").read_text()
    rows = [f"| `{check.key}` | {check.severity} |" for check in DATA_CHECKS]
    assert [each for each in rows if each not in text] == []
