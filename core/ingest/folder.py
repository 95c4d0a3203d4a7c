"""Files of a folder on this machine."""

import os
import stat
from collections.abc import Iterator
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

_KINDS = {
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
    stat.S_IFDIR: "folder",
}


def list_folder(root: Path, limits: SourceLimits) -> tuple[list[SourceFile], list[Refusal]]:
    """Return the files below a folder, ordered by name, and what is refused unread.

    Raises:
        RefusedFileError: ``too_many_files``.
    """
    files: list[SourceFile] = []
    refusals: list[Refusal] = []
    for path in _walk(root):
        name = path.relative_to(root).as_posix()
        if is_ignored(name):
            continue
        with refusing(name, refusals):
            files.append(find_in_folder(root, name))
        if len(files) + len(refusals) > limits.max_files:
            raise RefusedFileError("too_many_files", limit=limits.max_files)
    return files, refusals


def find_in_folder(root: Path, name: str) -> SourceFile:
    """Return one file below a folder.

    Raises:
        FileNotFoundError: It is not there.
        RefusedFileError: Its name is unsafe, it is a link that leads out, or no plain file.
    """
    clean = clean_name(name)
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()):
        raise RefusedFileError("link")
    return file_at(path, clean)


def file_at(path: Path, name: str) -> SourceFile:
    """Return the plain file at a path under a name of its own.

    Raises:
        FileNotFoundError: It is not there.
        RefusedFileError: ``not_a_file`` (opening a pipe would wait for ever).
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "thing")
        raise RefusedFileError("not_a_file", kind=kind)
    return SourceFile(name, status.st_size, lambda max_bytes: _read(path, max_bytes))


def _walk(root: Path) -> Iterator[Path]:
    """Files, and links to folders (which are not followed), ordered by name."""
    for folder, subfolders, names in os.walk(root):
        links = [name for name in subfolders if (Path(folder) / name).is_symlink()]
        subfolders.sort()
        yield from (Path(folder) / name for name in sorted([*names, *links]))


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(max_bytes)
    except OSError as error:
        raise RefusedFileError("unreadable_file", problem=error.strerror) from error
