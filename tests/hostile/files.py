"""200 damaged or hostile files, each with the reason for which it must be refused."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from tests.imaging.samples import SAMPLES, encoded, noise, quadrants
from tests.imaging.test_exif import exif, handmade
from tests.ingest.zips import BZIP2, LZMA, Member, handmade_zip, with_zip64_record, zip_of

PHOTO = encoded(noise(), "PNG")


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file that must not come in.

    Attributes:
        kind: What is wrong with it, for the test's report.
        refused: The name in the report, where it is not the file's own (a zip's member).
    """

    kind: str
    name: str
    data: bytes
    reason: str
    refused: str = ""


def in_a_folder() -> tuple[Hostile, ...]:
    """Files that lie in a folder beside good ones."""
    makers = (
        _cut_off, _damaged, _giants, _wrong_extensions, _not_images, _not_taken, _empty,
        _absurd_exif, _odd_colours, _programs, _archives, _too_large, _long_sides,
    )  # fmt: skip
    return tuple(hostile for maker in makers for hostile in maker())


def in_a_zip() -> tuple[tuple[Hostile, Member], ...]:
    """Members that lie in a zip beside good ones."""
    makers = (_bad_names, _bombs, _bad_members)
    return tuple(pair for maker in makers for pair in maker())


def as_a_zip() -> tuple[Hostile, ...]:
    """Archives that are refused as a whole."""
    many = zip_of({f"{number}.png": b"" for number in range(600)})
    overlapping = handmade_zip(
        Member(b"0.png", PHOTO),
        *(Member(b"%d.png" % n, PHOTO, share_offset_of=0) for n in range(1, 40)),
    )
    claims = handmade_zip(*(Member(b"%d.bmp" % n, b"x", claimed_size=2**31) for n in range(9)))
    long_names = zip_of({f"{'long' * 50}{number}.png": b"" for number in range(2_000)})
    wrong_directory = zip_of({"a.png": PHOTO}).replace(b"PK\1\2", b"PK\1\3")
    return (
        Hostile("zip", "many.zip", many, "too_many_files"),
        Hostile("zip", "overlapping.zip", overlapping, "overlapping"),
        Hostile("zip", "total.zip", claims, "expands_too_much"),
        Hostile(
            "zip", "zip64.zip", with_zip64_record(long_names, claimed_short=46), "too_many_files"
        ),
        Hostile(
            "zip", "hidden.zip", long_names[:-6] + b"PK\5\6" + long_names[-2:], "too_many_files"
        ),
        Hostile("zip", "cut.zip", zip_of({"a.png": PHOTO})[:-40], "damaged_archive"),
        Hostile("zip", "half.zip", zip_of({"a.png": PHOTO})[:1000], "damaged_archive"),
        Hostile("zip", "directory.zip", wrong_directory, "damaged_archive"),
        Hostile("zip", "empty.zip", b"", "damaged_archive"),
        Hostile("zip", "text.zip", b"no zip at all", "damaged_archive"),
        Hostile("zip", "photo.zip", PHOTO, "damaged_archive"),
    )


def _cut_off() -> Iterator[Hostile]:
    for key, encode in SAMPLES.items():
        data = encode(noise())
        for percent in (3, 10, 25, 50, 75, 90, 97):
            kept = max(40, len(data) * percent // 100)
            name = f"cut {percent}.{key.lower()}"
            yield Hostile("cut off", name, data[:kept], "truncated")


def _damaged() -> Iterator[Hostile]:
    png = encoded(noise(), "PNG")
    start = png.index(b"IDAT") + 4
    scrambled = png[:start] + random.Random(1).randbytes(len(png) - start - 12) + png[-12:]
    yield Hostile("damaged", "scrambled.png", scrambled, "damaged")
    header = bytearray(png)
    header[16] ^= 1  # the width, under its old checksum
    yield Hostile("damaged", "checksum.png", bytes(header), "damaged")
    jpeg = encoded(noise(), "JPEG")
    yield Hostile("damaged", "no frame.jpg", jpeg[:20] + b"\xff\xd9", "damaged")
    webp = bytearray(encoded(noise(), "WEBP"))
    webp[20:60] = b"\xff" * 40
    yield Hostile("damaged", "bitstream.webp", bytes(webp), "damaged")
    yield Hostile("damaged", "nothing in it.gif", b"GIF89a\x05\0\x05\0\0\0\0;", "damaged")
    tiff = struct.pack("<4sIHHHIII", b"II*\0", 8, 1, 256, 4, 1, 64, 0)
    yield Hostile("damaged", "one tag.tif", tiff, "damaged")
    deep = bytearray(encoded(noise(), "BMP"))
    deep[28:30] = b"\x07\0"  # bits a pixel
    yield Hostile("damaged", "seven bits.bmp", bytes(deep), "damaged")
    heic = SAMPLES["HEIC"](noise()).replace(b"hvcC", b"xxxx")
    yield Hostile("damaged", "no codec.heic", heic, "damaged")


def _giants() -> Iterator[Hostile]:
    """Small files that claim huge pictures: only the header may be believed about that."""
    for side in (5_000, 40_000, 60_000):
        yield Hostile("giant", f"giant {side}.png", _png_of(side, side), "too_many_pixels")
        gif = struct.pack("<6sHHBBB", b"GIF89a", side, side, 0, 0, 0)
        gif += b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\2\2\x44\1\0;"
        yield Hostile("giant", f"giant {side}.gif", gif, "too_many_pixels")
        bmp = encoded(quadrants(), "BMP")
        bmp = bmp[:18] + struct.pack("<ii", side, side) + bmp[26:]
        yield Hostile("giant", f"giant {side}.bmp", bmp, "too_many_pixels")
        jpeg = encoded(quadrants(), "JPEG")
        frame = jpeg.index(b"\xff\xc0") + 5
        jpeg = jpeg[:frame] + struct.pack(">HH", side, side) + jpeg[frame + 4 :]
        yield Hostile("giant", f"giant {side}.jpg", jpeg, "too_many_pixels")
        yield Hostile("giant", f"giant {side}.tif", _tiff_of(side), "too_many_pixels")
    for side in (5_000, 16_000):
        yield Hostile("giant", f"giant {side}.webp", _webp_of(side), "too_many_pixels")
    yield Hostile("giant", "packed.png", _png_bomb(6_000), "too_many_pixels")


def _wrong_extensions() -> Iterator[Hostile]:
    for name, data in _things().items():
        for extension in ("jpg", "png", "webp"):
            yield Hostile("wrong extension", f"{name}.{extension}", data, "wrong_extension")


def _not_images() -> Iterator[Hostile]:
    for name, data in _things().items():
        yield Hostile("no image", f"{name}.dat", data, "not_an_image")
    for number in range(5):
        data = b"\1\2" + random.Random(number).randbytes(5_000)
        yield Hostile("random bytes", f"random {number}", data, "not_an_image")


def _not_taken() -> Iterator[Hostile]:
    yield Hostile(
        "not taken", "drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "format_not_taken"
    )
    yield Hostile("not taken", "layers.psd", b"8BPS\0\1" + bytes(50), "format_not_taken")
    yield Hostile("not taken", "icon.ico", encoded(quadrants(), "ICO"), "format_not_taken")
    yield Hostile("not taken", "wave.jp2", encoded(quadrants(), "JPEG2000"), "format_not_taken")
    yield Hostile("not taken", "page.eps", encoded(quadrants(), "EPS"), "format_not_taken")


def _empty() -> Iterator[Hostile]:
    for name in ("empty.jpg", "empty.png", "empty", "empty.txt"):
        yield Hostile("empty", name, b"", "empty")


def _absurd_exif() -> Iterator[Hostile]:
    blocks = {
        "nine": exif(9),
        "garbage": b"Exif\0\0garbage that is no TIFF",
        "outside": b"Exif\0\0" + handmade(start=4_000_000_000),
        "entries": b"Exif\0\0" + handmade(entries=60_000),
        "count": b"Exif\0\0" + handmade(count=1_000_000),
        "text": b"Exif\0\0" + handmade(kind=2),
        "cut": b"Exif\0\0" + handmade()[:15],
    }
    for name, block in blocks.items():
        for format_, extension in (("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")):
            data = encoded(quadrants(), format_, exif=block)
            yield Hostile("absurd EXIF", f"exif {name}.{extension}", data, "absurd_exif")
    for orientation in (9, 77, 60_000):
        data = encoded(quadrants(), "TIFF", tiffinfo={0x0112: orientation})
        yield Hostile("absurd EXIF", f"exif {orientation}.tif", data, "absurd_exif")


def _odd_colours() -> Iterator[Hostile]:
    for mode in ("F", "I"):
        yield Hostile(
            "odd colours", f"{mode}.tif", encoded(Image.new(mode, (8, 8)), "TIFF"), "colour_mode"
        )


def _programs() -> Iterator[Hostile]:
    for extension in ("exe", "bat", "js", "scr", "php", "jpg.exe", "PNG.Cmd", "lnk"):
        yield Hostile("program", f"photo.{extension}", PHOTO, "program_name")


def _archives() -> Iterator[Hostile]:
    bomb = zip_of({"0": bytes(3_000_000)})
    for depth in range(3):
        bomb = zip_of({f"{number}.zip": bomb for number in range(3)})
        yield Hostile("nested zip", f"nested {depth}.zip", bomb, "nested_archive")
    yield Hostile("nested zip", "photos.tar.gz", b"\x1f\x8b\x08", "nested_archive")


def _too_large() -> Iterator[Hostile]:
    yield Hostile("too large", "large.png", PHOTO + bytes(2_000_000), "too_large")
    yield Hostile(
        "too large", "large.jpg", encoded(noise(), "JPEG") + bytes(2_000_000), "too_large"
    )


def _long_sides() -> Iterator[Hostile]:
    yield Hostile(
        "long side", "long.png", encoded(Image.new("1", (70_000, 1)), "PNG"), "absurd_size"
    )
    yield Hostile(
        "long side", "tall.tif", encoded(Image.new("L", (1, 70_000)), "TIFF"), "absurd_size"
    )


def _bad_names() -> Iterator[tuple[Hostile, Member]]:
    names = (
        "../up.png", "../../../../etc/cron.d/up.png", "/etc/absolute.png", "a/../../up.png",
        "..\\windows.png", "C:\\windows\\drive.png", "c:drive.png", "\\\\server\\share.png",
        "../.ssh/hidden.png", "/.ssh/root.png", ".ssh/../../out.png", "C:\\.ssh\\key.png",
        "new\nline.png", "bell\x07.png", "\x1b[2Jclear.png",
    )  # fmt: skip
    for name in names:
        shown = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in name)
        yield Hostile("path", name, PHOTO, "unsafe_name", shown), Member(name.encode(), PHOTO)
    long = "long" * 150 + ".png"
    yield Hostile("path", long, PHOTO, "long_name", f"{long[:499]}…"), Member(long.encode(), PHOTO)


def _bombs() -> Iterator[tuple[Hostile, Member]]:
    for megabytes in (2, 5, 20):
        name = f"bomb {megabytes}.bmp"
        data = bytes(megabytes * 1_000_000)
        yield Hostile("zip bomb", name, data, "expands_too_far"), Member(name.encode(), data)
    for method, extension in ((BZIP2, "bz2"), (LZMA, "lzma")):
        name = f"{extension} bomb.bmp"
        data = bytes(200_000_000)  # which it does not claim
        member = Member(name.encode(), data, method=method, claimed_size=1000)
        yield Hostile("zip bomb", name, b"", "packing_not_taken"), member


def _bad_members() -> Iterator[tuple[Hostile, Member]]:
    bad = {
        "bad crc.png": (Member(b"bad crc.png", PHOTO, crc=1), "damaged_member"),
        "bad method.png": (Member(b"bad method.png", PHOTO, method=99), "packing_not_taken"),
        "lying size.png": (Member(b"lying size.png", PHOTO, claimed_size=9), "damaged_member"),
        "secret.png": (Member(b"secret.png", PHOTO, flags=1), "encrypted"),
        "link.png": (Member(b"link.png", b"/etc/passwd", mode=0o120777), "link"),
        "inner.zip": (Member(b"inner.zip", zip_of({"a.png": PHOTO})), "nested_archive"),
        "text.png": (Member(b"text.png", b"text"), "wrong_extension"),
        "nothing.png": (Member(b"nothing.png", b""), "empty"),
    }
    for name, (member, reason) in bad.items():
        yield Hostile("member", name, member.data, reason), member


def _things() -> dict[str, bytes]:
    """Things that people call photos."""
    workbook = io.BytesIO()
    with zipfile.ZipFile(workbook, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return {
        "document": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
        "page": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "note": b"please find the photo attached\n" * 9,
        "workbook": workbook.getvalue(),
        "linux": b"\x7fELF\2\1\1" + bytes(64),
        "windows": b"MZ\x90\0" + bytes(64),
        "script": b"#!/bin/sh\nrm -rf ~\n",
        "video": b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(64),
        "zeros": bytes(4_000),
    }


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png_of(width_px: int, height_px: int, data: bytes = b"\0") -> bytes:
    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 0, 0, 0, 0)
    chunks = _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", zlib.compress(data, 9))
    return b"\x89PNG\r\n\x1a\n" + chunks + _png_chunk(b"IEND", b"")


def _png_bomb(side_px: int) -> bytes:
    """A true picture of that size, packed a thousandfold."""
    return _png_of(side_px, side_px, bytes((side_px + 1) * side_px))


def _webp_of(side_px: int) -> bytes:
    """A lossless picture whose 14-bit sides are replaced."""
    data = bytearray(encoded(quadrants(), "WEBP", lossless=True))
    sides = data.index(b"VP8L") + 9
    flags = struct.unpack_from("<I", data, sides)[0] & 0xF000_0000
    struct.pack_into("<I", data, sides, flags | (side_px - 1) << 14 | (side_px - 1))
    return bytes(data)


def _tiff_of(side_px: int) -> bytes:
    return _retagged(encoded(Image.new("L", (4, 4)), "TIFF"), {256: side_px, 257: side_px})


def _retagged(tiff: bytes, values: dict[int, int]) -> bytes:
    """A little-endian TIFF with other values in its first directory."""
    data = bytearray(tiff)
    (directory,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, directory)
    for entry in range(directory + 2, directory + 2 + 12 * entries, 12):
        (tag,) = struct.unpack_from("<H", data, entry)
        if tag in values:
            struct.pack_into("<HHII", data, entry, tag, 4, 1, values[tag])
    return bytes(data)
