"""Two processes with gloo on the CPU do what one does with all of the batch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.test_house import ROOT
from tests.training.trees import make_tree

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
SCRIPT = str(Path(__file__).with_name("two_processes.py"))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("tree"), each=6)


def run(*command: str, data_dir: Path | None = None) -> str:
    more = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    if data_dir:
        more["CATALENS_DATA_DIR"] = str(data_dir)
    result = subprocess.run(
        command,
        env=os.environ | more,
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
def test_two_processes_end_where_one_does(tree: Path, tmp_path: Path) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    for folder, command in ((alone, (sys.executable,)), (together, TORCHRUN)):
        folder.mkdir()
        run(*command, SCRIPT, str(tree), str(folder))
    one, first, second = (
        torch.load(folder / f"process-{rank}.pt", weights_only=True)
        for folder, rank in ((alone, 0), (together, 0), (together, 1))
    )
    assert first["curve"] == second["curve"]
    assert first["curve"] == pytest.approx(one["curve"], rel=1e-3)
    for name, tensor in one["network"].items():
        assert torch.equal(first["network"][name], second["network"][name]), name
        torch.testing.assert_close(first["network"][name], tensor, atol=2e-3, rtol=1e-2)
    assert len(list(together.glob("snapshots/*/state.safetensors"))) == 1


@pytest.mark.slow
def test_torchrun_registers_one_version(tree: Path, tmp_path: Path) -> None:
    options = ("--epochs", "1", "--image-size", "32", "--batch-size", "8", "--json")
    training = ("-m", "cli.main", "train", "--arch", "custom_cnn", "--data", str(tree), *options)
    printed = run(*TORCHRUN, *training, data_dir=tmp_path / "data")
    trained = json.loads(printed)
    listed = json.loads(
        run(sys.executable, "-m", "cli.main", "models", "--json", data_dir=tmp_path / "data")
    )
    assert listed == trained
    assert len(listed["models"]) == 1
