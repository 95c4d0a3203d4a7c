"""Grad-CAM: which part of a photo made a model think of a category."""

from core.explain.gradcam import heatmap, overlay

__all__ = ["heatmap", "overlay"]
