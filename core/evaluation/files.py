"""Predictions on disk: one Parquet file an evaluation, one row a picture."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from core.errors import NotFoundError
from core.evaluation.grouping import Groups, likeliest_group
from core.evaluation.predictions import MAX_KEPT, Predictions

FORMAT_VERSION = 1
_ROWS_AT_ONCE = 4096
_METADATA = b"catalens"
_WHOLE = tuple(field.name for field in fields(Predictions))
_NARROW = (*_WHOLE[:-2], "predicted", "confidences")  # the lists are most of the file
_NUMBERS = {
    "targets": pa.int32(),
    "ranks": pa.int32(),
    "true_probabilities": pa.float32(),
    "raw_confidences": pa.float32(),
    "predicted": pa.int32(),
    "confidences": pa.float32(),
}
_COLUMNS = (*_NUMBERS, "top_indices", "top_probabilities")


@dataclass(frozen=True, slots=True)
class Picture:
    """A labelled picture, as it was when it was looked at.

    Attributes:
        path: Absolute.
        sha256: Of the file's bytes.
        label: The true category path, known to the model or not.
    """

    path: str
    sha256: str
    label: str


@dataclass(frozen=True, slots=True)
class Header:
    """What the file says of itself.

    Attributes:
        labels: Category paths that the indices point into.
        split: ``train``, ``validation``, ``test`` or ``all``.
    """

    labels: tuple[str, ...]
    split: str
    temperature: float

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT_VERSION, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> "Header":
        data = dict(json.loads(text))
        del data["format"]
        return cls(labels=tuple(data.pop("labels")), **data)


class PredictionWriter:
    """Appends pictures with what the model said of them."""

    def __init__(self, writer: parquet.ParquetWriter, schema: pa.Schema) -> None:
        self._writer, self._schema = writer, schema

    def append(self, pictures: Sequence[Picture], predictions: Predictions) -> None:
        """Write one row group."""
        columns = [pa.array([getattr(p, f.name) for p in pictures]) for f in fields(Picture)]
        columns += [_to_arrow(getattr(predictions, name)) for name in _COLUMNS]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))


@contextmanager
def writing(path: Path, header: Header) -> Iterator[PredictionWriter]:
    """Write a file that appears under its name only when all of it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = _schema(min(MAX_KEPT, len(header.labels))).with_metadata({_METADATA: header.to_json()})
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as folder:
        partial = Path(folder, path.name)
        with parquet.ParquetWriter(partial, schema, compression="zstd") as writer:
            yield PredictionWriter(writer, schema)
        partial.replace(path)


class Pictures(Sequence[Picture]):
    """Pictures in columns: a tenth of the memory that as many objects would take."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @overload
    def __getitem__(self, index: int) -> Picture: ...
    @overload
    def __getitem__(self, index: slice) -> list[Picture]: ...
    def __getitem__(self, index: int | slice) -> Picture | list[Picture]:
        if isinstance(index, slice):
            return self.take(range(len(self))[index])
        (found,) = self.take([range(len(self))[index]])
        return found

    def take(self, indices: Sequence[int]) -> list[Picture]:
        """Return the pictures at these places."""
        rows = self._table.take(pa.array(indices, pa.int64())).to_pylist()
        return [Picture(**row) for row in rows]

    def column(self, name: str) -> list[str]:
        """Return one attribute of every picture."""
        return list(self._table[name].to_pylist())


class PredictionFile:
    """Reads what ``writing`` wrote; columns that are not asked for stay on the disk.

    Raises:
        NotFoundError: The file is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = parquet.ParquetFile(path, memory_map=True)
            metadata = self._file.schema_arrow.metadata or {}
            self.header = Header.from_json(metadata[_METADATA].decode())
        except (OSError, pa.ArrowInvalid, KeyError, ValueError, TypeError) as error:
            raise NotFoundError(
                f"the predictions {path} are missing or damaged; evaluate the model again: {error}"
            ) from error

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def read_predictions(self) -> Predictions:
        """Return all rows, with the likeliest label of each and no more: k = 1."""
        table = self._file.read(columns=list(_NARROW))
        arrays = [_to_numpy(table[name]) for name in _NARROW]
        arrays[-2:] = [column[:, None] for column in arrays[-2:]]
        return Predictions(*arrays)

    def read_likely_groups(self, groups: Groups) -> NDArray[np.int64]:
        """Return for each row the group whose labels together are likeliest, (N,)."""
        batches = self._file.iter_batches(
            _ROWS_AT_ONCE, columns=["top_indices", "top_probabilities"]
        )
        likely = [
            likeliest_group(_to_numpy(batch[0]), _to_numpy(batch[1]), groups) for batch in batches
        ]
        return np.concatenate([np.empty(0, np.int64), *likely])

    def read_pictures(self) -> "Pictures":
        """Return the pictures in the order of the predictions."""
        return Pictures(self._file.read(columns=[field.name for field in fields(Picture)]))

    def read_batches(self, rows: int) -> Iterator[tuple[list[Picture], Predictions]]:
        """Yield at most so many rows at a time, with all that was kept of them."""
        for batch in self._file.iter_batches(batch_size=rows):
            columns = [batch[field.name].to_pylist() for field in fields(Picture)]
            arrays = [_to_numpy(batch[name]) for name in _WHOLE]
            yield [Picture(*row) for row in zip(*columns, strict=True)], Predictions(*arrays)


def _schema(kept: int) -> pa.Schema:
    texts: list[tuple[str, Any]] = [(field.name, pa.string()) for field in fields(Picture)]
    lists = [("top_indices", pa.int32()), ("top_probabilities", pa.float32())]
    return pa.schema(
        [*texts, *_NUMBERS.items(), *((name, pa.list_(kind, kept)) for name, kind in lists)]
    )


def _to_arrow(values: NDArray[np.generic]) -> pa.Array:
    if values.ndim == 1:
        return pa.array(values)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])


def _to_numpy(column: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not pa.types.is_fixed_size_list(whole.type):
        return np.asarray(whole.to_numpy(zero_copy_only=False))
    flat = np.asarray(whole.flatten().to_numpy(zero_copy_only=False))
    return flat.reshape(len(whole), whole.type.list_size)
