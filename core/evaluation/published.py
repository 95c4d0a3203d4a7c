"""Figures that others published, to stand beside ours; each names the data it was measured on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """The accuracy of one network in one publication.

    Attributes:
        test_top1: 0 to 1, on ``data_name``, which is not the data of our own figures.
    """

    model: str
    data_name: str
    test_top1: float


PUBLISHED = (
    PublishedFigure("ResNet50", "Products-10K", 0.0499),
    PublishedFigure("Vision Transformer", "Products-10K", 0.0435),
    PublishedFigure("Custom CNN", "Products-10K", 0.296),
)
"""The comparison that this project began with; docs/published-results.md says how it came about."""
