"""Run by torchrun in the tests: train, and leave what this process ended with.

``python -m torch.distributed.run --nproc-per-node 2 tests/training/two_processes.py DATA OUT``
"""

import sys
from pathlib import Path

import torch

from core.imaging import ImageLimits
from core.training import TrainingRequest, distributed
from core.training.datasets import read_dataset
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


def main(data: Path, folder: Path) -> None:
    trained = train(
        TrainingRequest("vit", str(data), changes=CHANGES),
        read_dataset(data),
        resources=Resources(
            ImageLimits(10_000_000, 1_000_000),
            device="cpu",
            precision="float32",  # bfloat16 rounds halves of a batch otherwise than the whole
            snapshots_dir=folder / "snapshots",
        ),
        on_progress=lambda _: None,
        should_stop=lambda: False,
    )
    curve = [epoch["loss"] for epoch in trained.card.metrics["curve"]]
    saved = {"network": trained.network.state_dict(), "curve": curve}
    torch.save(saved, folder / f"process-{distributed.rank()}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
