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
    for path in _walk(root, refusals):
        name = path.relative_to(root).as_posix()
        if is_ignored(name):
            continue
        with refusing(name, refusals):
            files.append(_listed_file(root, name))
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
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
        raise RefusedFileError("link")
    return file_at(path, clean)


def file_at(path: Path, name: str) -> SourceFile:
    """Return the plain file at a path under a name of its own.

    Raises:
        FileNotFoundError: It is not there.
        RefusedFileError: ``unreadable_file``, or ``not_a_file`` (a pipe would wait for ever).
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RefusedFileError("unreadable_file", problem=error.strerror) from error
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "thing")
        raise RefusedFileError("not_a_file", kind=kind)
    return SourceFile(name, status.st_size, lambda max_bytes: _read(path, max_bytes))


def _listed_file(root: Path, name: str) -> SourceFile:
    try:
        return find_in_folder(root, name)
    except FileNotFoundError as error:  # a link to nothing, or gone since it was listed
        raise RefusedFileError("unreadable_file", problem=error.strerror) from error


def _walk(root: Path, refusals: list[Refusal]) -> Iterator[Path]:
    """Files, and links to folders (which are not followed), ordered by name."""

    def refuse_folder(error: OSError) -> None:
        name = Path(error.filename).relative_to(root).as_posix()
        with refusing(name, refusals):
            raise RefusedFileError("unreadable_file", problem=error.strerror) from error

    for folder, subfolders, names in os.walk(root, onerror=refuse_folder):
        links = [name for name in subfolders if (Path(folder) / name).is_symlink()]
        subfolders.sort()
        yield from (Path(folder) / name for name in sorted([*names, *links]))


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(max_bytes)
    except OSError as error:
        raise RefusedFileError("unreadable_file", problem=error.strerror) from error
