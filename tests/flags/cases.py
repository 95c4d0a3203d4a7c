"""Evidence for tests: sound, and with one thing wrong."""

from dataclasses import replace

from core.flags import Evidence
from core.novelty import Assessment
from core.quality import ImageMeasures

SOUND_MEASURES = ImageMeasures(
    width_px=400,
    height_px=400,
    aspect=1.0,
    brightness=0.9,
    contrast=0.6,
    entropy_bits=7.0,
    foreground_share=1.0,
    detail=0.7,
    blockiness=1.1,
    noise_level=1.0,
    least_chroma=0.05,
    most_chroma=0.6,
    share_bars=0.0,
    share_clutter=0.1,
    share_cut=0.0,
    seams=0.2,
    writing=0.05,
    share_missing=0.0,
    edge_sharpness=1.0,
    least_edge_sharpness=0.8,
    share_clipped=0.0,
)
AGREED = {
    "resnet50": (("Home > Mug", 0.9), ("Home > Bowl", 0.06)),
    "vit": (("Home > Mug", 0.8), ("Home > Bowl", 0.1)),
}
SOUND = Evidence(measures=SOUND_MEASURES, predictions=AGREED, claimed="Home > Mug")

UNKNOWN = Assessment(
    p_value=0.01,
    nearest=(("Home > Mug", 0.2), ("Home > Bowl", 0.1)),
    recognised=None,
    known=240,
)

_FIELDS = {
    "truncated": "share_missing",
    "blurry": "edge_sharpness",
    "motion_blur": "least_edge_sharpness",
    "dark": "brightness",
    "bright": "share_clipped",
    "low_contrast": "contrast",
    "colour_cast": "least_chroma",
    "greyscale": "most_chroma",
    "small": "width_px",
    "odd_shape": "aspect",
    "upscaled": "detail",
    "compressed": "blockiness",
    "noise": "noise_level",
    "low_information": "entropy_bits",
    "borders": "share_bars",
    "text_overlay": "writing",
    "screenshot": "seams",
    "cluttered": "share_clutter",
    "cut_off": "share_cut",
    "small_product": "foreground_share",
}


def evidence_with_value(key, value):
    """Evidence in which the check's value is exactly this."""
    return replace(SOUND, measures=replace(SOUND_MEASURES, **{_FIELDS[key]: value}))


CASES = {
    "truncated": (evidence_with_value("truncated", 0.25), "25%"),
    "blurry": (evidence_with_value("blurry", 0.15), "0.15"),
    "motion_blur": (evidence_with_value("motion_blur", 0.15), "0.15"),
    "dark": (evidence_with_value("dark", 0.2), "20%"),
    "bright": (evidence_with_value("bright", 0.25), "25%"),
    "low_contrast": (evidence_with_value("low_contrast", 0.03), "3%"),
    "colour_cast": (evidence_with_value("colour_cast", 0.45), "45%"),
    "greyscale": (evidence_with_value("greyscale", 0.01), "1%"),
    "small": (evidence_with_value("small", 90), "90 px"),
    "odd_shape": (evidence_with_value("odd_shape", 0.1), "0.10"),
    "upscaled": (evidence_with_value("upscaled", 0.51), "0.51"),
    "compressed": (evidence_with_value("compressed", 2.5), "2.50 times"),
    "noise": (evidence_with_value("noise", 9.0), "9.0 levels"),
    "low_information": (evidence_with_value("low_information", 1.25), "1.2 bits"),
    "borders": (evidence_with_value("borders", 0.3), "30%"),
    "text_overlay": (evidence_with_value("text_overlay", 0.9), "0.90"),
    "screenshot": (evidence_with_value("screenshot", 1.0), "100%"),
    "cluttered": (evidence_with_value("cluttered", 0.6), "60%"),
    "cut_off": (evidence_with_value("cut_off", 0.7), "70%"),
    "small_product": (evidence_with_value("small_product", 0.02), "2%"),
    "exact_duplicate": (replace(SOUND, same_content=(12, 7)), "2 other listings: #7, #12"),
    "near_duplicate": (
        replace(SOUND, same_picture=((12, 0.7), (7, 0.98))),
        "2 other listings: #7 (98% the same), #12 (70% the same)",
    ),
    "models_disagree": (
        replace(SOUND, predictions=AGREED | {"custom_cnn": (("Home > Lamp", 0.7),)}),
        "Custom CNN says Home > Lamp (70%)",
    ),
    "evidence_differs": (
        replace(SOUND, overlap=0.04),
        "what they look at most is the same to 4%",
    ),
    "claimed_mismatch": (replace(SOUND, claimed="Home > Bowl"), "Offered as Home > Bowl (8%"),
    "unknown_product": (replace(SOUND, novelty=UNKNOWN), "98% of 240 decided photos"),
}
"""By kind of flag: evidence that raises it and no other, and a part of the reason."""
