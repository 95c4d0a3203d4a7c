"""What is measured on one photo: a single pass over the decoded picture."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import cv2
import numpy as np

from core.imaging import DecodedImage
from core.quality.counts import (
    Histogram,
    count_levels,
    find_entropy_bits,
    find_percentiles,
    mark_above,
)
from core.quality.edges import measure_detail, measure_sharpness
from core.quality.foreground import WHITE_LEVEL
from core.quality.layout import measure_bars, measure_clutter, measure_cut, measure_seams
from core.quality.traces import measure_blockiness, measure_missing, measure_noise
from core.quality.views import Plane, Views, make_views
from core.quality.words import measure_words

UNKNOWN = math.nan
"""Of a measure that was not taken: no check compares with it."""

CLIPPED_ABOVE = 249
FEW = 1e-4
"""So small a share that it makes no difference whether there are any."""

LIT_ABOVE = 48
"""Darker pixels have no colour worth the name."""


@dataclass(frozen=True, slots=True)
class ImageMeasures:
    """Numbers about one photo. All but the size are about the product, not a plain backdrop.

    Attributes:
        width_px: Of the photo as it came, after EXIF orientation.
        height_px: The same.
        aspect: Shorter side divided by longer side, above 0 to 1.
        brightness: 99th percentile of the luminance of what is not white itself, 0 to 1.
        contrast: 95th minus 5th percentile of the luminance, 0 to 1.
        entropy_bits: Entropy of the luminance in 256 steps, 0 to 8 bits.
        foreground_share: Share of the frame that was judged; 1 without a plain backdrop.
        detail: Finest detail beside the next coarser, 0 to about 1.
        blockiness: How far JPEG's blocks stand out, 1 when not at all.
        noise_level: Standard deviation of the noise, in levels of 255.
        least_chroma: 5th percentile of the largest minus the smallest channel, 0 to 1.
        most_chroma: 99.5th percentile of the same.
        share_bars: Share of the picture that is bars at its edges.
        share_clutter: Share of the surroundings that are edges.
        share_cut: Share of a side of the frame at which the product leaves it.
        seams: Share of the picture's length through which straight seams run.
        share_missing: Share of the height that was never decoded.
        edge_sharpness: How abrupt the strongest edges are, mean over four directions: 0.2 when
            out of focus, 0.5 when sharp. Independent of contrast and amount of texture.
        least_edge_sharpness: The same in the direction in which it is least.
        share_clipped: Geometric mean of the shares of the product in which one and in which
            two of three colours are clipped.
        writing: Density of strokes in the line that looks most like writing, 0 to about 1.
    """

    width_px: int
    height_px: int
    aspect: float
    brightness: float
    contrast: float
    entropy_bits: float
    foreground_share: float
    detail: float = UNKNOWN
    blockiness: float = UNKNOWN
    noise_level: float = UNKNOWN
    least_chroma: float = UNKNOWN
    most_chroma: float = UNKNOWN
    share_bars: float = UNKNOWN
    share_clutter: float = UNKNOWN
    share_cut: float = UNKNOWN
    seams: float = UNKNOWN
    share_missing: float = UNKNOWN
    edge_sharpness: float = UNKNOWN
    least_edge_sharpness: float = UNKNOWN
    share_clipped: float = UNKNOWN
    writing: float = UNKNOWN

    def as_record(self) -> dict[str, float]:
        """Return the measures that were taken, ready for JSON."""
        return {key: value for key, value in asdict(self).items() if not math.isnan(value)}

    @classmethod
    def from_record(cls, record: Mapping[str, float]) -> "ImageMeasures":
        """Read what any version has written: new measures are unknown, old ones left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in record.items() if key in known})  # type: ignore[arg-type]


def measure(image: DecodedImage) -> ImageMeasures:
    """Measure one photo, whatever its size, on copies of a few hundred pixels."""
    height, width = image.pixels.shape[:2]
    views = make_views(image.pixels)
    sharpness, least_sharpness = measure_sharpness(views.edges)
    return ImageMeasures(
        width_px=width,
        height_px=height,
        aspect=min(width, height) / max(width, height),
        edge_sharpness=sharpness,
        least_edge_sharpness=least_sharpness,
        foreground_share=cv2.countNonZero(views.product) / views.product.size,
        detail=measure_detail(views.fine),
        blockiness=measure_blockiness(views.native),
        noise_level=measure_noise(views),
        share_bars=measure_bars(views),
        share_clutter=measure_clutter(views),
        share_cut=measure_cut(views),
        seams=measure_seams(views.edges),
        writing=measure_words(views.small),
        share_missing=measure_missing(views.edges),
        **_measure_light(views),
        **_measure_colour(views),
    )


def _measure_light(views: Views) -> dict[str, float]:
    inside = _shrink(views.product) if views.has_backdrop else views.product
    histogram = count_levels(views.luma, inside)
    low, high = find_percentiles(histogram, 0.05, 0.95)
    return {
        "brightness": find_percentiles(_count_coloured(views, inside, histogram), 0.99)[0] / 255,
        "share_clipped": _find_clipped(views, inside),
        "contrast": (high - low) / 255,
        "entropy_bits": find_entropy_bits(histogram),
    }


def _find_clipped(views: Views, inside: Plane) -> float:
    """A red one burns out in one colour, but so is many a sound orange; white print in three."""
    one, two = (
        cv2.countNonZero(cv2.bitwise_and(mark_above(plane, CLIPPED_ABOVE), inside))
        / cv2.countNonZero(inside)
        for plane in (views.highest, views.middle)
    )
    return math.sqrt((one + FEW) * (two + FEW)) - FEW


def _count_coloured(views: Views, inside: Plane, histogram: Histogram) -> Histogram:
    """On a plain backdrop, white within the product may be the backdrop that shines through."""
    if not views.has_backdrop:
        return histogram
    limit = WHITE_LEVEL - 1
    coloured = cv2.threshold(views.lowest, limit, 1, cv2.THRESH_BINARY_INV)[1]
    return count_levels(views.luma, np.asarray(cv2.bitwise_and(coloured, inside), np.uint8))


def _measure_colour(views: Views) -> dict[str, float]:
    chroma = np.asarray(cv2.subtract(views.highest, views.lowest), np.uint8)
    lit = mark_above(views.highest, LIT_ABOVE)
    if not cv2.countNonZero(lit):
        return {"least_chroma": 0.0, "most_chroma": 0.0}
    least, most = find_percentiles(count_levels(chroma, lit), 0.05, 0.995)
    return {"least_chroma": least / 255, "most_chroma": most / 255}


def _shrink(product: Plane) -> Plane:
    """Leave out the outline, which the backdrop lightens; keep all where nothing would be left."""
    inner = np.asarray(cv2.erode(product, np.ones((3, 3), np.uint8)), np.uint8)
    return inner if cv2.countNonZero(inner) else product
