"""A network while it is trained: with what it needs to imitate a teacher's features."""

from typing import Any

from torch import Tensor, nn

from core.models.architectures import embed


class Learner(nn.Module):
    """The network and a linear map from its features to the teacher's.

    Args:
        teacher_features: How many the teacher has; 0 makes no map.
    """

    def __init__(self, network: Any, teacher_features: int) -> None:
        super().__init__()
        self.network = network
        own_features = network.get_classifier().in_features
        self.projection = nn.Linear(own_features, teacher_features) if teacher_features else None

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """(B, 3, S, S) to logits (B, C) and, with a map, features like the teacher's (B, D)."""
        features = embed(self.network, images)
        logits: Tensor = self.network.get_classifier()(features)
        return logits, self.projection(features) if self.projection else None
