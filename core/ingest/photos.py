"""Read one offered file as a picture."""

from core.imaging import EXTENSIONS, DecodedImage, decode
from core.imaging.reasons import refuse
from core.imaging.signatures import OtherKind, kind_of
from core.ingest.files import RefusedFileError, SourceFile, SourceLimits

ARCHIVE_EXTENSIONS = frozenset({".zip", ".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".xz"})


def read_photo(file: SourceFile, limits: SourceLimits) -> tuple[bytes, DecodedImage]:
    """Return the bytes of a file and the picture in them.

    Raises:
        RefusedFileError: For its source or its name.
        UnreadableImageError: For its content.
    """
    if file.extension in ARCHIVE_EXTENSIONS:
        raise RefusedFileError("nested_archive")
    max_bytes = limits.image.max_bytes
    if file.size_bytes > max_bytes:
        raise refuse("too_large", size_bytes=file.size_bytes, max_bytes=max_bytes)
    data = file.read(max_bytes + 1)
    check_extension(file.extension, data)
    return data, decode(data, limits.image)


def check_extension(extension: str, data: bytes) -> None:
    """Refuse what is called a picture and is something else.

    A picture under another picture's extension is taken: the content decides, and sellers
    send PNGs called .jpg every day.

    Raises:
        RefusedFileError: ``wrong_extension``.
    """
    kind = kind_of(data)
    if data and extension in EXTENSIONS and isinstance(kind, OtherKind):
        raise RefusedFileError("wrong_extension", extension=extension, kind=kind.name)
