"""A network while it is trained: with what it needs to imitate a teacher's features."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.architectures import make_map


class Learner(nn.Module):
    """The network and a linear map from its features, place by place, to the teacher's.

    Args:
        size_px: Of the images.
        taught: Features of the teacher at each place, and places in a row; None makes no map.
    """

    def __init__(
        self, network: Any, arch: str, size_px: int, taught: tuple[int, int] | None
    ) -> None:
        super().__init__()
        self.network = network
        self._arch = arch
        self._places = taught[1] if taught else 0
        width = _find_width(network, arch, size_px) if taught else 0
        self.projection = nn.Conv2d(width, taught[0], 1) if taught else None

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """(B, 3, S, S) to logits (B, C) and, with a map, features (B, D, P, P)."""
        features = self.network.forward_features(images)
        logits: Tensor = self.network.forward_head(features)
        if self.projection is None:
            return logits, None
        turned = self.projection(make_map(self._arch, self.network, features))
        return logits, functional.adaptive_avg_pool2d(turned, self._places)


@torch.inference_mode()
def _find_width(network: Any, arch: str, size_px: int) -> int:
    """Return how many features the network has at each place."""
    device = next(network.parameters()).device
    nothing = torch.zeros(1, 3, size_px, size_px, device=device)
    features = network.eval().forward_features(nothing)
    return int(make_map(arch, network, features).shape[1])
