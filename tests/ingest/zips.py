"""Zips made by hand, each part of which can be a lie."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

STORED, DEFLATED = 0, 8


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


def _pack(member: Member) -> bytes:
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
