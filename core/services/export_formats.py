"""The columns of an export and the formats it is written in: two tables."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

Row = Mapping[str, Any]
"""A value, or None, for each of ``COLUMNS``."""

Pages = Iterable[Sequence[Row]]

LIST_SEPARATOR = " | "
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet takes a text for a formula: https://owasp.org/www-community/attacks/CSV_Injection"""

COLUMNS = pa.schema(
    [
        ("listing_id", pa.int64()),
        ("sku", pa.string()),
        ("title", pa.string()),
        ("seller", pa.string()),
        ("brand", pa.string()),
        ("price", pa.decimal128(12, 2)),
        ("state", pa.string()),
        ("claimed_category", pa.string()),
        ("suggested_category", pa.string()),
        ("suggested_probability", pa.float64()),
        ("decided_category", pa.string()),
        ("decision", pa.string()),
        ("decided_by", pa.string()),
        ("decided_at", pa.timestamp("us", tz="UTC")),
        ("flags", pa.list_(pa.string())),
        ("photos", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A way to write an export.

    Attributes:
        write: Writes page after page, so that memory does not grow with the batch.
    """

    key: str
    label: str
    media_type: str
    write: Callable[[BinaryIO, Pages], None]


def _write_csv(stream: BinaryIO, pages: Pages) -> None:
    """UTF-8, one line a listing, lists joined by ``LIST_SEPARATOR``, None left empty."""
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(COLUMNS.names)
    for page in pages:
        writer.writerows([_cell(row[name]) for name in COLUMNS.names] for row in page)
    text.detach()


def _cell(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        value = LIST_SEPARATOR.join(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return neutralise(value)
    return "" if value is None else str(value)


def neutralise(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _write_json(stream: BinaryIO, pages: Pages) -> None:
    """One array, one object a line; a price is a number, a time is ISO 8601."""
    separator = "[\n"
    for page in pages:
        for row in page:
            line = json.dumps(row, default=_jsonable, ensure_ascii=False)
            stream.write(f"{separator}{line}".encode())
            separator = ",\n"
    stream.write(b"[]\n" if separator == "[\n" else b"\n]\n")


def _jsonable(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"no JSON for {value!r}")


def _write_parquet(stream: BinaryIO, pages: Pages) -> None:
    """One row group a page, typed as ``COLUMNS``."""
    with pq.ParquetWriter(stream, COLUMNS, compression="zstd") as writer:
        for page in pages:
            writer.write_table(pa.Table.from_pylist(list(page), schema=COLUMNS))


EXPORT_FORMATS: Mapping[str, ExportFormat] = {
    row.key: row
    for row in (
        ExportFormat("csv", "CSV", "text/csv; charset=utf-8", _write_csv),
        ExportFormat("json", "JSON", "application/json", _write_json),
        ExportFormat("parquet", "Parquet", "application/vnd.apache.parquet", _write_parquet),
    )
}
