"""Is all of a file there? Asked only of files that could not be decoded.

The answer parts "cut off, copy it again" from "damaged". It reads what each container
says of its own length, and never raises.
"""

import struct

_STRIPS, _STRIP_SIZES = 273, 279
_TILES, _TILE_SIZES = 324, 325
_TIFF_NUMBERS = {3: "H", 4: "I"}  # SHORT, LONG: TIFF 6.0 section 2
_TAIL_BYTES = 1024


def jpeg_is_whole(data: bytes) -> bool:
    return b"\xff\xd9" in data[-_TAIL_BYTES:]


def png_is_whole(data: bytes) -> bool:
    return b"IEND" in data[-_TAIL_BYTES:]


def gif_is_whole(data: bytes) -> bool:
    return data.rstrip(b"\0").endswith(b";")


def webp_is_whole(data: bytes) -> bool:
    return len(data) >= 8 + int.from_bytes(data[4:8], "little")


def bmp_is_whole(data: bytes) -> bool:
    return len(data) >= int.from_bytes(data[2:6], "little")


def tiff_is_whole(data: bytes) -> bool:
    """Whether the strips or tiles that the first directory lists are inside the file."""
    try:
        tags = _tiff_tags(data)
    except struct.error:
        return False
    starts = tags.get(_STRIPS) or tags.get(_TILES) or ()
    sizes = tags.get(_STRIP_SIZES) or tags.get(_TILE_SIZES) or ()
    return all(start + size <= len(data) for start, size in zip(starts, sizes, strict=False))


def _tiff_tags(data: bytes) -> dict[int, tuple[int, ...]]:
    """The whole numbers of the first directory, by tag."""
    order = "<" if data.startswith(b"II") else ">"
    (directory,) = struct.unpack_from(order + "I", data, 4)
    (entries,) = struct.unpack_from(order + "H", data, directory)
    tags = {}
    for entry in range(directory + 2, directory + 2 + 12 * entries, 12):
        tag, kind, count = struct.unpack_from(order + "HHI", data, entry)
        if kind in _TIFF_NUMBERS and count <= len(data):
            layout = f"{order}{count}{_TIFF_NUMBERS[kind]}"
            inline = struct.calcsize(layout) <= 4
            offset = entry + 8 if inline else struct.unpack_from(order + "I", data, entry + 8)[0]
            tags[tag] = struct.unpack_from(layout, data, offset)
    return tags


def boxes_are_whole(data: bytes) -> bool:
    """Whether the boxes of an ISO media file (AVIF, HEIC) end where the file does."""
    offset = 0
    while offset + 8 <= len(data):
        size = int.from_bytes(data[offset : offset + 4], "big")
        if size == 1:
            size = int.from_bytes(data[offset + 8 : offset + 16], "big")
        if size == 0:  # the last box reaches to the end of the file
            return True
        offset += max(size, 8)
    return offset <= len(data)
