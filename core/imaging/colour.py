"""Any colour mode to 8-bit sRGB without alpha."""

import io
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

from core.imaging.reasons import refuse

WHITE = (255, 255, 255, 255)

# ICC.1:2022 table 19, as ImageCms spells them.
_PROFILE_SPACES = {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK"}
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def to_srgb(image: Image.Image) -> Image.Image:
    """Return the loaded image as RGB: alpha on white, 16 bits cut to 8, ICC profile applied.

    A profile that cannot be used (damaged, or made for another kind of pixels) is ignored:
    the picture is still there, its colours only a little off.

    Raises:
        UnreadableImageError: ``colour_mode``.
    """
    profile = image.info.get("icc_profile")
    plain = _flatten(image)
    managed = _apply_profile(plain, profile) if isinstance(profile, bytes) else None
    return managed if managed is not None else plain.convert("RGB")


def _flatten(image: Image.Image) -> Image.Image:
    """Return the image as L, RGB or CMYK."""
    if image.mode not in _TO_PLAIN:
        raise refuse("colour_mode", mode=image.mode)
    if "transparency" in image.info and image.mode in {"1", "L", "P", "RGB"}:
        return _onto_white(image)
    return _TO_PLAIN[image.mode](image)


def _onto_white(image: Image.Image) -> Image.Image:
    is_grey = image.mode in {"1", "L", "LA", "La"}
    layer = image.convert("RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", layer.size, WHITE), layer)
    return flat.convert("L" if is_grey else "RGB")


def _cut_to_8_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.uint16)
    return Image.fromarray((values >> 8).astype(np.uint8))


def _as(mode: str) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.convert(mode)


def _same(image: Image.Image) -> Image.Image:
    return image


# Modes that are absent (F, I: measured values of any range; LAB, HSV) have no one right
# look, so they are refused by name.
_TO_PLAIN: dict[str, Callable[[Image.Image], Image.Image]] = {
    "1": _as("L"),
    "L": _same,
    "P": _as("RGB"),
    "RGB": _same,
    "RGBX": _as("RGB"),
    "YCbCr": _as("RGB"),
    "CMYK": _same,  # Pillow has already inverted what Adobe stores inverted
    "LA": _onto_white,
    "La": _onto_white,
    "PA": _onto_white,
    "RGBA": _onto_white,
    "RGBa": _onto_white,
    "I;16": _cut_to_8_bits,
    "I;16L": _cut_to_8_bits,
    "I;16B": _cut_to_8_bits,
    "I;16N": _cut_to_8_bits,
}


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Return the image in sRGB, or None when the profile cannot be used, or changes nothing."""
    try:
        transform = _find_transform(profile, image.mode)
        return None if transform is None else ImageCms.applyTransform(image, transform)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


@lru_cache(maxsize=64)
def _find_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return how to come to sRGB, None where the profile is for other pixels or moves none.

    The photos of a shop share a profile or two; making a transform takes 4 ms. Threads
    decode side by side, so it keeps no cache of its own.
    """
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if source.profile.xcolor_space != _PROFILE_SPACES[mode]:
        return None
    transform = ImageCms.buildTransform(source, _SRGB, mode, "RGB", flags=ImageCms.Flags.NOCACHE)
    return None if mode == "RGB" and _changes_nothing(transform) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether the profile is sRGB under any name, as most are.

    Leaving it out saves 270 ms of the 450 that a photo of 12 megapixels takes.
    """
    moved = ImageCms.applyTransform(_PROBE, transform)
    assert moved is not None
    difference = np.asarray(moved).astype(np.int16) - np.asarray(_PROBE)
    return int(np.abs(difference).max()) <= _INVISIBLE


def _make_probe() -> Image.Image:
    """Nine steps of each channel, in every combination."""
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1)
    return Image.fromarray(colours.reshape(27, 27, 3))


_PROBE = _make_probe()
_INVISIBLE = 2  # of 255 steps: what rounding does
