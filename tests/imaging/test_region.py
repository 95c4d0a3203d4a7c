"""Parts of pictures, as addresses write them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInputError
from core.imaging import Region


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1-2-3",
        "0-0-1000-1000-1",
        "a-0-500-500",
        "-1-0-500-500",
        "0-0-500-19",
        "501-0-500-500",
        "0-0-500-²00",
        "0-0-9999999999999-500",
    ],
)
def test_what_is_no_region_is_refused(text):
    with pytest.raises(InvalidInputError, match="draw it again"):
        Region.parse(text)


def test_a_region_is_written_as_it_is_read():
    assert str(Region.parse("100-200-300-400")) == "100-200-300-400"


def test_the_part_is_what_was_drawn():
    pixels = np.zeros((100, 200, 3), np.uint8)
    pixels[25:50, 100:150] = 255
    part = Region.parse("500-250-250-250").cut(pixels)
    assert part.shape == (25, 50, 3)
    assert part.min() == 255


@given(st.integers(1, 70), st.integers(1, 70), st.data())
def test_every_region_of_every_picture_has_a_pixel(height, width, data):
    left, top = data.draw(st.integers(0, 980)), data.draw(st.integers(0, 980))
    region = Region(
        left, top, data.draw(st.integers(20, 1000 - left)), data.draw(st.integers(20, 1000 - top))
    )
    part = region.cut(np.zeros((height, width, 3), np.uint8))
    assert part.shape[0] >= 1
    assert part.shape[1] >= 1


@given(st.integers(20, 1000), st.integers(20, 1000), st.integers(1, 2000), st.floats(0.1, 10))
def test_of_a_picture_that_is_enough_the_part_is_long_enough(width, height, side_px, shape):
    part = Region(0, 0, width, height)
    longer = part.enough_px(side_px)
    sides = (longer, longer / shape) if shape > 1 else (longer * shape, longer)
    assert max(sides[0] * width, sides[1] * height) / 1000 >= side_px
