"""Manifests: a CSV or Parquet table with a row for each photo."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import InvalidInputError
from core.ingest.files import Refusal, RefusedFileError, SourceFile, SourceLimits, refusing
from core.ingest.products import Collection, Product, folder_category

FindFile = Callable[[str], SourceFile]
"""Returns the file of a name. Raises FileNotFoundError or RefusedFileError."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a manifest that is read; all others are passed over.

    Attributes:
        aliases: Other headings it goes by, lower case.
        max_length: Characters that the database keeps.
    """

    name: str
    max_length: int
    aliases: tuple[str, ...] = ()


COLUMNS: tuple[Column, ...] = (
    Column("file", 500, ("image", "photo", "path", "filename")),
    Column("sku", 500, ("id",)),
    Column("title", 1000, ("name",)),
    Column("seller", 200),
    Column("brand", 200),
    Column("price", 20),
    Column("claimed_category", 1000, ("category",)),
)

_HEADINGS = {
    heading: column.name for column in COLUMNS for heading in (column.name, *column.aliases)
}
_FIRST_ROW = 2  # as a spreadsheet counts: row 1 is the headings
_PRICE = re.compile(r"(\d{1,10})(?:[.,](\d{1,2}))?")  # of 1,200 nobody knows what it means

Row = Mapping[str, str]


def read_manifest(
    path: Path,
    find: FindFile,
    limits: SourceLimits,
    *,
    name: str,
    claim_folder: bool = False,
) -> Collection:
    """Return the listings of a manifest.

    Rows that share a sku are one listing with several photos, in the order of the rows;
    the first row that fills in a field decides it. Without a sku every row is a listing
    of its own. A row with a fault is refused by its number and the others stay.

    Raises:
        InvalidInputError: The table as a whole cannot be used.
    """
    products: list[Product] = []
    refusals: list[Refusal] = []
    for number, row in enumerate(_read_table(path, name, limits), start=_FIRST_ROW):
        with refusing(row.get("file", f"{name}, row {number}"), refusals):
            products.append(_product(row, number, find, claim_folder=claim_folder))
    return Collection(merge_by_sku(products), tuple(refusals))


def merge_by_sku(products: Iterable[Product]) -> tuple[Product, ...]:
    """Join the products that share a sku, in the order in which each sku came first."""
    merged: dict[str, Product] = {}
    for product in products:
        before = merged.get(product.sku)
        merged[product.sku] = product if before is None else _merge(before, product)
    return tuple(merged.values())


def _read_table(path: Path, name: str, limits: SourceLimits) -> Iterator[Row]:
    """Rows with the known columns by name, values stripped, without the empty ones."""
    read = _read_parquet if path.suffix.lower() == ".parquet" else _read_csv
    rows = list(islice(read(path, name, limits), limits.max_files + 1))
    if len(rows) > limits.max_files:
        raise InvalidInputError(
            f"{name} has more than {limits.max_files:,} rows; split it into several"
        )
    if not rows:
        raise InvalidInputError(f"{name} has no rows below its headings")
    return iter(rows)


def _read_csv(path: Path, name: str, limits: SourceLimits) -> Iterator[Row]:
    text = _read_text(path, name, limits)
    heading, _, _ = text.partition("\n")
    delimiter = max(",;\t", key=heading.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = _known_columns(next(reader, []), name)
        for cells in reader:
            if any(cells):
                yield _row(names, cells)
    except csv.Error as error:
        raise InvalidInputError(f"{name}, line {reader.line_num}: {error}") from error


def _read_text(path: Path, name: str, limits: SourceLimits) -> str:
    _check_bytes(path.stat().st_size, name, limits)
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"{name} is not UTF-8 text (byte {error.start}); save it as CSV UTF-8"
        ) from error


def _read_parquet(path: Path, name: str, limits: SourceLimits) -> Iterator[Row]:
    try:
        with pq.ParquetFile(path) as table:
            groups = range(table.num_row_groups)
            size_bytes = sum(table.metadata.row_group(group).total_byte_size for group in groups)
            _check_bytes(size_bytes, name, limits)
            headings = table.schema_arrow.names
            names = _known_columns(headings, name)
            wanted = [heading for heading, name in zip(headings, names, strict=True) if name]
            for batch in table.iter_batches(batch_size=1000, columns=wanted):
                for values in batch.to_pylist():
                    yield _row(filter(None, names), (_as_text(values[each]) for each in wanted))
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise InvalidInputError(f"{name} cannot be read as Parquet: {error}") from error


def _check_bytes(size_bytes: int, name: str, limits: SourceLimits) -> None:
    max_bytes = limits.image.max_bytes
    if size_bytes > max_bytes:
        raise InvalidInputError(
            f"{name} has {size_bytes:,} bytes; at most {max_bytes:,} are taken: split it"
        )


def _known_columns(headings: Sequence[str], name: str) -> list[str]:
    """Return the column of each heading, empty where it is none of ours.

    Raises:
        InvalidInputError: No column of files, or one column twice.
    """
    names = [_HEADINGS.get(heading.strip().lower().replace(" ", "_"), "") for heading in headings]
    if "file" not in names:
        raise InvalidInputError(
            f"{name} has no column 'file'; its headings are {list(headings)[:20]}"
        )
    for column in filter(None, names):
        if names.count(column) > 1:
            raise InvalidInputError(f"{name} has two columns for {column!r}; keep one")
    return names


def _row(names: Iterable[str], cells: Iterable[str]) -> Row:
    """Return the known cells, with single spaces inside and none around."""
    pairs = zip(names, cells, strict=False)
    cleaned = {name: " ".join(cell.replace("\0", " ").split()) for name, cell in pairs if name}
    return {name: cell for name, cell in cleaned.items() if cell}


def _as_text(value: object) -> str:
    """Text of a Parquet value. Pandas makes floats of whole numbers where some are missing."""
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.2f}"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _product(row: Row, number: int, find: FindFile, *, claim_folder: bool) -> Product:
    """Return the listing with one photo that a row describes.

    Raises:
        RefusedFileError: The row has a fault, or its file is refused.
    """
    if "file" not in row:
        raise RefusedFileError("empty_cell", row=number, column="file")
    for column in COLUMNS:
        length = len(row.get(column.name, ""))
        if length > column.max_length:
            raise RefusedFileError(
                "long_cell", row=number, column=column.name, length=length, limit=column.max_length
            )
    try:
        file = find(row["file"])
    except FileNotFoundError as error:
        raise RefusedFileError("missing_file", row=number) from error
    return Product(
        sku=row.get("sku", file.name),
        photos=(file,),
        title=row.get("title", ""),
        seller=row.get("seller", ""),
        brand=row.get("brand", ""),
        price=_price(row["price"], number) if "price" in row else None,
        claimed_category=row.get("claimed_category", folder_category(file) if claim_folder else ""),
    )


def _price(text: str, number: int) -> Decimal:
    found = _PRICE.fullmatch(text)
    if found is None:
        raise RefusedFileError("bad_price", price=text, row=number)
    whole, cents = found.groups(default="0")
    return Decimal(f"{whole}.{cents}")


def _merge(before: Product, product: Product) -> Product:
    return Product(
        sku=before.sku,
        photos=before.photos + product.photos,
        title=before.title or product.title,
        seller=before.seller or product.seller,
        brand=before.brand or product.brand,
        price=product.price if before.price is None else before.price,
        claimed_category=before.claimed_category or product.claimed_category,
    )
