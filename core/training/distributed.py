"""Training in several processes, one for each device, as torchrun starts them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from core.errors import InvalidInputError

_PATIENCE = timedelta(days=1)  # one process may ask the teacher, or measure, while others wait


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """Belong to the group of processes that torchrun started; alone, do nothing."""
    if world_size() == 1:
        yield
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=_PATIENCE)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def rank() -> int:
    """Return the number of this process, from 0; 0 writes, the others only compute."""
    return int(os.environ["RANK"]) if world_size() > 1 else 0


def world_size() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def own_device(device: torch.device) -> torch.device:
    """Return the GPU of this process where there are several, else the device itself."""
    local = os.environ.get("LOCAL_RANK")
    if local is None or device.type != "cuda":
        return device
    torch.cuda.set_device(int(local))
    return torch.device("cuda", int(local))


def check_shares(pictures: int) -> None:
    """Raise InvalidInputError when so many pictures a batch are not two for each of several."""
    processes = world_size()
    if processes > 1 and pictures < 2 * processes:
        raise InvalidInputError(
            f"{processes} processes share batches of {pictures} pictures, and each needs two; "
            f"start fewer processes, or set a batch_size of at least {2 * processes}"
        )


def wrap(network: nn.Module) -> Any:
    """Return the network with gradients averaged over all processes."""
    return DistributedDataParallel(network) if world_size() > 1 else network


def agree(value: float, device: torch.device) -> float:
    """Return process 0's value in every process."""
    if world_size() == 1:
        return value
    shared = torch.tensor([value], dtype=torch.float64, device=device)
    distributed.broadcast(shared, src=0)
    return float(shared.item())


def wait() -> None:
    """Return when every process has come this far."""
    if world_size() > 1:
        distributed.barrier()


def mean(value: float, device: torch.device) -> float:
    """Return the mean over all processes, in every process."""
    if world_size() == 1:
        return value
    shared = torch.tensor([value], dtype=torch.float64, device=device)
    distributed.all_reduce(shared)
    return float(shared.item()) / world_size()
