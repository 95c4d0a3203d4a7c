"""The photos of an audit on disk: one Parquet file an audit, one row a photo. No torch."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from core.errors import NotFoundError
from core.storage import write_whole


@dataclass(frozen=True, slots=True)
class AuditedPhoto:
    """A photo, as it was when it was looked at.

    Attributes:
        path: Absolute.
        sha256: Of the file's bytes; empty where it could not be read.
        claimed: Path of its category.
        wrong: Estimated probability that the claim is wrong; None where it was not judged.
        problem: Why it was not judged; empty where it was.
    """

    path: str
    sha256: str
    claimed: str
    suggested: str
    wrong: float | None
    problem: str = ""


_SCHEMA = pa.schema(
    [
        (field.name, pa.float64() if field.name == "wrong" else pa.string())
        for field in fields(AuditedPhoto)
    ]
)


def write_photos(path: Path, photos: Sequence[AuditedPhoto]) -> None:
    """Write the file; it appears whole or not at all."""
    columns = [[getattr(photo, field.name) for photo in photos] for field in fields(AuditedPhoto)]
    table = pa.Table.from_arrays(
        [pa.array(values, kind) for values, kind in zip(columns, _SCHEMA.types, strict=True)],
        schema=_SCHEMA,
    )
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, compression="zstd")
    write_whole(path, buffer.getvalue())


def read_photos(path: Path) -> tuple[AuditedPhoto, ...]:
    """Read the file.

    Raises:
        NotFoundError: It is not there.
    """
    try:
        rows = parquet.read_table(path, schema=_SCHEMA).to_pylist()
    except FileNotFoundError as error:
        raise NotFoundError(
            f"the photos of this audit are gone: there is no file {path}; audit the data again"
        ) from error
    return tuple(AuditedPhoto(**row) for row in rows)
