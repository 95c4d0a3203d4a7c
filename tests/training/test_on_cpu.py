"""What is learnt in another way on a CPU, to the same result."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from core.training.on_cpu import MOST_TOKENS, FasterOnCPU


def test_a_depthwise_convolution_learns_in_float32() -> None:
    convolution = nn.Conv2d(6, 6, 5, stride=2, groups=6)
    images = torch.randn(2, 6, 9, 9)
    with torch.autocast("cpu", dtype=torch.bfloat16), FasterOnCPU():
        convolved = convolution(images.to(torch.bfloat16))
    assert convolved.dtype is torch.float32
    torch.testing.assert_close(convolved, convolution(images.bfloat16().float()))


def test_other_convolutions_and_those_that_do_not_learn_are_left_alone() -> None:
    images = torch.randn(2, 6, 9, 9)
    dense, single = nn.Conv2d(6, 6, 3), nn.Conv2d(1, 1, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16), FasterOnCPU():
        assert dense(images).dtype is torch.bfloat16
        assert single(images[:, :1]).dtype is torch.bfloat16
        with torch.no_grad():
            assert nn.Conv2d(6, 6, 3, groups=6)(images).dtype is torch.bfloat16


@pytest.mark.parametrize(
    ("tokens", "options", "is_plain"),
    [
        (9, {}, True),
        (9, {"is_causal": True}, False),
        (9, {"attn_mask": torch.eye(9, dtype=torch.bool)}, False),
        (9, {"scale": 2.0}, False),
        (MOST_TOKENS + 1, {}, False),
    ],
)
def test_attention_gives_the_same(tokens: int, options: dict[str, Any], is_plain: bool) -> None:
    query, key, value = torch.randn(3, 2, 4, tokens, 8, requires_grad=True).unbind()
    expected = functional.scaled_dot_product_attention(query, key, value, **options)
    with FasterOnCPU():
        attended = functional.scaled_dot_product_attention(query, key, value, **options)
    torch.testing.assert_close(attended, expected)
    assert (type(attended.grad_fn) is not type(expected.grad_fn)) == is_plain
