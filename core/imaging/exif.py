"""The one thing that is read from EXIF: which way is up.

A camera's orientation decides how the picture is shown and what the models see. So EXIF
that cannot be read, or that names an orientation which does not exist, is refused instead
of guessed at. Orientation 0 ("unknown", written by some phones) and a block of zeros mean
upright; everything else in EXIF is ignored.

Layout: CIPA DC-008 (Exif 2.32) section 4.6.2, which is TIFF 6.0 section 2.
"""

import struct

from PIL import Image, TiffImagePlugin

from core.imaging.reasons import refuse

UPRIGHT = 1
ORIENTATION_TAG = 0x0112
TURNS: dict[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_PREFIX = b"Exif\0\0"
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ENTRY_BYTES = 12
_NUMBERS = {3: "H", 4: "I"}  # SHORT, LONG


def orientation_of(image: Image.Image) -> int:
    """Return the orientation of an opened image, 1 to 8.

    Raises:
        UnreadableImageError: ``absurd_exif``.
    """
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return _checked(image.tag_v2.get(ORIENTATION_TAG, UPRIGHT))
    block = image.info.get("exif")
    return parse_orientation(block) if isinstance(block, bytes) else UPRIGHT


def parse_orientation(block: bytes) -> int:
    """Return the orientation in a raw EXIF block, 1 to 8.

    Raises:
        UnreadableImageError: ``absurd_exif``.
    """
    tiff = block.removeprefix(_PREFIX)
    if not tiff.strip(b"\0"):
        return UPRIGHT
    order = _BYTE_ORDERS.get(tiff[:4])
    if order is None:
        raise refuse("absurd_exif", problem="it does not begin as EXIF does")
    try:
        return _find_orientation(tiff, order)
    except struct.error as error:
        raise refuse("absurd_exif", problem="it points outside of itself") from error


def _find_orientation(tiff: bytes, order: str) -> int:
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    (entries,) = struct.unpack_from(order + "H", tiff, start)
    found = UPRIGHT
    for index in range(entries):
        entry = struct.unpack_from(order + "HHI4s", tiff, start + 2 + index * _ENTRY_BYTES)
        if entry[0] == ORIENTATION_TAG:
            found = _read_orientation(*entry[1:], order=order)
    return found


def _read_orientation(kind: int, count: int, value: bytes, *, order: str) -> int:
    if kind not in _NUMBERS or count != 1:
        raise refuse("absurd_exif", problem="its orientation is not a number")
    return _checked(struct.unpack_from(order + _NUMBERS[kind], value)[0])


def _checked(orientation: object) -> int:
    if orientation == 0:
        return UPRIGHT
    if not isinstance(orientation, int) or orientation not in {UPRIGHT, *TURNS}:
        raise refuse("absurd_exif", problem=f"there is no orientation {orientation!r}")
    return orientation
