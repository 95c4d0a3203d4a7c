"""The quality checks: one table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from core.quality.measures import ImageMeasures

Severity = Literal["block", "warn", "hint"]
Side = Literal["below", "above"]


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """One rule over the measures of one photo.

    Attributes:
        key: Stored in the database as the kind of flag, so never renamed.
        label: What a reviewer reads.
        value: What is compared; NaN where it was not measured, which raises nothing.
        side: On which side of the limit a photo is flagged; on the limit it passes.
        limit: Where a photo starts to be doubtful.
        unit: Unit of ``value`` and ``limit``.
        severity: ``block`` keeps the listing from being published while the flag is open,
            ``warn`` asks for a look, ``hint`` says what may be meant so.
        reason: One sentence with the places ``{value}`` and ``{limit}``.
        doc: What the flag means, for a reviewer.
        how: How the value is measured.
        highest: The limit is set between 0 and this.
    """

    key: str
    label: str
    value: Callable[[ImageMeasures], float]
    side: Side
    limit: float
    unit: str
    severity: Severity
    reason: str
    doc: str
    how: str
    highest: float = 1.0

    def is_raised(self, measures: ImageMeasures, limit: float | None = None) -> bool:
        """Whether the photo is flagged, by the check's own limit or another."""
        return self.is_beyond(self.value(measures), self.limit if limit is None else limit)

    def is_beyond(self, value: float, limit: float) -> bool:
        """Whether the value lies on the doubtful side of the limit; NaN never does."""
        return value < limit if self.side == "below" else value > limit

    def excess(self, measures: ImageMeasures, limit: float | None = None) -> float:
        """How far beyond the limit, 0 to 1; compares photos within one check."""
        limit = self.limit if limit is None else limit
        value = self.value(measures)
        small, large = (value, limit) if self.side == "below" else (limit, value)
        return min(1.0, max(0.0, 1.0 - small / large)) if large else 0.0


QUALITY_CHECKS: dict[str, QualityCheck] = {
    check.key: check
    for check in (
        QualityCheck(
            key="truncated",
            label="Truncated file",
            value=lambda measures: measures.share_missing,
            side="above",
            limit=0.01,
            unit="share of the height",
            severity="block",
            reason="The lowest {value:.0%} of the picture are missing.",
            doc="The file once ended early, and the rest was filled with grey.",
            how="rows at the bottom in the very grey that decoders draw; a file that ends early "
            "itself is refused when it comes in",
        ),
        QualityCheck(
            key="blurry",
            label="Blurry",
            value=lambda measures: measures.edge_sharpness,
            side="below",
            limit=0.3,
            unit="bend / rise",
            severity="warn",
            reason="The edges have a sharpness of {value:.2f}, below {limit:.2f}.",
            doc="Out of focus: even the sharpest edges of the product are soft.",
            how="bend beside rise of the luminance at edges, mean over four directions",
            highest=2.0,
        ),
        QualityCheck(
            key="motion_blur",
            label="Motion blur",
            value=lambda measures: measures.least_edge_sharpness,
            side="below",
            limit=0.24,
            unit="bend / rise",
            severity="warn",
            reason="In one direction the edges have a sharpness of {value:.2f}, below {limit:.2f}.",
            doc="Smeared in one direction: the camera or the product moved.",
            how="the same in the direction in which it is least",
            highest=2.0,
        ),
        QualityCheck(
            key="dark",
            label="Too dark",
            value=lambda measures: measures.brightness,
            side="below",
            limit=0.35,
            unit="of white",
            severity="warn",
            reason="The product is at most {value:.0%} as light as white; {limit:.0%} is expected.",
            doc="Underexposed: nothing on the product is light, whatever its backdrop.",
            how="99th percentile of the product's luminance",
        ),
        QualityCheck(
            key="bright",
            label="Too bright",
            value=lambda measures: measures.share_clipped,
            side="above",
            limit=0.055,
            unit="share of the product",
            severity="warn",
            reason="{value:.0%} of the product is burnt out, more than {limit:.0%}.",
            doc="Overexposed: parts of the product are burnt out. A white backdrop is no fault.",
            how="shares of the product in which one and in which two of three colours are clipped, "
            "geometric mean",
        ),
        QualityCheck(
            key="low_contrast",
            label="Low contrast",
            value=lambda measures: measures.contrast,
            side="below",
            limit=0.07,
            unit="of black to white",
            severity="warn",
            reason="The tones span {value:.0%} of black to white, fewer than {limit:.0%}.",
            doc="Flat and grey, as through fog or a dirty lens.",
            how="95th minus 5th percentile of the product's luminance",
        ),
        QualityCheck(
            key="colour_cast",
            label="Colour cast",
            value=lambda measures: measures.least_chroma,
            side="above",
            limit=0.33,
            unit="of full colour",
            severity="warn",
            reason="Even the greyest parts have {value:.0%} of full colour, above {limit:.0%}.",
            doc="All of the picture leans to one colour, as in lamplight without white balance.",
            how="5th percentile of largest minus smallest channel, in all that is not dark",
        ),
        QualityCheck(
            key="greyscale",
            label="Greyscale",
            value=lambda measures: measures.most_chroma,
            side="below",
            limit=0.025,
            unit="of full colour",
            severity="hint",
            reason="The most colourful parts have {value:.0%} of full colour, below {limit:.0%}.",
            doc="A black-and-white picture, or a product without any colour.",
            how="99.5th percentile of largest minus smallest channel",
        ),
        QualityCheck(
            key="small",
            label="Too small",
            value=lambda measures: float(min(measures.width_px, measures.height_px)),
            side="below",
            limit=180.0,
            unit="px",
            severity="warn",
            reason="The shorter side has {value:.0f} px, fewer than {limit:.0f}.",
            doc="Too few pixels to show the product or to classify it well.",
            how="shorter side of the upright picture",
            highest=10_000.0,
        ),
        QualityCheck(
            key="odd_shape",
            label="Odd shape",
            value=lambda measures: measures.aspect,
            side="below",
            limit=0.4,
            unit="shorter / longer side",
            severity="warn",
            reason="The shorter side is {value:.2f} of the longer one, below {limit:.2f}.",
            doc="A strip rather than a photo; often a banner or a bad crop.",
            how="shorter side divided by the longer",
        ),
        QualityCheck(
            key="upscaled",
            label="Upscaled",
            value=lambda measures: measures.detail,
            side="below",
            limit=0.527,
            unit="change over 1 px / 2 px",
            severity="warn",
            reason="The finest detail is {value:.2f} of the next coarser, below {limit:.2f}.",
            doc="Enlarged from a smaller picture: more pixels than there is to see.",
            how="change of the luminance over one pixel beside two, in the picture's own pixels "
            "up to 512",
            highest=2.0,
        ),
        QualityCheck(
            key="compressed",
            label="Heavily compressed",
            value=lambda measures: measures.blockiness,
            side="above",
            limit=1.38,
            unit="times",
            severity="warn",
            reason="Blocks stand out {value:.2f} times, more than {limit:.2f}.",
            doc="Saved with so much compression that the blocks of JPEG can be seen.",
            how="steps across the grid of 8 px beside those within, lesser of both directions",
            highest=100.0,
        ),
        QualityCheck(
            key="noise",
            label="Noisy",
            value=lambda measures: measures.noise_level,
            side="above",
            limit=3.5,
            unit="levels of 255",
            severity="warn",
            reason="The noise has a deviation of {value:.1f} levels, more than {limit:.1f}.",
            doc="Grainy: taken with too little light.",
            how="Immerkær's estimate in the quietest fiftieth of the product",
            highest=255.0,
        ),
        QualityCheck(
            key="low_information",
            label="Low information",
            value=lambda measures: measures.entropy_bits,
            side="below",
            limit=2.7,
            unit="bits",
            severity="warn",
            reason="The product holds {value:.1f} bits of detail per pixel, below {limit:.1f}.",
            doc="Hardly anything to see: an empty frame, a flat colour, a placeholder.",
            how="entropy of the product's luminance in 256 steps",
            highest=8.0,
        ),
        QualityCheck(
            key="borders",
            label="Borders",
            value=lambda measures: measures.share_bars,
            side="above",
            limit=0.03,
            unit="share of the picture",
            severity="warn",
            reason="Bars take {value:.0%} of the picture, more than {limit:.0%}.",
            doc="Bars of one colour at the edges: a letterbox, or a frame.",
            how="even rows or columns at the edges that end all at once",
        ),
        QualityCheck(
            key="text_overlay",
            label="Text on the picture",
            value=lambda measures: measures.writing,
            side="above",
            limit=0.09,
            unit="density of strokes",
            severity="hint",
            reason="A line of the picture looks written: strokes of density {value:.2f}, "
            "above {limit:.2f}.",
            doc="Words or a watermark over the picture. Print on a package can look alike.",
            how="rows dense with thin strokes between rows without, and how even their ink is",
            highest=2.0,
        ),
        QualityCheck(
            key="screenshot",
            label="Screenshot or collage",
            value=lambda measures: measures.seams,
            side="above",
            limit=0.97,
            unit="share of the side",
            severity="hint",
            reason="A straight seam runs through {value:.0%} of the picture, above {limit:.0%}.",
            doc="Several pictures in one, or a photo of a screen with its bars.",
            how="steps in one column, or in a third row, along the whole side",
        ),
        QualityCheck(
            key="cluttered",
            label="Cluttered background",
            value=lambda measures: measures.share_clutter,
            side="above",
            limit=0.41,
            unit="share of the surroundings",
            severity="hint",
            reason="{value:.0%} of the surroundings are edges, more than {limit:.0%}.",
            doc="So much around the product that it does not stand out.",
            how="share of the outer sixth that is edges; 0 with a plain backdrop",
        ),
        QualityCheck(
            key="cut_off",
            label="Product cut off",
            value=lambda measures: measures.share_cut,
            side="above",
            limit=0.6,
            unit="share of a side",
            severity="hint",
            reason="The product runs out of the frame along {value:.0%} of a side, above "
            "{limit:.0%}.",
            doc="The edge of the picture cuts the product.",
            how="longest contact of the product with a side; only on a plain backdrop",
        ),
        QualityCheck(
            key="small_product",
            label="Product too small",
            value=lambda measures: measures.foreground_share,
            side="below",
            limit=0.05,
            unit="share of the frame",
            severity="hint",
            reason="The product fills {value:.0%} of the frame, less than {limit:.0%}.",
            doc="Mostly backdrop: crop closer.",
            how="share of the frame that is not plain backdrop",
        ),
    )
}
"""By key, gravest first. Limits were chosen on other pictures than those of docs/benchmarks.md."""
