"""Pictures in, calibrated predictions of several models out."""

from core.inference.classifier import Classifier, InferenceOptions, Outcome, TopK
from core.inference.cost import Cost, measure_cost
from core.inference.scoring import Scored, score

__all__ = [
    "Classifier",
    "Cost",
    "InferenceOptions",
    "Outcome",
    "Scored",
    "TopK",
    "measure_cost",
    "score",
]
