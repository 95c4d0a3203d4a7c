import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from core.errors import UnreadableImageError
from core.imaging import decode
from core.imaging.exif import parse_orientation
from tests.imaging.samples import LIMITS, encoded, quadrants

ORIENTATION = 0x0112


def exif(orientation: int) -> bytes:
    block = Image.Exif()
    block[ORIENTATION] = orientation
    return block.tobytes()


def handmade(
    *,
    order: str = "<",
    start: int = 8,
    entries: int = 1,
    kind: int = 3,
    count: int = 1,
    value: int = 6,
) -> bytes:
    """An EXIF block with one entry, each part of which can be made wrong."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    number = struct.pack(
        order + ("HH" if kind == 3 else "I"), *((value, 0) if kind == 3 else (value,))
    )
    entry = struct.pack(order + "HHI", ORIENTATION, kind, count) + number
    return mark + struct.pack(order + "IH", start, entries) + entry + b"\0\0\0\0"


def reason_for(block: bytes) -> str:
    with pytest.raises(UnreadableImageError) as refused:
        parse_orientation(block)
    return refused.value.reason


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_picture_stands_as_its_orientation_says(format_, orientation):
    lossless = {"lossless": True} if format_ == "WEBP" else {}
    tags = {ORIENTATION: orientation}
    where = {"tiffinfo": tags} if format_ == "TIFF" else {"exif": exif(orientation)}
    data = encoded(quadrants(), format_, **where, **lossless)

    pixels = decode(data, LIMITS).pixels

    wanted = quadrants()
    wanted.getexif()[ORIENTATION] = orientation
    np.testing.assert_array_equal(pixels, np.asarray(ImageOps.exif_transpose(wanted)))


@pytest.mark.parametrize("format_", ["JPEG", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_lossy_picture_stands_as_its_orientation_says(format_, orientation):
    data = encoded(quadrants(), format_, exif=exif(orientation), quality=95)

    pixels = decode(data, LIMITS).pixels.astype(int)

    wanted = quadrants()
    wanted.getexif()[ORIENTATION] = orientation
    turned = np.asarray(ImageOps.exif_transpose(wanted)).astype(int)
    assert pixels.shape == turned.shape
    assert np.abs(pixels - turned).mean() < 6


@given(orientation=st.integers(1, 8), order=st.sampled_from("<>"), kind=st.sampled_from([3, 4]))
def test_an_orientation_is_read_back(orientation, order, kind):
    assert parse_orientation(handmade(value=orientation, order=order, kind=kind)) == orientation


@pytest.mark.parametrize(
    "block", [b"", b"\0" * 64, b"Exif\0\0", handmade(value=0), handmade(entries=0)]
)
def test_exif_that_says_nothing_means_upright(block):
    assert parse_orientation(block) == 1


@pytest.mark.parametrize(
    "block",
    [
        handmade(value=9),
        handmade(value=65_535),
        handmade(kind=4, value=2**32 - 1),
        handmade(kind=2),
        handmade(count=1_000_000),
        handmade(start=4_000_000_000),
        handmade(entries=60_000),
        handmade()[:15],
        b"II*\0",
        b"Exif\0\0garbage that is no TIFF",
    ],
    ids=lambda block: block[:24].hex(),
)
def test_absurd_exif_is_refused(block):
    assert reason_for(block) == "absurd_exif"


@given(st.binary(max_size=200))
def test_any_bytes_are_an_orientation_or_refused(block):
    assert outcome(b"Exif\0\0II*\0" + block) in {"absurd_exif", *range(1, 9)}


def outcome(block: bytes) -> int | str:
    try:
        return parse_orientation(block)
    except UnreadableImageError as refused:
        return refused.reason


def test_a_good_picture_with_absurd_exif_is_refused_for_its_exif():
    with pytest.raises(UnreadableImageError, match="there is no orientation 9"):
        decode(encoded(quadrants(), "JPEG", exif=exif(9)), LIMITS)


def test_a_tiff_with_an_absurd_orientation_is_refused_for_it():
    with pytest.raises(UnreadableImageError, match="there is no orientation 77"):
        decode(encoded(quadrants(), "TIFF", tiffinfo={ORIENTATION: 77}), LIMITS)
