"""The formats that are taken: one table, and how to tell them by their first bytes."""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from core.imaging.heic import CODEC as HEIC
from core.imaging.wholeness import (
    bmp_is_whole,
    boxes_are_whole,
    gif_is_whole,
    jpeg_is_whole,
    png_is_whole,
    tiff_is_whole,
    webp_is_whole,
)


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """One format that is taken.

    Attributes:
        key: Name shown and stored.
        codec: Pillow's name of the decoder; no other is tried.
        extensions: Usual endings of a file's name, lower case, with the dot.
        matches: Tells the format by the first bytes of a file.
        is_whole: Whether a file that could not be decoded is at least all there; parts
            "damaged" from "truncated".
        turns_itself: The decoder returns the picture upright already.
    """

    key: str
    codec: str
    extensions: tuple[str, ...]
    matches: Callable[[bytes], bool]
    is_whole: Callable[[bytes], bool]
    turns_itself: bool = False


def _starts(*prefixes: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(prefixes)


def _is_webp(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def _is_bmp(data: bytes) -> bool:
    """BM, then a header of one of the sizes there are: two letters alone start many texts."""
    sizes = {12, 16, 40, 52, 56, 64, 108, 124}
    return data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in sizes


def _brands(data: bytes) -> set[bytes]:
    """Brands of an ISO media file (AVIF, HEIC, MP4); empty for any other."""
    if data[4:8] != b"ftyp":
        return set()
    box = data[: min(int.from_bytes(data[:4], "big"), 256)]
    return {box[8:12], *(box[start : start + 4] for start in range(16, len(box) - 3, 4))}


def _is_avif(data: bytes) -> bool:
    return bool(_brands(data) & {b"avif", b"avis"})


def _is_heic(data: bytes) -> bool:
    heic = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
    return bool(_brands(data) & heic)


FORMATS: tuple[ImageFormat, ...] = (
    ImageFormat(
        "JPEG", "JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), _starts(b"\xff\xd8\xff"), jpeg_is_whole
    ),
    ImageFormat("PNG", "PNG", (".png",), _starts(b"\x89PNG\r\n\x1a\n"), png_is_whole),
    ImageFormat("WebP", "WEBP", (".webp",), _is_webp, webp_is_whole),
    ImageFormat("GIF", "GIF", (".gif",), _starts(b"GIF87a", b"GIF89a"), gif_is_whole),
    ImageFormat(
        "TIFF",
        "TIFF",
        (".tif", ".tiff"),
        _starts(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
        tiff_is_whole,
        turns_itself=True,
    ),
    ImageFormat("BMP", "BMP", (".bmp", ".dib"), _is_bmp, bmp_is_whole),
    ImageFormat("AVIF", "AVIF", (".avif",), _is_avif, boxes_are_whole),
    ImageFormat(
        "HEIC", HEIC, (".heic", ".heif", ".hif"), _is_heic, boxes_are_whole, turns_itself=True
    ),
)

EXTENSIONS: frozenset[str] = frozenset(end for each in FORMATS for end in each.extensions)

Image.init()  # registers every decoder now, not in the first thread that needs one
