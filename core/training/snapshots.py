"""The state of a training after an epoch, so that a killed one goes on as if nothing had been.

One safetensors file, replaced as a whole: the network, its moving average, the optimizer's
moments and the best weights so far, with the curve in its header. Nothing is unpickled. What
is random needs no state: it is drawn from the seed, the epoch and the picture.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from core.errors import CheckpointError
from core.evaluation.metrics import Epoch
from core.storage import write_whole

FILE_NAME = "state.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A training after an epoch.

    Attributes:
        tensors: By part (``network``, ``average``, ``optimizer``, ``best``) and name.
        best_epoch: The epoch whose weights are ``best``.
    """

    tensors: Mapping[str, Mapping[str, Tensor]]
    curve: tuple[Epoch, ...]
    best_epoch: int


def save(folder: Path, snapshot: Snapshot) -> None:
    """Write the snapshot in place of the one before."""
    flat = {
        f"{part}/{name}": tensor.detach().cpu().contiguous()
        for part, tensors in snapshot.tensors.items()
        for name, tensor in tensors.items()
    }
    record = {"curve": [asdict(e) for e in snapshot.curve], "best_epoch": snapshot.best_epoch}
    write_whole(
        folder / FILE_NAME, safetensors.torch.save(flat, metadata={"record": json.dumps(record)})
    )


def find(folder: Path) -> Snapshot | None:
    """Return the snapshot of the folder, if it has one.

    Raises:
        CheckpointError: It is damaged.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    parts: dict[str, dict[str, Tensor]] = {}
    try:
        with safe_open(path, framework="pt") as file:
            record = json.loads(file.metadata()["record"])
            for key in file.keys():  # noqa: SIM118 -- not a dict
                part, _, name = key.partition("/")
                parts.setdefault(part, {})[name] = file.get_tensor(key)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged: {error!r}; delete it to begin the training again"
        ) from error
    curve = tuple(Epoch(**epoch) for epoch in record["curve"])
    return Snapshot(parts, curve, record["best_epoch"])


def pack_optimizer(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimizer's moments by ``index.name``."""
    state: Mapping[int, Mapping[str, Any]] = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": torch.as_tensor(value)
        for index, values in state.items()
        for name, value in values.items()
    }


def unpack_optimizer(optimizer: torch.optim.Optimizer, packed: Mapping[str, Tensor]) -> None:
    """Give the optimizer what ``pack_optimizer`` returned.

    The moments get the memory layout of their parameters, which the fused step relies on.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in packed.items():
        index, _, name = key.partition(".")
        like = parameters[int(index)]
        shaped = torch.empty_like(like).copy_(tensor) if tensor.shape == like.shape else tensor
        state.setdefault(int(index), {})[name] = shaped.detach()
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
