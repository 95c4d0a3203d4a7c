"""The index on disk: a cache that appears whole, says what it is, and is never trusted blindly."""

import json
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from core.errors import CatalogError
from core.similarity.faiss_index import FaissIndex, load_faiss
from core.similarity.vectors import VectorSource
from core.storage import whole_file

_MAGIC = b"catalens-vectors-1\n"
_LENGTH_BYTES, _CHECK_BYTES = 8, 4
_CHUNK_BYTES = 1 << 22


class IndexFileError(CatalogError):
    """An index file is missing, damaged, or not one of ours: build it again."""


def save_index(index: FaissIndex, path: Path) -> None:
    """Write the index with its watermark; a kill leaves the former file as it was."""
    faiss = load_faiss()
    about = json.dumps(
        {
            "space": index.space,
            "dimensions": index.dimensions,
            "probes": index.probes,
            "made_for": index.made_for,
            "watermark": index.watermark,
            "count": len(index),
        }
    ).encode()
    with whole_file(path) as file:
        checked = _Checked(file)
        checked.write(_MAGIC + len(about).to_bytes(_LENGTH_BYTES, "little") + about)
        checked.write(index.ids.tobytes())
        faiss.write_index(index.engine, faiss.PyCallbackIOWriter(checked.write))
        file.write(checked.sum.to_bytes(_CHECK_BYTES, "little"))


def load_index(path: Path) -> FaissIndex:
    """Read what ``save_index`` wrote.

    Raises:
        IndexFileError: It is not there, not whole, or something else.
    """
    try:
        with path.open("rb") as file:
            _require_sound(file, path)
            return _read(file)
    except FileNotFoundError as error:
        raise IndexFileError(f"no index at {path}; build it") from error


def open_index(path: Path, source: VectorSource) -> FaissIndex:
    """Return an index of the whole source: from the file and what is newer, or built anew.

    It is not saved.
    """
    try:
        index = load_index(path)
    except IndexFileError:
        return FaissIndex.build(source)
    if (index.space, index.dimensions) != (source.space, source.dimensions):
        return FaissIndex.build(source)
    index.catch_up(source)
    if not index.freshness(source).is_fresh:  # something was deleted meanwhile
        index.reconcile(source)
    return FaissIndex.build(source) if index.is_outgrown else index


def _read(file: BinaryIO) -> FaissIndex:
    faiss = load_faiss()
    file.seek(len(_MAGIC))
    about: dict[str, Any] = json.loads(
        file.read(int.from_bytes(file.read(_LENGTH_BYTES), "little"))
    )
    count = about.pop("count")
    ids = np.frombuffer(file.read(8 * count), np.int64).copy()
    engine = faiss.read_index(faiss.PyCallbackIOReader(file.read))
    return FaissIndex(engine=engine, ids=ids, **about)


def _require_sound(file: BinaryIO, path: Path) -> None:
    """Look at every byte before any of it is believed."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise IndexFileError(f"{path} is no index of ours; delete it, and it is built again")
    file.seek(0)
    left = path.stat().st_size - _CHECK_BYTES
    seen = 0
    while left > 0 and (chunk := file.read(min(left, _CHUNK_BYTES))):
        seen = zlib.crc32(chunk, seen)
        left -= len(chunk)
    if seen.to_bytes(_CHECK_BYTES, "little") != file.read(_CHECK_BYTES):
        raise IndexFileError(f"{path} is damaged; delete it, and it is built again")


class _Checked:
    """A file that is written and summed up at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.sum = 0

    def write(self, data: bytes) -> int:
        self.sum = zlib.crc32(data, self.sum)
        return self._file.write(data)
