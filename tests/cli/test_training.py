import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import build_app
from core.errors import InvalidInputError
from tests.training.trees import make_tree

pytestmark = pytest.mark.usefixtures("own_data")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(build_app(), list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_training_and_listing_on_an_empty_data_directory(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree")
    options = ("--epochs", "1", "--image-size", "32", "--batch-size", "8", "--json")
    trained = json.loads(run("train", "--arch", "custom_cnn", "--data", str(tree), *options))
    listed = json.loads(run("models", "--json"))
    assert trained == listed
    assert listed["models"][0]["arch"] == "custom_cnn"
    assert "custom_cnn" in run("models")


def test_data_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="nowhere"):
        run("train", "--arch", "vit", "--data", str(tmp_path / "nowhere"))
