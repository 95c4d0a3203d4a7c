"""Files of a zip that nobody vouches for. Nothing is ever unpacked to disk."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

from core.ingest.files import (
    Refusal,
    RefusedFileError,
    SourceFile,
    SourceLimits,
    clean_name,
    is_ignored,
    refusing,
)

MIN_BOMB_BYTES = 1024 * 1024
"""Below, a high ratio is no bomb: a small white BMP packs a thousandfold."""

_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""Unpacked no further than asked; of bzip2 and LZMA ``zipfile`` unpacks whatever comes."""

_BYTES_PER_ENTRY = 512  # of the directory: 46, a name, extra fields
_DATA_OFFSET = 30  # of a local header, without the name
_ENCRYPTED = 0x1

_UNPACK_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    struct.error,
)


def list_zip(
    path: Path, limits: SourceLimits, stack: ExitStack
) -> tuple[list[SourceFile], list[Refusal]]:
    """Return the files of a zip, which stays open as long as the stack, and what is refused.

    Raises:
        RefusedFileError: The archive as a whole is refused: damaged, too many files, expands
            to too much, or members that overlap.
    """
    archive = _open(path, limits, stack)
    members = [info for info in archive.infolist() if not info.is_dir()]
    _check_whole(members, limits)
    files: dict[str, SourceFile] = {}
    refusals: list[Refusal] = []
    for info in members:
        if is_ignored(info.filename):
            continue
        with refusing(info.filename, refusals):
            file = _member(archive, info, limits)
            if file.name in files:
                raise RefusedFileError("duplicate_name")
            files[file.name] = file
    return [files[name] for name in sorted(files)], refusals


class _ArchiveFile(io.BufferedReader):
    """A file that is not read in larger pieces than allowed.

    ``zipfile`` reads the directory at once, as many bytes as it claims, by whichever of its
    end records it believes.
    """

    max_read_bytes: int | None = None

    def read(self, size_bytes: int | None = -1, /) -> bytes:
        if self.max_read_bytes is not None and (size_bytes or 0) > self.max_read_bytes:
            raise _LongReadError
        return super().read(size_bytes)


class _LongReadError(Exception):
    """More is to be read at once than allowed."""


def _open(path: Path, limits: SourceLimits, stack: ExitStack) -> zipfile.ZipFile:
    try:
        file = stack.enter_context(_ArchiveFile(io.FileIO(path)))
        file.max_read_bytes = limits.max_files * _BYTES_PER_ENTRY
        archive = stack.enter_context(zipfile.ZipFile(file))
    except _LongReadError as error:
        raise RefusedFileError("too_many_files", limit=limits.max_files) from error
    except (*_UNPACK_ERRORS, ValueError) as error:
        raise RefusedFileError("damaged_archive", problem=error) from error
    file.max_read_bytes = None
    return archive


def _check_whole(members: Sequence[zipfile.ZipInfo], limits: SourceLimits) -> None:
    if len(members) > limits.max_files:
        raise RefusedFileError("too_many_files", limit=limits.max_files)
    size_bytes = sum(info.file_size for info in members)
    if size_bytes > limits.max_zip_bytes:
        raise RefusedFileError(
            "expands_too_much", size_bytes=size_bytes, max_bytes=limits.max_zip_bytes
        )
    if _overlap(members):
        raise RefusedFileError("overlapping")


def _overlap(members: Sequence[zipfile.ZipInfo]) -> bool:
    """Whether two members share data (bamsoftware.com/hacks/zipbomb)."""
    spans = sorted((info.header_offset, info.compress_size) for info in members)
    return any(
        start + _DATA_OFFSET + size > following for (start, size), (following, _) in pairwise(spans)
    )


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: SourceLimits) -> SourceFile:
    """Return a member that may be unpacked.

    Raises:
        RefusedFileError: Its name is unsafe, or it is encrypted, a link, a bomb or packed oddly.
    """
    name = clean_name(info.filename)
    if stat.S_ISLNK(info.external_attr >> 16):
        raise RefusedFileError("link")
    if info.flag_bits & _ENCRYPTED:
        raise RefusedFileError("encrypted")
    if info.compress_type not in _METHODS:
        raise RefusedFileError("packing_not_taken", method=info.compress_type)
    ratio = info.file_size // max(info.compress_size, 1)
    if info.file_size > MIN_BOMB_BYTES and ratio > limits.max_zip_ratio:
        raise RefusedFileError("expands_too_far", ratio=ratio, max_ratio=limits.max_zip_ratio)
    return SourceFile(name, info.file_size, lambda max_bytes: _read(archive, info, max_bytes))


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, max_bytes: int) -> bytes:
    """Unpack at most that much; ``zipfile`` stops at the claimed size and checks the CRC."""
    try:
        with archive.open(info) as member:
            return member.read(max_bytes)
    except _UNPACK_ERRORS as error:
        raise RefusedFileError("damaged_member", problem=error) from error
