"""Where networks run and in which precision."""

from collections.abc import Mapping
from typing import Literal

import torch

from core.errors import InvalidInputError

Precision = Literal["auto", "float32", "bfloat16"]

_CPU_BFLOAT16 = ("avx512_bf16", "amx_bf16", "arm_bf16")


def choose_device(name: str) -> torch.device:
    """Return the device of this name; ``auto`` is CUDA, else MPS, else the CPU.

    Raises:
        InvalidInputError: The machine has no such device.
    """
    if name == "auto":
        return torch.device(next(kind for kind, there in _available().items() if there))
    kind, _, index = name.partition(":")
    if not _available().get(kind, False) or (index and int(index) >= torch.cuda.device_count()):
        there = ", ".join(kind for kind, there in _available().items() if there)
        raise InvalidInputError(f"this machine has no device {name!r}; it has {there}")
    return torch.device(name)


def choose_dtype(device: torch.device, precision: Precision) -> torch.dtype:
    """Return the precision of the forward pass; ``auto`` is bfloat16 where hardware has it.

    Emulated bfloat16 is slower than float32, so a CPU without the instructions stays at it.
    """
    if precision == "auto":
        return torch.bfloat16 if _has_bfloat16(device) else torch.float32
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Return a context in which networks run in this precision."""
    reduced = dtype is not torch.float32
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=reduced)


def _available() -> Mapping[str, bool]:
    """Devices, best first."""
    return {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        there = torch.cpu.get_capabilities()
        return any(bool(there.get(name)) for name in _CPU_BFLOAT16)
    return False
