"""From a folder, a zip, a manifest or a photo to the listings it would make."""

from core.ingest.files import Refusal, RefusedFileError, SourceFile, SourceLimits
from core.ingest.photos import read_photo
from core.ingest.products import Collection, Product
from core.ingest.reasons import REASONS
from core.ingest.sources import SOURCES, SourceKind, open_files, open_source

__all__ = [
    "REASONS",
    "SOURCES",
    "Collection",
    "Product",
    "Refusal",
    "RefusedFileError",
    "SourceFile",
    "SourceKind",
    "SourceLimits",
    "open_files",
    "open_source",
    "read_photo",
]
