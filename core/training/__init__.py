"""Training: labelled data in, a network and its honest record out."""

from core.training.request import TrainingRequest, quick_request
from core.training.trainer import Resources, Trained, TrainingProgress, train

__all__ = [
    "Resources",
    "Trained",
    "TrainingProgress",
    "TrainingRequest",
    "quick_request",
    "train",
]
