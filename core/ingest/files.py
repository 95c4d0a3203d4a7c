"""Files that are offered, the rules for their names, and refusals."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from core.errors import CatalogError, UnreadableImageError
from core.imaging import ImageLimits
from core.ingest.reasons import REASONS

MAX_NAME_LENGTH = 500
"""A file's name may become its listing's sku."""

PROGRAM_EXTENSIONS = frozenset(
    {
        *(".app", ".bat", ".cmd", ".com", ".cpl", ".dll", ".exe", ".hta", ".lnk", ".msi", ".pif"),
        *(".js", ".jse", ".php", ".ps1", ".py", ".scr", ".sh", ".so", ".vbs", ".wsf"),
        *(".apk", ".jar"),
    }
)

_IGNORED_NAMES = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
_DRIVE = re.compile(r"^[A-Za-z]:")


class RefusedFileError(CatalogError):
    """A file does not come in.

    Attributes:
        reason: Key of ``core.ingest.reasons.REASONS``.
    """

    status = 422

    def __init__(self, reason: str, **values: object) -> None:
        super().__init__(REASONS[reason].message.format(**values))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that did not come in, and why."""

    name: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """What an import may cost, checked before anything is unpacked or decoded."""

    image: ImageLimits
    max_files: int
    max_zip_bytes: int
    max_zip_ratio: int


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that is offered.

    Attributes:
        name: Path inside its source, parts joined by ``/``, checked by ``clean_name``.
        size_bytes: What the source claims; ``read`` does not rely on it.
        read: Returns at most the given number of bytes. Raises RefusedFileError.
    """

    name: str
    size_bytes: int
    read: Callable[[int], bytes] = field(repr=False)

    @property
    def folder(self) -> tuple[str, ...]:
        return tuple(self.name.split("/")[:-1])

    @property
    def extension(self) -> str:
        return extension_of(self.name)


def extension_of(name: str) -> str:
    """Return the ending of a name, lower case, with the dot; empty without one."""
    stem, dot, ending = name.rpartition("/")[2].rpartition(".")
    return f".{ending.lower()}" if stem and dot else ""


def clean_name(name: str) -> str:
    """Return a name as a relative path with single ``/``.

    The name is only a label from then on: nothing is ever written under it.

    Raises:
        RefusedFileError: ``unsafe_name``, ``long_name`` or ``program_name``.
    """
    clean = "/".join(_safe_parts(name))
    if len(clean) > MAX_NAME_LENGTH:
        raise RefusedFileError("long_name", length=len(clean), limit=MAX_NAME_LENGTH)
    if extension_of(clean) in PROGRAM_EXTENSIONS:
        raise RefusedFileError("program_name", extension=extension_of(clean))
    return clean


def _safe_parts(name: str) -> list[str]:
    """Return the parts of a relative path. Raises RefusedFileError ``unsafe_name``."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in {"", "."}]
    if name.startswith(("/", "\\")) or _DRIVE.match(name):
        raise RefusedFileError("unsafe_name", problem="is an absolute path")
    if ".." in parts:
        raise RefusedFileError("unsafe_name", problem="leads out of its folder")
    if not parts or not all(part.isprintable() for part in parts):
        raise RefusedFileError("unsafe_name", problem="is empty or has unprintable characters")
    return parts


def is_ignored(name: str) -> bool:
    """Whether a file is passed over in silence: hidden, or litter of an operating system.

    An unsafe name never is: it is to be refused aloud.
    """
    try:
        parts = _safe_parts(name)
    except RefusedFileError:
        return False
    return any(part.startswith(".") or part.lower() in _IGNORED_NAMES for part in parts)


def refusal(name: str, error: RefusedFileError | UnreadableImageError) -> Refusal:
    """Return the refusal that an error says, under a name that any database can hold."""
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in name)
    if len(shown) > MAX_NAME_LENGTH:
        shown = f"{shown[: MAX_NAME_LENGTH - 1]}…"
    return Refusal(name=shown, reason=error.reason, message=str(error))


@contextmanager
def refusing(name: str, refusals: list[Refusal]) -> Iterator[None]:
    """Collect the refusal of one file, so that the others go on."""
    try:
        yield
    except (RefusedFileError, UnreadableImageError) as error:
        refusals.append(refusal(name, error))
