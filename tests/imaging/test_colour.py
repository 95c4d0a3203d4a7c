from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageCms

from core.imaging import decode
from tests.imaging.samples import LIMITS, RED, encoded, quadrants


def decoded(image: Image.Image, format_: str = "PNG", **options: object) -> np.ndarray:
    return decode(encoded(image, format_, **options), LIMITS).pixels


def profile(space: str) -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(space)).tobytes()


@pytest.mark.parametrize(
    ("mode", "clear", "solid"),
    [
        ("RGBA", (10, 20, 30, 0), (*RED, 255)),
        ("LA", (10, 0), (90, 255)),
    ],
)
def test_what_is_clear_becomes_white(mode, clear, solid):
    image = Image.new(mode, (2, 1), clear)
    image.putpixel((1, 0), solid)

    pixels = decoded(image)

    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[0, 1].tolist() == (list(RED) if mode == "RGBA" else [90, 90, 90])


def test_half_clear_black_becomes_grey():
    pixels = decoded(Image.new("RGBA", (1, 1), (0, 0, 0, 128)))

    np.testing.assert_allclose(pixels[0, 0], 127, atol=1)


@pytest.mark.parametrize("format_", ["PNG", "GIF"])
def test_a_clear_colour_of_a_palette_becomes_white(format_):
    image = Image.new("P", (2, 1), 0)
    image.putpalette([0, 0, 0, *RED])
    image.putpixel((1, 0), 1)

    pixels = decoded(image, format_, transparency=0)

    assert pixels[0].tolist() == [[255, 255, 255], list(RED)]


def test_a_clear_colour_without_a_palette_becomes_white():
    image = Image.new("RGB", (2, 1), RED)
    image.putpixel((0, 0), (1, 2, 3))

    pixels = decoded(image, transparency=(1, 2, 3))

    assert pixels[0].tolist() == [[255, 255, 255], list(RED)]


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_a_plain_mode_keeps_its_look(mode):
    image = Image.new("L", (4, 4), 255).convert(mode)

    assert (decoded(image) == 255).all()


@pytest.mark.parametrize("format_", ["PNG", "TIFF"])
def test_16_bits_keep_their_brightness(format_):
    values = np.array([[0, 0x80FF, 0xFFFF]], dtype=np.uint16)

    pixels = decoded(Image.fromarray(values), format_)

    assert pixels[0, :, 0].tolist() == [0, 0x80, 0xFF]


def test_a_big_endian_16_bit_tiff_keeps_its_brightness():
    values = np.array([[0, 0x80FF, 0xFFFF]], dtype=">u2")

    assert decoded(Image.fromarray(values), "TIFF")[0, :, 0].tolist() == [0, 0x80, 0xFF]


@pytest.mark.parametrize("format_", ["JPEG", "TIFF"])
def test_cmyk_shows_its_colours(format_):
    image = quadrants().convert("CMYK")

    pixels = decoded(image, format_).astype(int)

    assert np.abs(pixels - np.asarray(quadrants())).mean() < 12


def test_an_adobe_jpeg_is_not_shown_inverted():
    """Adobe stores CMYK inverted and says so in an APP14 marker, as Pillow writes it too."""
    data = encoded(Image.new("CMYK", (16, 16), (0, 0, 0, 0)), "JPEG")

    assert b"Adobe" in data[:64]
    assert (decode(data, LIMITS).pixels > 250).all()


def test_a_profile_is_applied():
    swapped = swap_red_and_green(profile("sRGB"))

    pixels = decoded(Image.new("RGB", (2, 2), (255, 0, 0)), icc_profile=swapped)

    assert pixels[0, 0, 1] > 200
    assert pixels[0, 0, 0] < 60


def test_threads_apply_profiles_side_by_side():
    data = encoded(quadrants(), "PNG", icc_profile=swap_red_and_green(profile("sRGB")))
    alone = decode(data, LIMITS).pixels

    with ThreadPoolExecutor(4) as threads:
        for pixels in threads.map(lambda _: decode(data, LIMITS).pixels, range(200)):
            np.testing.assert_array_equal(pixels, alone)


def test_an_srgb_profile_changes_nothing():
    image = quadrants()

    np.testing.assert_array_equal(decoded(image, icc_profile=profile("sRGB")), np.asarray(image))


@pytest.mark.parametrize("broken", [b"", b"no profile", profile("sRGB")[:200], profile("LAB")])
def test_a_profile_that_cannot_be_used_leaves_the_picture(broken):
    image = quadrants()

    np.testing.assert_array_equal(decoded(image, icc_profile=broken), np.asarray(image))


def test_a_colour_profile_on_a_grey_picture_leaves_it():
    assert (decoded(Image.new("L", (4, 4), 90), icc_profile=profile("sRGB")) == 90).all()


def swap_red_and_green(icc: bytes) -> bytes:
    """The profile with the names of two primaries exchanged, so that red means green."""
    table = icc[:400].replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")
    return table + icc[400:]
