"""The category tree. A path is the names from the root, joined by `` > ``."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.queries.upsert import insert_missing
from db.rows import CategoryRow

SEPARATOR = " > "
MAX_NAME_LENGTH, MAX_PATH_LENGTH = 200, 1000  # as CategoryRow holds them


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
    for start in range(0, len(paths), 10_000):
        some = paths[start : start + 10_000]
        query = select(CategoryRow.path, CategoryRow.id).where(CategoryRow.path.in_(some))
        found |= {row.path: row.id for row in session.execute(query)}
    return found
