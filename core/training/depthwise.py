"""Depthwise convolutions that learn on a CPU stay in float32 where all else is in bfloat16.

oneDNN has no fast way back through them in bfloat16: for 5 x 5 kernels and strides of 2 it
takes up to five times as long as in float32, half of EfficientNet-Lite0's training.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode


class Float32Depthwise(TorchFunctionMode):
    """A context in which they do; nothing else is changed by it."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is not functional.conv2d or not _learns_slowly(*args[:2]):
            return func(*args, **(kwargs or {}))
        with torch.autocast("cpu", enabled=False):
            return func(args[0].float(), *args[1:], **(kwargs or {}))


def _learns_slowly(images: Tensor, weight: Tensor) -> bool:
    is_depthwise = weight.shape[1] == 1 and weight.shape[0] > 1
    return images.device.type == "cpu" and is_depthwise and torch.is_grad_enabled()
