"""Zips made by hand, each part of which can be a lie."""

import bz2
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

STORED, DEFLATED, BZIP2, LZMA = 0, 8, 12, 14


@dataclass(frozen=True, slots=True)
class Member:
    """One member; what is None is told as it is."""

    name: bytes
    data: bytes
    method: int = DEFLATED
    flags: int = 0
    crc: int | None = None
    claimed_size: int | None = None
    mode: int = 0o100644
    share_offset_of: int | None = None


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """An honest zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def handmade_zip(*members: Member) -> bytes:
    """A zip of the members as they claim to be (APPNOTE.TXT 4.3)."""
    body, directory, offsets = bytearray(), bytearray(), []
    for member in members:
        packed = _pack(member)
        fields = _fields(member, packed)
        shared = member.share_offset_of
        offsets.append(len(body) if shared is None else offsets[shared])
        if shared is None:
            body += b"PK\3\4" + struct.pack("<H", 20) + fields + member.name + packed
        directory += (
            b"PK\1\2" + struct.pack("<HH", 0x0314, 20) + fields
            + struct.pack("<HHHII", 0, 0, 0, member.mode << 16, offsets[-1]) + member.name
        )  # fmt: skip
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), len(body), 0)
    return bytes(body + directory + b"PK\5\6" + end)


def with_zip64_record(data: bytes, *, claimed_short: int) -> bytes:
    """The same zip with a zip64 record, which is believed, before the short one, which lies."""
    body, end = data[:-22], data[-22:]
    members, size, offset = struct.unpack("<HII", end[10:20])
    long = b"PK\6\6" + struct.pack(
        "<QHHIIQQQQ", 44, 45, 45, 0, 0, members, members, size, offset
    )  # fmt: skip
    locator = b"PK\6\7" + struct.pack("<IQI", 0, len(body), 1)
    return body + long + locator + end[:12] + struct.pack("<I", claimed_short) + end[16:]


def _pack(member: Member) -> bytes:
    if member.method == BZIP2:
        return bz2.compress(member.data)
    if member.method == LZMA:  # APPNOTE.TXT 5.8.8: version, length of the properties, these
        packed = lzma.compress(member.data, lzma.FORMAT_ALONE)
        return b"\x09\x04\x05\0" + packed[:5] + packed[13:]
    if member.method != DEFLATED:
        return member.data
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(member.data) + packer.flush()


def _fields(member: Member, packed: bytes) -> bytes:
    crc = zlib.crc32(member.data) if member.crc is None else member.crc
    size = len(member.data) if member.claimed_size is None else member.claimed_size
    return struct.pack(
        "<HHHHIIIHH", member.flags, member.method, 0, 0x21, crc, len(packed), size,
        len(member.name), 0,
    )  # fmt: skip
