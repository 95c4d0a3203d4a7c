"""What a CPU learns slowly as it is written, done in another way that gives the same.

Forward there is little between the ways; back there is much. In bfloat16 EfficientNet-Lite0 and a
Vision Transformer at 128 px learn nearly twice as fast so.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

MOST_TOKENS = 256
"""A Vision Transformer has 197 at 224 px."""


class FasterOnCPU(TorchFunctionMode):
    """A context for the forward pass of a network that learns.

    Depthwise convolutions stay in float32: through 5 x 5 kernels and strides of 2 oneDNN takes
    up to five times as long in bfloat16. Attention among few tokens is done in plain matrix
    products: torch's fused one is slow on its way back, and what it saves is memory, which grows
    by the square of the tokens.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        faster = _FASTER.get(func)
        if faster and args and args[0].device.type == "cpu" and torch.is_grad_enabled():
            return faster(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _convolve(images: Tensor, weight: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    if weight.shape[1] > 1 or weight.shape[0] == 1:  # each output looks at many channels
        return functional.conv2d(images, weight, *args, **kwargs)
    with torch.autocast("cpu", enabled=False):
        return functional.conv2d(images.float(), weight, *args, **kwargs)


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **more: Any,
) -> Tensor:
    """(B, H, T, D) each, to the same."""
    is_large = max(query.shape[-2], key.shape[-2]) > MOST_TOKENS
    if is_large or attn_mask is not None or dropout_p or is_causal or more:
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask, dropout_p, is_causal, **more
        )
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    attended: Tensor = scores.softmax(dim=-1) @ value
    return attended


_FASTER: Mapping[Callable[..., Any], Callable[..., Tensor]] = {
    functional.conv2d: _convolve,
    functional.scaled_dot_product_attention: _attend,
}
