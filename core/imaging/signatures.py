"""What a file is, by its content: a format that is taken, or the name of something else."""

from collections.abc import Callable
from dataclasses import dataclass

from core.imaging.formats import FORMATS, ImageFormat
from core.imaging.reasons import refuse

HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class OtherKind:
    """Something that is not taken, called by its name in the refusal."""

    name: str
    matches: Callable[[bytes], bool]


def _starts(*prefixes: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(prefixes)


def _is_svg(head: bytes) -> bool:
    return head.lstrip().startswith(b"<") and b"<svg" in head.lower()


def _is_html(head: bytes) -> bool:
    text = head.lower()
    return text.lstrip().startswith((b"<!doctype html", b"<html", b"<head", b"<script"))


def _is_raw_photo(head: bytes) -> bool:
    """Canon CR2, Fujifilm RAF, Panasonic RW2, Olympus ORF; other raw files pass as TIFF."""
    return head[8:10] == b"CR" or head.startswith((b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO"))


def _is_text(head: bytes) -> bool:
    text = head.decode("utf-8", errors="ignore")
    cut_character_bytes = 3
    if len(head) - len(text.encode()) > cut_character_bytes:
        return False
    return all(character.isprintable() or character in "\t\r\n\f" for character in text)


# Pictures, but not taken. They come first: a camera's raw file begins as a TIFF does.
OTHER_IMAGES: tuple[OtherKind, ...] = (
    OtherKind("a camera's raw file", _is_raw_photo),
    OtherKind("a Photoshop file", _starts(b"8BPS")),
    OtherKind("a JPEG 2000 picture", _starts(b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")),
    OtherKind("a JPEG XL picture", _starts(b"\xff\x0a", b"\0\0\0\x0cJXL ")),
    OtherKind("a Windows icon", _starts(b"\0\0\1\0", b"\0\0\2\0")),
    OtherKind("an SVG drawing", _is_svg),
    OtherKind("a PostScript file", _starts(b"%!PS")),
)

OTHER_KINDS: tuple[OtherKind, ...] = (
    OtherKind("a PDF document", _starts(b"%PDF")),
    OtherKind("a zip archive", _starts(b"PK\3\4", b"PK\5\6", b"PK\7\x08")),
    OtherKind("a RAR archive", _starts(b"Rar!")),
    OtherKind("a 7-Zip archive", _starts(b"7z\xbc\xaf\x27\x1c")),
    OtherKind("a gzip archive", _starts(b"\x1f\x8b")),
    OtherKind("a Linux program", _starts(b"\x7fELF")),
    OtherKind("a Windows program", _starts(b"MZ")),
    OtherKind("a macOS program", _starts(b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")),
    OtherKind("a script", _starts(b"#!")),
    OtherKind("a SQLite database", _starts(b"SQLite format 3\0")),
    OtherKind("a Parquet table", _starts(b"PAR1")),
    OtherKind("a video", lambda head: head[4:8] == b"ftyp" or head.startswith(b"\x1aE\xdf\xa3")),
    OtherKind("a video or sound file", _starts(b"RIFF", b"OggS", b"ID3")),
    OtherKind("an old Office document", _starts(b"\xd0\xcf\x11\xe0")),
    OtherKind("a web page", _is_html),
    OtherKind("an XML file", _starts(b"<?xml", b"\xef\xbb\xbf<?xml")),
    OtherKind("text", _is_text),
    OtherKind("of an unknown kind", lambda _: True),
)


def kind_of(data: bytes) -> ImageFormat | OtherKind:
    """Return what the first bytes (at most ``HEAD_BYTES`` are looked at) show."""
    head = data[:HEAD_BYTES]
    kinds: tuple[ImageFormat | OtherKind, ...] = (*OTHER_IMAGES, *FORMATS, *OTHER_KINDS)
    return next(kind for kind in kinds if kind.matches(head))


def identify(data: bytes) -> ImageFormat:
    """Return the format that the first bytes show.

    Raises:
        UnreadableImageError: ``empty``, ``not_an_image`` or ``format_not_taken``.
    """
    if not data:
        raise refuse("empty")
    kind = kind_of(data)
    if isinstance(kind, ImageFormat):
        return kind
    key = "format_not_taken" if kind in OTHER_IMAGES else "not_an_image"
    raise refuse(key, kind=kind.name)
