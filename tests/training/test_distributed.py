"""Two processes with gloo on the CPU do what one does with all of the batch."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import InvalidInputError
from core.imaging import ImageLimits
from core.models import save
from core.training import TrainingRequest, distributed
from core.training.datasets import read_dataset
from core.training.trainer import Resources, train
from tests.test_house import ROOT
from tests.training.trees import make_tree

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
SCRIPT = str(Path(__file__).with_name("two_processes.py"))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("tree"), each=6)


@pytest.fixture(scope="module")
def teacher(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    small = {"epochs": 1, "image_size_px": 32, "batch_size": 8, "weights": "none"}
    trained = train(
        TrainingRequest("custom_cnn", str(tree), changes=small),
        read_dataset(tree),
        resources=Resources(ImageLimits(10_000_000, 1_000_000), device="cpu"),
        on_progress=lambda _: None,
        should_stop=lambda: False,
    )
    path = tmp_path_factory.mktemp("teacher") / "teacher.safetensors"
    save(path, network=trained.network, card=trained.card)
    return path


def run(*command: str, data_dir: Path | None = None, is_killed: bool = False) -> str:
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
    assert (result.returncode == 0) is not is_killed, result.stderr
    return result.stdout


@pytest.mark.slow
def test_two_processes_end_where_one_does(tree: Path, tmp_path: Path) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    for folder, command in ((alone, (sys.executable,)), (together, TORCHRUN)):
        folder.mkdir()
        run(*command, SCRIPT, str(tree), str(folder))
    one, first, second = ended(alone, 0), ended(together, 0), ended(together, 1)
    assert_same(first, second)
    assert first["curve"] == pytest.approx(one["curve"], rel=1e-3)
    for name, tensor in one["network"].items():
        torch.testing.assert_close(first["network"][name], tensor, atol=2e-3, rtol=1e-2)
    assert len(list(together.glob("snapshots/*/state.safetensors"))) == 1


@pytest.mark.slow
def test_two_that_are_taught_and_killed_go_on_to_the_same(
    tree: Path, teacher: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    taught = (*TORCHRUN, SCRIPT, str(tree), "--teacher", str(teacher))
    run(*taught, str(whole))
    run(*taught, str(killed), "--killed-in", "2", is_killed=True)
    assert not list(killed.glob("*.pt"))
    run(*taught, str(killed))
    assert_same(ended(killed, 0), ended(killed, 1))
    assert_same(ended(whole, 0), ended(killed, 0))


def ended(folder: Path, rank: int) -> dict[str, Any]:
    """Return what a process ended with: its losses and weights."""
    saved: dict[str, Any] = torch.load(folder / f"process-{rank}.pt", weights_only=True)
    return saved


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one["curve"] == other["curve"]
    for name, tensor in one["network"].items():
        assert torch.equal(tensor, other["network"][name]), name


def test_processes_without_two_pictures_of_each_batch_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    distributed.check_shares(8)
    with pytest.raises(InvalidInputError, match="batch_size of at least 8"):
        distributed.check_shares(7)
    monkeypatch.delenv("WORLD_SIZE")
    distributed.check_shares(1)


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
