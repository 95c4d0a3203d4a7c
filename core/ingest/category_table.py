"""A table of categories with their codes and synonyms, as CSV."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.errors import InvalidInputError

HEADINGS = ("code", "name", "synonyms")
MAX_ROWS = 200_000
MAX_BYTES = 100 * 1024 * 1024
_NAMES = {"name", "category", "path"}
_SEPARATOR = "|"  # between synonyms in one cell
_FIRST_ROW = 2  # as a spreadsheet counts: row 1 is the headings
_NEUTRALISED = re.compile(r"^'(?=[=+\-@])")  # as an export writes what looks like a formula


@dataclass(frozen=True, slots=True)
class CategoryLine:
    """A row: what it says of one category.

    Attributes:
        row: As a spreadsheet counts.
        name: A path, or the last name of one.
        code: None where the table has no codes at all, empty where this one has none.
        synonyms: None where the table has no synonyms at all.
    """

    row: int
    name: str
    code: str | None
    synonyms: tuple[str, ...] | None


def read_category_table(data: bytes) -> tuple[CategoryLine, ...]:
    """Return the rows of a CSV with the headings ``code``, ``name`` and ``synonyms``.

    Only the name is asked for. Synonyms stand in as many cells as there are, from the heading
    on that begins with "synonym" to the end of the row; a cell may hold several, parted by ``|``.

    Raises:
        InvalidInputError: The table cannot be used; says what is wrong, and in which row.
    """
    text = _decode(data)
    heading = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=max(",;\t", key=heading.count), strict=True
    )
    try:
        columns = _read_headings(next(reader, []))
        lines = tuple(_read_lines(reader, columns))
    except csv.Error as error:
        raise InvalidInputError(f"line {reader.line_num}: {error}") from error
    if not lines:
        raise InvalidInputError("the table has no rows below its headings")
    return lines


def write_category_table(rows: Sequence[tuple[str, str, Sequence[str]]]) -> bytes:
    """Return the CSV of (code, path, synonyms); ``read_category_table`` reads the same again."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEADINGS)
    writer.writerows((code, path, *synonyms) for code, path, synonyms in rows)
    return buffer.getvalue().encode()


@dataclass(frozen=True, slots=True)
class _Columns:
    name: int
    code: int | None
    synonyms: int | None


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise InvalidInputError(f"{len(data):,} bytes; at most {MAX_BYTES:,} are taken: split it")
    try:
        return data.decode("utf-8-sig").replace("\0", " ")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"this is not UTF-8 text (byte {error.start}); save it as CSV UTF-8"
        ) from error


def _read_headings(cells: Sequence[str]) -> _Columns:
    headings = [cell.strip().lower() for cell in cells]
    found = [index for index, heading in enumerate(headings) if heading in _NAMES]
    if len(found) != 1:
        raise InvalidInputError(
            f"the first row is {', '.join(headings) or 'empty'}; "
            "it has to name the columns, such as: code,name,synonyms"
        )
    synonyms = [index for index, heading in enumerate(headings) if heading.startswith("synonym")]
    first_synonym = min(synonyms, default=None)
    code = headings.index("code") if "code" in headings else None
    for index in (found[0], code):
        if first_synonym is not None and index is not None and index > first_synonym:
            raise InvalidInputError("synonyms go on to the end of a row; put their column last")
    return _Columns(found[0], code, first_synonym)


def _read_lines(reader: Iterator[Sequence[str]], columns: _Columns) -> Iterator[CategoryLine]:
    for row, cells in enumerate(reader, start=_FIRST_ROW):
        stripped = [_NEUTRALISED.sub("", " ".join(cell.split())) for cell in cells]
        if not any(stripped):
            continue
        if row - _FIRST_ROW >= MAX_ROWS:
            raise InvalidInputError(f"more than {MAX_ROWS:,} rows; split the table")
        name = _cell(stripped, columns.name)
        if not name:
            raise InvalidInputError(f"row {row} names no category")
        code = None if columns.code is None else _cell(stripped, columns.code)
        synonyms = None if columns.synonyms is None else _split(stripped[columns.synonyms :])
        yield CategoryLine(row, name, code, synonyms)


def _cell(cells: Sequence[str], index: int) -> str:
    return cells[index] if index < len(cells) else ""


def _split(cells: Sequence[str]) -> tuple[str, ...]:
    """Return each synonym once, in the order given."""
    parts = (part.strip() for cell in cells for part in cell.split(_SEPARATOR))
    return tuple(dict.fromkeys(part for part in parts if part))
