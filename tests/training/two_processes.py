"""Run by torchrun in the tests: train, and leave what this process ended with.

``python -m torch.distributed.run --nproc-per-node 2 tests/training/two_processes.py DATA OUT``;
with ``--teacher FILE`` by its example, and with ``--killed-in EPOCH`` only until then.
"""

import argparse
import os
from pathlib import Path

import torch

from core.imaging import ImageLimits
from core.models import load
from core.training import TrainingRequest, distributed
from core.training.datasets import read_dataset
from core.training.progress import TrainingProgress
from core.training.trainer import Resources, train

# No chance that hangs on the process, and no statistics of a part of the batch.
CHANGES = {
    "epochs": 2,
    "image_size_px": 32,
    "batch_size": 8,
    "weights": "none",
    "stem": "patches",
    "drop_path_rate": 0.0,
    "ema_decay": 0.5,
    "learning_rate": 1e-3,
}


TAUGHT = {"teacher": "7", "teacher_share": 0.5, "teacher_features": 1.0}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--teacher", type=Path)
    parser.add_argument("--killed-in", type=int, default=99)
    given = parser.parse_args()

    def on_progress(progress: TrainingProgress) -> None:
        if progress.stage == "training" and progress.epoch >= given.killed_in:
            os._exit(9)  # as good as a kill: nothing of ours is asked

    trained = train(
        TrainingRequest(
            "vit", str(given.data), changes=CHANGES | (TAUGHT if given.teacher else {})
        ),
        read_dataset(given.data),
        resources=Resources(
            ImageLimits(10_000_000, 1_000_000),
            device="cpu",
            precision="float32",  # bfloat16 rounds halves of a batch otherwise than the whole
            snapshots_dir=given.out / "snapshots",
        ),
        on_progress=on_progress,
        should_stop=lambda: False,
        teacher=load(given.teacher) if given.teacher else None,
        resume=True,
    )
    curve = [epoch["loss"] for epoch in trained.card.metrics["curve"]]
    saved = {"network": trained.network.state_dict(), "curve": curve}
    torch.save(saved, given.out / f"process-{distributed.rank()}.pt")


if __name__ == "__main__":
    main()
