"""The network of our own: three convolution stages, with batch norm and dropout."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import torch
from timm.layers.cbam import CbamModule
from timm.layers.squeeze_excite import SEModule
from torch import Tensor, nn

STAGE_WIDTHS = (64, 128, 256)

# The blocks that may stand at the end of a stage: its width to a module (B, C, H, W) to the same.
ATTENTION: Mapping[str, Callable[[int], nn.Module]] = {
    "none": lambda _: nn.Identity(),
    "squeeze_excite": lambda width: SEModule(width, rd_ratio=1 / 8),
    "cbam": lambda width: CbamModule(width, rd_ratio=1 / 8),
    "pooling": lambda _: nn.Identity(),  # stands before the classifier instead
}


class Convolutions(nn.Module):
    """The stem and the stages: (B, 3, H, W) to the last map, (B, 256, H/16, W/16).

    Args: see ``CustomCNN``.
    """

    def __init__(self, *, attention: str = "none", blocks: int = 1) -> None:
        super().__init__()
        stem_width = STAGE_WIDTHS[0] // 2
        self.stem = _convolution(3, stem_width, kernel=5, stride=2)
        widths = (stem_width, *STAGE_WIDTHS)
        block = ATTENTION[attention]
        self.stages = nn.Sequential(*(Stage(*pair, block, blocks) for pair in pairwise(widths)))

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.stages(self.stem(images))
        return features


class CustomCNN(Convolutions):
    """A small network that trains from nothing in minutes, at any input size.

    A stem halves the input; each stage halves it again, widens it, and refines it by 3x3
    convolutions with batch norm and a short cut. The classifier sees mean and maximum of the last
    map: the mean tells what fills the picture, the maximum what stands somewhere in it.

    Args:
        num_classes: Number of logits.
        dropout: Share of the pooled features dropped in training.
        attention: Key of ``ATTENTION``; ``pooling`` weighs the positions of the mean.
        blocks: Convolutions of each stage: 1 has two, and each one more adds two.
    """

    def __init__(
        self,
        num_classes: int,
        *,
        dropout: float = 0.2,
        attention: str = "none",
        blocks: int = 1,
    ) -> None:
        super().__init__(attention=attention, blocks=blocks)
        width = STAGE_WIDTHS[-1]
        self.mean = AttentionPooling(width) if attention == "pooling" else nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.num_features = 2 * width
        self.head = nn.Linear(self.num_features, num_classes)

    def forward_features(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) to the last stage's map, (B, 256, H/16, W/16)."""
        return super().forward(images)

    def forward_head(self, features: Tensor, pre_logits: bool = False) -> Tensor:
        """The last map to logits (B, num_classes), or with pre_logits to features (B, 512)."""
        pooled = torch.cat([self.mean(features).flatten(1), features.amax((2, 3))], dim=1)
        pooled = self.dropout(pooled)
        logits: Tensor = pooled if pre_logits else self.head(pooled)
        return logits

    def get_classifier(self) -> nn.Module:
        return self.head

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """Return timm's grouping of the parameters into layers: the stem, then the stages."""
        return {"stem": r"^stem", "blocks": [(r"^stages\.(\d+)", None), (r"^mean", (99999,))]}

    def forward(self, images: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(images))


class Stage(nn.Module):
    """(B, C, H, W) to (B, width, H/2, W/2)."""

    def __init__(
        self, channels: int, width: int, attention: Callable[[int], nn.Module], blocks: int
    ) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.widen = _convolution(channels, width, kernel=3)
        self.refine = _convolution(width, width, kernel=3)
        self.deepen = nn.Sequential(*(Block(width) for _ in range(blocks - 1)))
        self.attention = attention(width)

    def forward(self, features: Tensor) -> Tensor:
        wide = self.widen(self.pool(features))
        refined: Tensor = self.attention(self.deepen(wide + self.refine(wide)))
        return refined


class Block(nn.Module):
    """Two convolutions beside a short cut; at first it changes nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width, kernel=3)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        nn.init.zeros_(self.norm.weight)

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = features + self.norm(self.second(self.first(features)))
        return changed


class AttentionPooling(nn.Module):
    """(B, C, H, W) to (B, C), the mean over positions by learned weights.

    At first all positions weigh the same.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Conv2d(width, 1, 1)
        nn.init.zeros_(self.score.weight)

    def forward(self, features: Tensor) -> Tensor:
        weights = self.score(features).flatten(2).softmax(dim=2)  # (B, 1, H * W)
        pooled: Tensor = (features.flatten(2) * weights).sum(dim=2)
        return pooled


def _convolution(channels: int, width: int, *, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )
