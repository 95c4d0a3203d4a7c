"""What an audit found as files, and its catalogue with corrected labels."""

import csv
import io
import json
from pathlib import Path

import pytest
from pyarrow import parquet

from core.errors import InvalidInputError, NotFoundError
from core.services import audit_exports, audits
from core.services.audits import FindingFilter
from core.training.datasets import read_dataset
from tests.services.audited import BLUE, CLAIMS, GREEN, RED, add_audit


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "shelf"


@pytest.fixture
def audit_id(engine, settings, shelf) -> int:
    return add_audit(engine, settings, shelf)


def write(engine, settings, actor, audit_id, path: Path) -> Path:
    audit_exports.write_findings(engine, settings, actor=actor, audit_id=audit_id, path=path)
    return path


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_findings_asked_for_are_written_in_each_format(
    engine, settings, actor, audit_id, tmp_path
):
    (row,) = read_csv(write(engine, settings, actor, audit_id, tmp_path / "a.csv").read_text())
    (same,) = json.loads(write(engine, settings, actor, audit_id, tmp_path / "a.json").read_text())
    table = parquet.read_table(write(engine, settings, actor, audit_id, tmp_path / "a.parquet"))

    assert table.to_pylist() == [same]
    assert (row["claimed"], row["suggested"]) == (same["claimed"], same["suggested"]) == (RED, BLUE)
    assert same["path"].endswith("shelf/5.png")
    assert [Path(path).name for path in same["alike_suggested"]] == ["0.png", "1.png"]
    assert float(row["probability_wrong"]) == 0.98
    assert row["alike_suggested"] == " | ".join(same["alike_suggested"])


def test_a_name_that_cannot_be_written_is_refused(engine, settings, actor, audit_id, tmp_path):
    with pytest.raises(InvalidInputError, match="ends in none"):
        write(engine, settings, actor, audit_id, tmp_path / "a.xls")
    with pytest.raises(InvalidInputError, match="there is no folder"):
        write(engine, settings, actor, audit_id, tmp_path / "nowhere" / "a.csv")


def correct(engine, settings, actor, audit_id, folder=None) -> str:
    return audit_exports.corrected_csv(
        engine, settings, actor=actor, audit_id=audit_id, folder=folder
    )


def test_corrected_labels_can_be_trained_on(engine, settings, actor, audit_id, shelf):
    found = audits.list_findings(
        engine, settings, actor=actor, audit_id=audit_id, only=FindingFilter(), limit=9
    )
    for finding, label in zip(found, (BLUE, RED), strict=True):
        audits.settle(engine, settings, actor=actor, finding_id=finding.id, label=label)

    for folder in (None, shelf, shelf.parent):
        table = correct(engine, settings, actor, audit_id, folder)
        where = (folder or shelf) / "labels.csv"
        where.write_text(table)
        samples = read_dataset(where).samples
        assert [sample.label for sample in samples] == [*CLAIMS[:5], BLUE, RED]
        assert [sample.path.name for sample in samples] == [f"{at}.png" for at in range(7)]
    settled = [row["settled"] for row in read_csv(table)]
    assert settled == ["no"] * 5 + ["yes"] * 2


def test_a_word_taken_back_corrects_nothing(engine, settings, actor, audit_id):
    (first, _) = audits.list_findings(
        engine, settings, actor=actor, audit_id=audit_id, only=FindingFilter(), limit=9
    )
    before = correct(engine, settings, actor, audit_id)
    audits.settle(engine, settings, actor=actor, finding_id=first.id, label=GREEN)
    assert correct(engine, settings, actor, audit_id) != before
    audits.take_back(engine, actor=actor, finding_id=first.id)
    assert correct(engine, settings, actor, audit_id) == before


def test_a_list_elsewhere_could_not_name_the_photos(
    engine, settings, actor, audit_id, shelf, tmp_path
):
    (tmp_path / "other").mkdir()
    with pytest.raises(InvalidInputError, match=f"write it into {shelf}"):
        correct(engine, settings, actor, audit_id, tmp_path / "other")
    with pytest.raises(NotFoundError, match="no audit 9"):
        correct(engine, settings, actor, 9)


def test_a_findings_table_without_findings_has_a_head():
    assert audit_exports.findings_csv([]).startswith("rank,path,claimed")
