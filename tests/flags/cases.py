"""Evidence for tests: sound, and with one thing wrong."""

from dataclasses import replace

from core.flags import Evidence
from core.quality import ImageMeasures

SOUND_MEASURES = ImageMeasures(
    width_px=400,
    height_px=400,
    aspect=1.0,
    sharpness=1.0,
    brightness=0.9,
    share_dark=0.02,
    share_blown=0.0,
    contrast=0.6,
    entropy_bits=7.0,
    foreground_share=1.0,
)
AGREED = {
    "resnet50": (("Home > Mug", 0.9), ("Home > Bowl", 0.06)),
    "vit": (("Home > Mug", 0.8), ("Home > Bowl", 0.1)),
}
SOUND = Evidence(measures=SOUND_MEASURES, predictions=AGREED, claimed="Home > Mug")

_FIELDS = {
    "blurry": lambda value: {"sharpness": value},
    "dark": lambda value: {"brightness": value},
    "bright": lambda value: {"share_blown": 1.0 - value},
    "small": lambda value: {"width_px": value},
    "odd_shape": lambda value: {"aspect": value},
    "low_information": lambda value: {"entropy_bits": value},
}


def evidence_with_value(key, value):
    """Evidence in which the check's value is exactly this."""
    return replace(SOUND, measures=replace(SOUND_MEASURES, **_FIELDS[key](value)))


CASES = {
    "blurry": (evidence_with_value("blurry", 0.3), "0.30"),
    "dark": (evidence_with_value("dark", 0.2), "20%"),
    "bright": (evidence_with_value("bright", 0.75), "75%"),
    "small": (evidence_with_value("small", 90), "90 px"),
    "odd_shape": (evidence_with_value("odd_shape", 0.1), "0.10"),
    "low_information": (evidence_with_value("low_information", 1.25), "1.2 bits"),
    "exact_duplicate": (replace(SOUND, same_content=(12, 7)), "2 other listings: #7, #12"),
    "models_disagree": (
        replace(SOUND, predictions=AGREED | {"custom_cnn": (("Home > Lamp", 0.7),)}),
        "custom_cnn says Home > Lamp (70%)",
    ),
    "claimed_mismatch": (replace(SOUND, claimed="Home > Bowl"), "Offered as Home > Bowl (8%"),
}
"""By kind of flag: evidence that raises it and no other, and a part of the reason."""
