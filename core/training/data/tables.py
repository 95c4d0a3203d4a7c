"""Rows of CSV and Parquet files, by the names of the columns that are read."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from core.errors import InvalidInputError

Row = Mapping[str, str]
"""Stripped text by column; a column that the file lacks is not in it."""

_Numbered = tuple[int, Sequence[str]]
_FIRST_ROW = 2  # as a spreadsheet counts: row 1 is the headings


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is read; all others are passed over.

    Attributes:
        aliases: Other headings it goes by, lower case; the first that is there counts.
        needed: The file must have it, and every row must fill it in.
    """

    name: str
    aliases: tuple[str, ...] = ()
    needed: bool = False


def read_rows(path: Path, columns: Sequence[Column]) -> Iterator[tuple[int, Row]]:
    """Yield each row with its number, as a spreadsheet counts.

    Raises:
        InvalidInputError: The file cannot be read, lacks a needed column or has it twice, has
            no rows, or a row leaves a needed column empty.
    """
    headings, rows = (_open_parquet if path.suffix.lower() == ".parquet" else _open_csv)(path)
    places = _find_columns(path, headings, columns)
    needed = [column.name for column in columns if column.needed]
    number = 0
    for number, cells in rows:
        row = {name: cells[at].strip() for name, at in places.items() if at < len(cells)}
        for name in needed:
            if not row.get(name):
                raise InvalidInputError(f"row {number} of {path} has no {name}; fill it in")
        yield number, row
    if not number:
        raise InvalidInputError(f"{path} has no rows below its headings")


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each line that is not blank with its number."""
    for number, line in enumerate(_read_text(path).splitlines(), start=1):
        if line.strip():
            yield number, line


def _open_csv(path: Path) -> tuple[Sequence[str], Iterator[_Numbered]]:
    """The headings and the rows of a CSV file with commas, semicolons or tabs."""
    lines = _read_text(path).splitlines(keepends=True)
    delimiter = max(",;\t", key=lines[0].count) if lines else ","
    rows = _parse_csv(path, lines, delimiter)
    _, headings = next(rows, (0, ()))
    return headings, rows


def _parse_csv(path: Path, lines: Sequence[str], delimiter: str) -> Iterator[_Numbered]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise InvalidInputError(f"row {reader.line_num} of {path} is no CSV: {error}") from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"{path} is not UTF-8 text (byte {error.start}); save it as CSV UTF-8"
        ) from error
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}") from error


def _open_parquet(path: Path) -> tuple[Sequence[str], Iterator[_Numbered]]:
    try:
        table = parquet.read_table(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InvalidInputError(f"{path} cannot be read as Parquet: {error}") from error
    cells = zip(*(map(_as_text, column.to_pylist()) for column in table.columns), strict=True)
    return table.column_names, enumerate(cells, start=_FIRST_ROW)


def _as_text(value: object) -> str:
    """Text of a Parquet value. Pandas makes floats of whole numbers where some are missing."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _find_columns(
    path: Path, headings: Sequence[str], columns: Iterable[Column]
) -> Mapping[str, int]:
    """Return where each column stands."""
    names = [heading.strip().lower().replace(" ", "_") for heading in headings]
    found: dict[str, int] = {}
    for column in columns:
        heading = next((name for name in (column.name, *column.aliases) if name in names), None)
        if heading is None and column.needed:
            raise InvalidInputError(
                f"{path} has no column {column.name}; its columns are: "
                f"{', '.join(headings) or 'none'}"
            )
        if heading is not None:
            if names.count(heading) > 1:
                raise InvalidInputError(f"{path} has two columns {heading}; keep one")
            found[column.name] = names.index(heading)
    return found
