import numpy as np
import pytest

from core.imaging import decode, encode_jpeg
from tests.imaging.samples import LIMITS, quadrants


@pytest.mark.parametrize(("limit_px", "size"), [(32, (24, 32)), (64, (48, 64)), (500, (48, 64))])
def test_the_longer_side_is_at_most_the_limit_and_nothing_grows(limit_px, size):
    pixels = np.asarray(quadrants(64, 48))

    picture = decode(encode_jpeg(pixels, max_side_px=limit_px), LIMITS)

    assert picture.format == "JPEG"
    assert picture.pixels.shape[:2] == size


def test_a_very_long_picture_keeps_at_least_a_row():
    pixels = np.zeros((2, 900, 3), dtype=np.uint8)

    assert decode(encode_jpeg(pixels, max_side_px=90), LIMITS).pixels.shape == (1, 90, 3)
