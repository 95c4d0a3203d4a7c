"""Categories by what people call them: path, code, synonyms."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from core.actors import Actor, require
from core.errors import ConflictError, InvalidInputError
from core.ingest.category_table import (
    CategoryLine,
    read_category_table,
    write_category_table,
)
from core.services.export_formats import neutralise
from db.engine import reading, transaction
from db.queries import categories as queries
from db.queries.categories import (
    MAX_CODE_LENGTH,
    MAX_NAME_LENGTH,
    MAX_PATH_LENGTH,
    MAX_SYNONYM_LENGTH,
    SEPARATOR,
    Category,
    normalise_path,
)

MAX_RESULTS = 50


@dataclass(frozen=True, slots=True)
class FoundCategory:
    """A category that a search found; ``code`` is what the shop's own systems call it."""

    id: int
    path: str
    code: str | None
    synonyms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableReport:
    """What a table did.

    Attributes:
        categories: Which it names.
        made: Paths of those that were not there before.
        codes: Codes that the named categories have now.
        synonyms: Synonyms that they have now.
    """

    categories: int
    made: tuple[str, ...]
    codes: int
    synonyms: int


def search(
    engine: sa.Engine, *, actor: Actor, text: str, first: Sequence[int] = (), limit: int = 20
) -> tuple[FoundCategory, ...]:
    """Return the categories that have every word of the text in path, code or synonyms.

    Words may be parts of words, in any order; case and accents do not count.

    Args:
        first: Ids that come before all others that fit, but for what is called just so.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    size = min(max(limit, 1), MAX_RESULTS)
    with reading(engine) as session:
        asked = text.replace("\0", " ")
        rows = queries.search(session, text=asked, first=first, limit=size)
        return tuple(FoundCategory(*row) for row in rows)


def export_table(engine: sa.Engine, *, actor: Actor) -> bytes:
    """Return all categories as a CSV that can be changed and imported again.

    Raises:
        ForbiddenError: The actor may not look.
    """
    require(actor, "look")
    with reading(engine) as session:
        rows = queries.list_all(session)
    return write_category_table(
        [
            (neutralise(row.code or ""), neutralise(row.path), [*map(neutralise, row.synonyms)])
            for row in rows
        ]
    )


def import_table(engine: sa.Engine, *, actor: Actor, data: bytes) -> TableReport:
    """Give categories the codes and synonyms of a CSV; make those that are missing.

    What the table says of a category holds in place of what was known; categories that it does
    not name stay as they are. All of it is taken, or nothing.

    Raises:
        ConflictError: A code is another category's.
        ForbiddenError: The actor may not categorise.
        InvalidInputError: The table cannot be used; says what is wrong, and in which row.
    """
    require(actor, "categorise")
    lines = read_category_table(data)
    _check(lines)
    with transaction(engine) as session:
        known = {row.path: row for row in queries.list_all(session)}
        paths = _resolve(lines, known)
        ids = queries.ensure_paths(session, paths)
        named = [
            _changed(line, ids[path], known.get(path), path)
            for line, path in zip(lines, paths, strict=True)
        ]
        _check_codes(named, known.values())
        queries.set_terms(session, categories=named)
    return TableReport(
        categories=len(named),
        made=tuple(path for path in paths if path not in known),
        codes=sum(each.code is not None for each in named),
        synonyms=sum(len(each.synonyms) for each in named),
    )


def _check(lines: Iterable[CategoryLine]) -> None:
    for line in lines:
        path = normalise_path(line.name)
        for what, text, limit in (
            ("path", path, MAX_PATH_LENGTH),
            *(("name", each, MAX_NAME_LENGTH) for each in path.split(SEPARATOR)),
            ("code", line.code or "", MAX_CODE_LENGTH),
            *(("synonym", each, MAX_SYNONYM_LENGTH) for each in line.synonyms or ()),
        ):
            if len(text) > limit:
                raise InvalidInputError(
                    f"row {line.row}: the {what} {text[:40]!r}… has {len(text)} characters; "
                    f"at most {limit} are kept"
                )
        if not path:
            raise InvalidInputError(f"row {line.row}: {line.name!r} names no category")


def _resolve(lines: Sequence[CategoryLine], known: Mapping[str, Category]) -> list[str]:
    """Return the path that each row means, of a category that is there or is to be made."""
    by_name: dict[str, list[str]] = {}
    for path in known:
        by_name.setdefault(path.rpartition(SEPARATOR)[2], []).append(path)
    rows: dict[str, int] = {}
    paths = []
    for line in lines:
        path = _path_of(line, known, by_name)
        if path in rows:
            raise InvalidInputError(
                f"rows {rows[path]} and {line.row} both name {path!r}; one row a category"
            )
        rows[path] = line.row
        paths.append(path)
    return paths


def _path_of(
    line: CategoryLine, known: Mapping[str, Category], by_name: Mapping[str, Sequence[str]]
) -> str:
    path = normalise_path(line.name)
    candidates = by_name.get(path, ())
    if path in known or not candidates:
        return path
    if len(candidates) > 1:
        raise InvalidInputError(
            f"row {line.row}: {len(candidates)} categories are called {path!r}, such as "
            f"{candidates[0]!r} and {candidates[1]!r}; write the whole path"
        )
    return candidates[0]


def _changed(line: CategoryLine, id_: int, before: Category | None, path: str) -> Category:
    """Return the category as the row has it; columns that the table lacks change nothing."""
    code = before.code if before else None
    synonyms = before.synonyms if before else ()
    return Category(
        id=id_,
        path=path,
        code=code if line.code is None else line.code or None,
        synonyms=synonyms if line.synonyms is None else line.synonyms,
    )


def _check_codes(named: Sequence[Category], known: Iterable[Category]) -> None:
    """Raise where a code is that of two categories."""
    counts = Counter(each.code for each in named if each.code)
    for code, count in counts.items():
        if count > 1:
            raise InvalidInputError(
                f"{count} rows have the code {code!r}; a code is of one category"
            )
    ids = {each.id for each in named}
    for other in known:
        if other.id not in ids and other.code in counts:
            raise ConflictError(
                f"the code {other.code!r} is that of {other.path!r}, which the table does not name"
            )
