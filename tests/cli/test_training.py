import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import build_app
from core.errors import InvalidInputError
from tests.training.trees import make_tree
from tests.worker.catalog import wait_until

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


def test_a_training_that_is_told_to_stop_keeps_its_best_epoch(tmp_path: Path) -> None:
    """A real process; its only look at the test split stands on the terminal."""
    tree = tmp_path / "tree"
    for path in make_tree(tree / "train").rglob("[89].png"):
        test = tree / "test" / path.relative_to(tree / "train")
        test.parent.mkdir(parents=True, exist_ok=True)
        path.rename(test)
    command = [sys.executable, "-m", "cli.main", "train", "--arch", "custom_cnn", "--json"]
    options = ["--data", str(tree), "--epochs", "1000", "--image-size", "32", "--batch-size", "8"]
    training = subprocess.Popen(
        command + options,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: any((tmp_path / "data").rglob("training/*/*")), timeout_s=90)
    training.terminate()
    out, err = training.communicate(timeout=90)
    assert training.returncode == 0, err
    (version,) = json.loads(out)["models"]
    assert version["metrics"]["training"]["stopped"] == "cancelled"
    assert version["state"] != "active"
    assert "It is not in use" in err
    assert err.count("reads the test split") == 1
