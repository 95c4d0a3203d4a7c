"""The quality checks: one table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from core.quality.measures import ImageMeasures


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """One rule over the measures of one photo.

    Attributes:
        key: Stored in the database as the kind of flag, so never renamed.
        label: What a reviewer reads.
        value: What is compared.
        limit: The photo is flagged when ``value(measures) < limit``.
        unit: Unit of ``value`` and ``limit``.
        severity: ``block`` keeps the listing from being published while the flag is open.
        reason: One sentence with the places ``{value}`` and ``{limit}``.
        doc: What the flag means, for a reviewer.
    """

    key: str
    label: str
    value: Callable[[ImageMeasures], float]
    limit: float
    unit: str
    severity: Literal["warn", "block"]
    reason: str
    doc: str


QUALITY_CHECKS: dict[str, QualityCheck] = {
    check.key: check
    for check in (
        QualityCheck(
            key="blurry",
            label="Blurry",
            value=lambda measures: measures.sharpness,
            limit=0.6,
            unit="edge sharpness",
            severity="warn",
            reason="The sharpest edges reach {value:.2f} of edge sharpness, below {limit:.2f}.",
            doc="Out of focus: even the sharpest edges of the product are soft.",
        ),
        QualityCheck(
            key="dark",
            label="Too dark",
            value=lambda measures: measures.brightness,
            limit=0.35,
            unit="luminance of the lightest 1 %",
            severity="warn",
            reason="The product is at most {value:.0%} as light as white; {limit:.0%} is expected.",
            doc="Underexposed: nothing on the product is light, whatever its backdrop.",
        ),
        QualityCheck(
            key="bright",
            label="Too bright",
            value=lambda measures: 1.0 - measures.share_blown,
            limit=0.95,
            unit="share of the product that is not clipped",
            severity="warn",
            reason="Only {value:.0%} of the product is not clipped to white, below {limit:.0%}.",
            doc="Overexposed: parts of the product are burnt out. A white backdrop is no fault.",
        ),
        QualityCheck(
            key="small",
            label="Too small",
            value=lambda measures: float(min(measures.width_px, measures.height_px)),
            limit=180.0,
            unit="px",
            severity="warn",
            reason="The shorter side has {value:.0f} px, fewer than {limit:.0f}.",
            doc="Too few pixels to show the product or to classify it well.",
        ),
        QualityCheck(
            key="odd_shape",
            label="Odd shape",
            value=lambda measures: measures.aspect,
            limit=0.4,
            unit="shorter side / longer side",
            severity="warn",
            reason="The shorter side is {value:.2f} of the longer one, below {limit:.2f}.",
            doc="A strip rather than a photo; often a banner or a bad crop.",
        ),
        QualityCheck(
            key="low_information",
            label="Low information",
            value=lambda measures: measures.entropy_bits,
            limit=3.0,
            unit="bits",
            severity="warn",
            reason="The product holds {value:.1f} bits of detail per pixel, below {limit:.1f}.",
            doc="Hardly anything to see: an empty frame, a flat colour, a placeholder.",
        ),
    )
}
"""By key. Limits were chosen on the Grocery store data set; docs/flags.md has the figures."""
