import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from core.errors import UnreadableImageError
from core.imaging import FORMATS, REASONS, ImageLimits, decode
from core.imaging.decoding import MAX_SIDE_PX
from tests.imaging.samples import (
    BLUE,
    GREEN,
    LIMITS,
    RED,
    SAMPLES,
    WHITE,
    encoded,
    heic,
    noise,
    quadrants,
)

KEYS = [each.key for each in FORMATS]


def reason_for(data: bytes, limits: ImageLimits = LIMITS) -> str:
    with pytest.raises(UnreadableImageError) as refused:
        decode(data, limits)
    assert refused.value.reason in REASONS
    return refused.value.reason


def test_every_format_has_a_sample():
    assert set(SAMPLES) == set(KEYS)


@pytest.mark.parametrize("key", [key for key in KEYS if key != "HEIC"])
def test_a_picture_of_every_format_is_decoded(key):
    picture = decode(SAMPLES[key](quadrants()), LIMITS)

    assert picture.format == key
    assert picture.pixels.shape == (48, 64, 3)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags["C_CONTIGUOUS"]
    corners = picture.pixels[[4, 4, 43, 43], [4, 59, 4, 59]]
    np.testing.assert_allclose(corners, [RED, BLUE, GREEN, WHITE], atol=6)


def test_a_heic_is_decoded_upright():
    picture = decode(heic(), LIMITS)

    assert picture.format == "HEIC"
    assert picture.pixels.shape == (64, 48, 3)
    np.testing.assert_allclose(picture.pixels[[5, 58], [5, 5]], [BLUE, RED], atol=6)


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_an_animation_shows_its_first_frame(format_):
    frames = [Image.new("RGB", (32, 32), colour) for colour in (RED, BLUE, GREEN)]
    data = encoded(frames[0], format_, save_all=True, append_images=frames[1:], duration=50)

    pixels = decode(data, LIMITS).pixels

    np.testing.assert_allclose(pixels[16, 16], RED, atol=6)


def test_the_name_of_the_format_comes_from_the_content():
    assert decode(encoded(quadrants(), "PNG"), LIMITS).format == "PNG"


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.95])
def test_a_file_that_was_cut_off_is_truncated(key, share):
    data = SAMPLES[key](noise())

    assert reason_for(data[: int(len(data) * share)]) == "truncated"


def test_a_file_on_the_limit_of_bytes_passes_and_one_above_does_not():
    data = encoded(quadrants(), "PNG")

    decode(data, ImageLimits(max_bytes=len(data), max_pixels=10_000))
    assert reason_for(data, ImageLimits(len(data) - 1, 10_000)) == "too_large"


def test_a_picture_on_the_limit_of_pixels_passes_and_one_above_does_not():
    data = encoded(quadrants(64, 48), "PNG")

    decode(data, ImageLimits(max_bytes=10_000, max_pixels=64 * 48))
    assert reason_for(data, ImageLimits(10_000, 64 * 48 - 1)) == "too_many_pixels"


def test_a_side_that_no_camera_has_is_absurd():
    data = encoded(Image.new("L", (MAX_SIDE_PX + 1, 1)), "PNG")

    assert reason_for(data) == "absurd_size"


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pixels_without_a_right_look_are_refused_by_name(mode):
    assert reason_for(encoded(Image.new(mode, (8, 8)), "TIFF")) == "colour_mode"


def test_no_bytes_are_an_empty_file():
    assert reason_for(b"") == "empty"


def test_threads_decode_side_by_side():
    files = [SAMPLES[key](noise(seed=seed)) for key in KEYS for seed in range(4)]
    alone = [decode(data, LIMITS).pixels for data in files]
    start = threading.Barrier(4)

    def decode_all(_: int) -> list[np.ndarray]:
        start.wait()
        return [decode(data, LIMITS).pixels for data in files]

    with ThreadPoolExecutor(4) as threads:
        for together in threads.map(decode_all, range(4)):
            for one, other in zip(alone, together, strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("key", KEYS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), min_size=1, max_size=8))
def test_a_damaged_file_gives_a_picture_or_a_reason_and_nothing_else(key, flips):
    data = bytearray(SAMPLES[key](noise(24, 16)))
    for place, bits in flips:
        data[int(place * (len(data) - 1))] ^= bits

    outcome = reason_or_pixels(bytes(data))

    if isinstance(outcome, str):
        assert outcome in REASONS
    else:
        assert outcome.dtype == np.uint8
        assert outcome.ndim == 3
        assert outcome.shape[2] == 3


def reason_or_pixels(data: bytes) -> str | np.ndarray:
    try:
        return decode(data, LIMITS).pixels
    except UnreadableImageError as refused:
        return refused.reason


def test_a_heic_whose_item_type_is_no_text_does_not_crash():
    """pi_heif 1.4.0 kills the process when asked for the metadata of such a file."""
    data = heic().replace(b"Exif\0", b"Ex\xfff\0", 1)

    assert decode(data, LIMITS).pixels.shape == (64, 48, 3)


@pytest.mark.parametrize(
    ("enough_px", "side_px"), [(None, 64), (64, 64), (33, 64), (32, 32), (20, 32), (10, 16), (1, 8)]
)
def test_a_jpeg_is_decoded_no_larger_than_needed_and_no_smaller(enough_px, side_px):
    data = SAMPLES["JPEG"](quadrants())
    pixels = decode(data, LIMITS, enough_px=enough_px).pixels
    assert pixels.shape == (side_px * 3 // 4, side_px, 3)
    np.testing.assert_allclose(pixels[0, 0], RED, atol=12)
    np.testing.assert_allclose(pixels[-1, -1], WHITE, atol=12)


def test_other_formats_come_whole_whatever_is_enough():
    for key in ("PNG", "WebP"):
        assert decode(SAMPLES[key](quadrants()), LIMITS, enough_px=8).pixels.shape == (48, 64, 3)


def test_a_turned_jpeg_is_turned_at_any_size():
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    data = encoded(quadrants(), "JPEG", quality=95, exif=exif)
    pixels = decode(data, LIMITS, enough_px=32).pixels
    assert pixels.shape == (32, 24, 3)
    np.testing.assert_allclose(pixels[0, -1], RED, atol=12)


def test_a_narrow_jpeg_keeps_a_pixel():
    data = encoded(quadrants(640, 2), "JPEG")
    assert min(decode(data, LIMITS, enough_px=10).pixels.shape[:2]) >= 1


def test_a_limit_holds_for_the_whole_picture_whatever_is_enough():
    data = SAMPLES["JPEG"](quadrants())
    limits = ImageLimits(max_bytes=10**6, max_pixels=1000)
    with pytest.raises(UnreadableImageError, match="64 x 48"):
        decode(data, limits, enough_px=8)
