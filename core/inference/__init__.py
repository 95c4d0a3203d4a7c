"""Pictures in, calibrated predictions of several models out."""

from core.inference.classifier import Classifier, InferenceOptions, Outcome, TopK

__all__ = ["Classifier", "InferenceOptions", "Outcome", "TopK"]
