"""The category tree. A path is the names from the root, joined by `` > ``."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from db.folding import fold, searched_words
from db.queries.upsert import insert_missing
from db.rows import CategoryRow, CategorySynonymRow

SEPARATOR = " > "
MAX_NAME_LENGTH, MAX_PATH_LENGTH = 200, 1000  # as CategoryRow holds them
MAX_CODE_LENGTH, MAX_SYNONYM_LENGTH = 100, 200
_AT_ONCE = 10_000


class Category(NamedTuple):
    """A category with all that it is found by."""

    id: int
    path: str
    code: str | None
    synonyms: tuple[str, ...]


def normalise_path(path: str) -> str:
    """Return the path with single spaces round its separators, without empty parts."""
    parts = (part.strip() for part in path.split(SEPARATOR.strip()))
    return SEPARATOR.join(part for part in parts if part)


def ensure_paths(session: Session, paths: Iterable[str]) -> Mapping[str, int]:
    """Make the categories (and their parents) that are missing; return ids by the path as given.

    A path without a name is no category, and is left out.
    """
    given = {path: normal for path in paths if (normal := normalise_path(path))}
    levels = _levels(given.values())
    ids: dict[str, int] = {}
    for level in levels:
        _insert_level(session, level, ids)
        ids |= _find_ids(session, level)
    return {path: ids[normal] for path, normal in given.items()}


def _levels(paths: Iterable[str]) -> list[list[str]]:
    """All paths and their ancestors, grouped by depth, roots first."""
    depths: dict[int, set[str]] = {}
    for path in paths:
        parts = path.split(SEPARATOR)
        for depth in range(len(parts)):
            depths.setdefault(depth, set()).add(SEPARATOR.join(parts[: depth + 1]))
    return [sorted(depths[depth]) for depth in sorted(depths)]


def _insert_level(session: Session, paths: Sequence[str], parent_ids: Mapping[str, int]) -> None:
    rows = []
    for path in paths:
        parent, _, name = path.rpartition(SEPARATOR)
        rows.append({"path": path, "name": name, "parent_id": parent_ids.get(parent)})
    insert_missing(session, CategoryRow, rows, conflict=["path"])


def _find_ids(session: Session, paths: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(paths), _AT_ONCE):
        some = paths[start : start + _AT_ONCE]
        query = select(CategoryRow.path, CategoryRow.id).where(CategoryRow.path.in_(some))
        found |= {row.path: row.id for row in session.execute(query)}
    return found


def search(
    session: Session, *, text: str, first: Collection[int], limit: int
) -> Sequence[Category]:
    """Return categories found by every word of the text, in path, code or synonyms.

    What has the text as its name, code or synonym comes first, then what is ``first``, then
    names that begin with the text's first word, then other paths, codes and synonyms that do.
    """
    folded = fold(text).split()
    whole, begins = " ".join(folded), folded[0] if folded else ""
    words = CategoryRow.words
    rank = sa.case(
        (words.contains(f"\n{whole}\n", autoescape=True), 0),
        (CategoryRow.id.in_(first), 1),
        (words.startswith(f"\n{begins}", autoescape=True), 2),
        (words.contains(f"\n{begins}", autoescape=True), 3),
        else_=4,
    )
    query = select(CategoryRow.id, CategoryRow.path, CategoryRow.code)
    for word in folded:
        query = query.where(words.contains(word, autoescape=True))
    rows = session.execute(query.order_by(rank, CategoryRow.path).limit(limit)).all()
    synonyms = map_synonyms(session, category_ids=[row.id for row in rows])
    return [Category(*row, synonyms.get(row.id, ())) for row in rows]


def list_all(session: Session) -> Sequence[Category]:
    """Return all categories by path."""
    query = select(CategoryRow.id, CategoryRow.path, CategoryRow.code).order_by(CategoryRow.path)
    rows = session.execute(query).all()
    synonyms = map_synonyms(session, category_ids=None)
    return [Category(*row, synonyms.get(row.id, ())) for row in rows]


def map_synonyms(
    session: Session, *, category_ids: Collection[int] | None
) -> Mapping[int, tuple[str, ...]]:
    """Return the synonyms by category, as they were given; None asks for those of all."""
    query = select(CategorySynonymRow).order_by(CategorySynonymRow.id)
    if category_ids is not None:
        query = query.where(CategorySynonymRow.category_id.in_(category_ids))
    found: dict[int, tuple[str, ...]] = {}
    for row in session.scalars(query):
        found[row.category_id] = (*found.get(row.category_id, ()), row.name)
    return found


def set_terms(session: Session, *, categories: Sequence[Category]) -> None:
    """Give the categories these codes and synonyms, in place of those that they had.

    Codes are taken away first: two categories may exchange theirs.
    """
    ids = [each.id for each in categories]
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        session.execute(update(CategoryRow).where(CategoryRow.id.in_(some)).values(code=None))
        session.execute(delete(CategorySynonymRow).where(CategorySynonymRow.category_id.in_(some)))
    session.execute(update(CategoryRow), [_values(each) for each in categories])
    session.add_all(
        CategorySynonymRow(category_id=each.id, name=name)
        for each in categories
        for name in each.synonyms
    )
    session.flush()


def _values(category: Category) -> Mapping[str, object]:
    words = searched_words(path=category.path, code=category.code, synonyms=category.synonyms)
    return {"id": category.id, "code": category.code, "words": words}
