import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import console
from cli.main import build_app
from core.errors import InvalidInputError, NotFoundError
from core.services import audits, database
from core.services.audits import FindingFilter
from core.settings import get_settings
from core.training.datasets import read_dataset
from tests.training.trees import COLOURS, draw, make_tree

pytestmark = pytest.mark.usefixtures("own_data")

BLUE, _, RED = COLOURS


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A blue photo stands among the red ones, and a text."""
    root = make_tree(tmp_path / "tree", each=6)
    draw(root / "Warm" / "Red" / "blue.png", COLOURS[BLUE], seed=77)
    (root / "Warm" / "Red" / "text.png").write_text("no picture")
    return root


def run(*arguments: str) -> tuple[str, str]:
    result = CliRunner().invoke(build_app(), list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def squeeze(shown: str) -> str:
    return "".join(letter for letter in shown if not letter.isspace() and letter not in "│┃")


def test_an_audit_prints_and_writes_what_it_found_and_labels_are_corrected(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console.stdout, "_width", 200)
    output = tree.parent / "findings.json"
    shown, told = run("audit-labels", "--data", str(tree), "--output", str(output))
    assert "Warm/Red/blue.png" in squeeze(shown)
    assert str(tree) not in squeeze(shown)
    assert "19photos,3categories" in squeeze(shown)
    assert "Ofthis1finding,expectatmost10%tobeunfounded" in squeeze(shown)
    assert "text.png" in squeeze(told)
    (row,) = json.loads(output.read_text())
    assert (row["claimed"], row["suggested"]) == (RED, BLUE)

    engine, settings = database.get_engine(), get_settings()
    actor = database.local_actor(engine)
    (finding,) = audits.list_findings(
        engine, settings, actor=actor, audit_id=1, only=FindingFilter(0.1), limit=9
    )
    audits.settle(engine, settings, actor=actor, finding_id=finding.id, label=BLUE)
    labels = tree / "labels.csv"
    run("corrected-labels", "1", "--output", str(labels))
    corrected = {sample.path.name: sample.label for sample in read_dataset(labels).samples}
    assert corrected["blue.png"] == BLUE
    assert "blue.png,Cool > Blue" in run("corrected-labels")[0]


def test_json_has_the_whole_audit(tree: Path) -> None:
    told = json.loads(run("audit-labels", "--data", str(tree), "--json")[0])
    assert told["photos"] == 19
    assert told["shown"][0]["suggested"] == BLUE
    assert told["skipped"][0]["path"].endswith("text.png")
    assert "unfounded" in told["promise"]


def test_what_cannot_be_done_is_named_before_the_work(tree: Path) -> None:
    with pytest.raises(InvalidInputError, match="ends in none"):
        run("audit-labels", "--data", str(tree), "--output", "a.xls")
    with pytest.raises(InvalidInputError, match="above 0 and below 1"):
        run("audit-labels", "--data", str(tree), "--false-alarms", "10")
    with pytest.raises(NotFoundError, match="no audit yet"):
        run("corrected-labels")
