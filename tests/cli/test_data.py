import json
import re
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.main import build_app
from core.errors import InvalidInputError
from tests.training.trees import make_tree

pytestmark = pytest.mark.usefixtures("own_data")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build_app(), ["data", "check", *arguments], catch_exceptions=False)


def test_good_data_passes(tmp_path: Path) -> None:
    result = run(str(make_tree(tmp_path / "tree", each=2)))
    assert result.exit_code == 0
    assert "6 pictures (6 unsplit), 3 categories in 2 groups" in " ".join(result.stdout.split())
    assert "This can be trained on." in result.stdout


def test_data_that_a_training_would_refuse_fails_with_files_and_labels(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", each=2)
    (tree / "Warm" / "Brown").mkdir()
    (tree / "Warm" / "Brown" / "[bold].png").write_bytes(b"text")
    result = run(str(tree))
    assert result.exit_code == 1
    assert "This cannot be trained on." in result.stdout
    assert "Categories without a training picture" in result.stdout
    assert "[bold].png" in re.sub(r"[\s│]", "", result.stdout)  # the table breaks long paths


def test_json_has_the_whole_report(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", each=2)
    copy = tree / "Cool" / "Blue" / "copy.png"
    copy.write_bytes((tree / "Warm" / "Red" / "0.png").read_bytes())
    result = run(str(tree), "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert report["is_trainable"]
    (finding,) = report["findings"]
    assert (finding["key"], finding["count"]) == ("two_labels", 1)
    assert finding["examples"][0]["labels"] == ["Cool > Blue", "Warm > Red"]
    assert finding["examples"][0]["files"][0] == str(copy)


def test_labels_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InvalidInputError, match="no column path"):
        run(str(tmp_path / "labels.csv"))
