"""A file that arrives piece by piece: its size is checked as it comes, its kind at the end."""

from collections.abc import Callable, Iterable
from pathlib import Path

from core.imaging.reasons import refuse
from core.imaging.signatures import HEAD_BYTES, identify
from core.ingest.files import extension_of
from core.ingest.photos import check_extension

_ROOM_EVERY_BYTES = 16 * 1024 * 1024


def receive(
    path: Path, chunks: Iterable[bytes], max_bytes: int, check_room: Callable[[], None]
) -> int:
    """Write the chunks as they come; return their size.

    Raises:
        UnreadableImageError: ``too_large``; the rest is not even read.
    """
    check_room()
    size_bytes = checked_bytes = 0
    with path.open("wb") as file:
        for chunk in chunks:
            size_bytes += len(chunk)
            if size_bytes > max_bytes:
                raise refuse("too_large", size_bytes=size_bytes, max_bytes=max_bytes)
            file.write(chunk)
            if size_bytes - checked_bytes >= _ROOM_EVERY_BYTES:
                check_room()
                checked_bytes = size_bytes
    return size_bytes


def check_photo(path: Path, name: str) -> None:
    """Refuse at once what the first bytes already show to be no photo."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    check_extension(extension_of(name), head)
    identify(head)
