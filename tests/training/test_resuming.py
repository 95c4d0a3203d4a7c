"""A training that is killed goes on to the result that it would have had."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.errors import CheckpointError, JobCancelledError
from core.imaging import ImageLimits
from core.training import TrainingRequest
from core.training.bench import Bench
from core.training.datasets import read_dataset
from core.training.progress import TrainingProgress
from core.training.trainer import Resources, Trained, train
from tests.training.trees import make_tree

LIMITS = ImageLimits(max_bytes=10_000_000, max_pixels=1_000_000)
CHANGES = {
    "epochs": 6,
    "image_size_px": 32,
    "batch_size": 8,
    "weights": "none",
    "ema_decay": 0.9,
    "drop_rate": 0.3,
    "mixup": 0.2,
    "erasing": 0.5,
    "accumulation": 2,
}


class Killed(BaseException):
    """As good as a kill: nothing of ours catches it."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("tree"))


def run(
    tree: Path, folder: Path, *, killed_in: int = 99, resume: bool = True, **changes: Any
) -> Trained:
    def on_progress(progress: TrainingProgress) -> None:
        if progress.stage == "training" and progress.done and progress.epoch >= killed_in:
            raise Killed

    request = TrainingRequest("custom_cnn", str(tree), changes=CHANGES | changes)
    return train(
        request,
        read_dataset(tree),
        resources=Resources(LIMITS, device="cpu", snapshots_dir=folder),
        on_progress=on_progress,
        should_stop=lambda: False,
        resume=resume,
    )


def losses(trained: Trained) -> list[tuple[float, float]]:
    return [(epoch["loss"], epoch["val_top1"]) for epoch in trained.card.metrics["curve"]]


@pytest.mark.parametrize("changes", [{}, {"imbalance": "oversample_sqrt", "keep": "last"}])
def test_a_training_killed_twice_ends_the_same(
    tree: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    whole = run(tree, tmp_path / "whole", **changes)
    for epoch in (3, 5):
        with pytest.raises(Killed):
            run(tree, tmp_path / "killed", killed_in=epoch, **changes)
    resumed = run(tree, tmp_path / "killed", **changes)
    assert losses(resumed) == losses(whole)
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name


def test_without_resume_it_begins_again(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(tree, tmp_path, killed_in=4)
    seen = run(tree, tmp_path, resume=False)
    assert len(losses(seen)) == CHANGES["epochs"]


def test_another_recipe_does_not_go_on_there(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(tree, tmp_path, killed_in=4)
    with pytest.raises(Killed):  # in its first epoch, so it cannot have gone on
        run(tree, tmp_path, killed_in=1, seed=5)


def test_a_damaged_snapshot_is_named(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        run(tree, tmp_path, killed_in=3)
    snapshot = next(tmp_path.rglob("state.safetensors"))
    snapshot.write_bytes(snapshot.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="delete it"):
        run(tree, tmp_path)


def test_a_cancelled_training_keeps_its_best_epoch(tree: Path) -> None:
    seen = 0

    def should_stop() -> bool:
        return seen > 2

    def on_progress(progress: TrainingProgress) -> None:
        nonlocal seen
        seen = len(progress.curve)

    request = TrainingRequest("custom_cnn", str(tree), changes=CHANGES)
    trained = train(
        request,
        read_dataset(tree),
        resources=Resources(LIMITS, device="cpu"),
        on_progress=on_progress,
        should_stop=should_stop,
    )
    assert trained.stopped == "cancelled"
    assert trained.card.metrics["training"]["stopped"] == "cancelled"
    assert len(losses(trained)) == 3


def test_cancelled_in_the_first_epoch_the_fitted_classifier_is_kept(tree: Path) -> None:
    has_begun = False

    def on_progress(progress: TrainingProgress) -> None:
        nonlocal has_begun
        has_begun = progress.loss is not None

    changes = {"image_size_px": 32, "batch_size": 8, "epochs": 2}
    request = TrainingRequest("efficientnet_lite0", str(tree), changes=changes | {"full": True})
    pretrain = partial(
        train,
        dataset=read_dataset(tree),
        resources=Resources(LIMITS, device="cpu"),
        on_progress=on_progress,
    )
    cancelled = pretrain(request, should_stop=lambda: has_begun)
    assert cancelled.stopped == "cancelled"
    assert losses(cancelled) == []
    has_begun = False
    request = TrainingRequest("efficientnet_lite0", str(tree), changes=changes | {"full": False})
    fitted = pretrain(request, should_stop=lambda: False)
    for name, tensor in fitted.network.state_dict().items():
        assert torch.equal(tensor, cancelled.network.state_dict()[name]), name


def test_cancelled_before_the_first_epoch_there_is_nothing_to_keep(tree: Path) -> None:
    with pytest.raises(JobCancelledError):
        train(
            TrainingRequest("custom_cnn", str(tree), changes=CHANGES),
            read_dataset(tree),
            resources=Resources(LIMITS, device="cpu"),
            on_progress=lambda _: None,
            should_stop=lambda: True,
        )


def test_patience_ends_a_training_that_gets_no_better(tree: Path, tmp_path: Path) -> None:
    trained = run(tree, tmp_path, epochs=40, patience=3, learning_rate=1e-9)
    assert trained.stopped == "no better in 3 epochs"
    assert len(losses(trained)) < 40


def test_an_equal_validation_is_no_better(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Bench, "compute_labels", lambda _, indices: np.zeros(len(indices), np.int64)
    )
    trained = run(tree, tmp_path, epochs=40, patience=3)
    assert len(losses(trained)) == 1 + 3


COMMAND = ("-m", "cli.main", "train", "--arch", "custom_cnn", "--resume", "--json")


def test_a_process_killed_with_9_goes_on(tree: Path, tmp_path: Path) -> None:
    options = ["--data", str(tree), "--set", "image_size_px=32", "--set", "batch_size=8"]
    command = [sys.executable, *COMMAND, *options, "--epochs", "12"]
    whole = run_to_the_end(command, tmp_path / "whole")
    killed = start(command, tmp_path / "killed")
    try:
        wait_for_snapshot(killed, tmp_path / "killed" / "training")
    finally:
        os.kill(killed.pid, signal.SIGKILL)
        killed.communicate()
    resumed = run_to_the_end(command, tmp_path / "killed")
    assert curve(resumed) == curve(whole)
    assert resumed["metrics"]["splits"] == whole["metrics"]["splits"]
    assert not list((tmp_path / "killed" / "training").iterdir())


def start(command: list[str], data_dir: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        env=os.environ | {"CATALENS_DATA_DIR": str(data_dir), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_to_the_end(command: list[str], data_dir: Path) -> dict[str, Any]:
    process = start(command, data_dir)
    out, error = process.communicate(timeout=200)
    assert process.returncode == 0, error
    version: dict[str, Any] = json.loads(out)["models"][0]
    return version


def wait_for_snapshot(process: subprocess.Popen[str], folder: Path) -> None:
    while not list(folder.rglob("state.safetensors")):
        assert process.poll() is None
        time.sleep(0.02)


def curve(version: dict[str, Any]) -> list[tuple[float, float]]:
    return [(epoch["loss"], epoch["val_top1"]) for epoch in version["metrics"]["curve"]]
