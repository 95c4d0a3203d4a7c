"""The network of our own: three convolution stages, with batch norm and dropout."""

from itertools import pairwise

import torch
from torch import Tensor, nn

STAGE_WIDTHS = (64, 128, 256)


class CustomCNN(nn.Module):
    """A small network that trains from nothing in minutes, at any input size.

    A stem halves the input; each stage halves it again and has two 3x3 convolutions with
    batch norm, the second with a short cut. The classifier sees mean and maximum of the last
    map: the mean tells what fills the picture, the maximum what stands somewhere in it.

    Args:
        num_classes: Number of logits.
        dropout: Share of the pooled features dropped in training.
    """

    def __init__(self, num_classes: int, *, dropout: float = 0.2) -> None:
        super().__init__()
        stem_width = STAGE_WIDTHS[0] // 2
        self.stem = _convolution(3, stem_width, kernel=5, stride=2)
        widths = (stem_width, *STAGE_WIDTHS)
        self.stages = nn.Sequential(*(Stage(before, after) for before, after in pairwise(widths)))
        self.dropout = nn.Dropout(dropout)
        self.num_features = 2 * STAGE_WIDTHS[-1]
        self.head = nn.Linear(self.num_features, num_classes)

    def forward_features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) to the last stage's map, (B, 256, H/16, W/16)."""
        features: Tensor = self.stages(self.stem(images))
        return features

    def forward_head(self, features: Tensor, pre_logits: bool = False) -> Tensor:
        """The last map to logits (B, num_classes), or with pre_logits to features (B, 512)."""
        pooled = torch.cat([features.mean((2, 3)), features.amax((2, 3))], dim=1)
        pooled = self.dropout(pooled)
        logits: Tensor = pooled if pre_logits else self.head(pooled)
        return logits

    def get_classifier(self) -> nn.Module:
        return self.head

    def forward(self, images: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(images))


class Stage(nn.Module):
    """(B, C, H, W) to (B, width, H/2, W/2)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.widen = _convolution(channels, width, kernel=3)
        self.refine = _convolution(width, width, kernel=3)

    def forward(self, features: Tensor) -> Tensor:
        wide = self.widen(self.pool(features))
        refined: Tensor = wide + self.refine(wide)
        return refined


def _convolution(channels: int, width: int, *, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )
