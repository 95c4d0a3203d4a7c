"""Depthwise convolutions that learn in float32."""

import torch
from torch import nn

from core.training.depthwise import Float32Depthwise


def test_a_depthwise_convolution_learns_in_float32() -> None:
    convolution = nn.Conv2d(6, 6, 5, stride=2, groups=6)
    images = torch.randn(2, 6, 9, 9)
    with torch.autocast("cpu", dtype=torch.bfloat16), Float32Depthwise():
        convolved = convolution(images.to(torch.bfloat16))
    assert convolved.dtype is torch.float32
    torch.testing.assert_close(convolved, convolution(images.bfloat16().float()))


def test_all_else_is_left_alone() -> None:
    images = torch.randn(2, 6, 9, 9)
    depthwise, dense, single = (
        nn.Conv2d(6, 6, 3, groups=6),
        nn.Conv2d(6, 6, 3),
        nn.Conv2d(1, 1, 3),
    )
    with torch.autocast("cpu", dtype=torch.bfloat16), Float32Depthwise():
        assert dense(images).dtype is torch.bfloat16
        assert single(images[:, :1]).dtype is torch.bfloat16
        with torch.no_grad():
            assert depthwise(images).dtype is torch.bfloat16
