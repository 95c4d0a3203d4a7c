"""Training: labelled data in, a network and its honest record out.

What is exported here loads no torch, so that a page can offer the presets.
"""

from core.training.presets import DEFAULTS, PRESETS, parse_changes
from core.training.recipe import IMBALANCE, Recipe
from core.training.request import TrainingRequest, quick_request

__all__ = [
    "DEFAULTS",
    "IMBALANCE",
    "PRESETS",
    "Recipe",
    "TrainingRequest",
    "parse_changes",
    "quick_request",
]
