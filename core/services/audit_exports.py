"""What a label audit found, and its catalogue with corrected labels, as files."""

import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from pyarrow import parquet

from core.actors import Actor
from core.audit.files import AuditedPhoto
from core.errors import InvalidInputError
from core.services.audits import Finding, FindingFilter, get_audit, list_audited, list_findings
from core.services.evaluation_exports import to_csv
from core.services.export_formats import LIST_SEPARATOR
from core.settings import Settings
from core.storage import write_whole
from db.engine import reading
from db.queries import audits as queries

ALL = 1_000_000  # more findings than an audit keeps
_LISTS = ("alike_claimed", "alike_suggested")

Rows = Sequence[Mapping[str, Any]]

_SCHEMA = pa.schema(
    [
        ("rank", pa.int64()),
        ("path", pa.string()),
        ("claimed", pa.string()),
        ("suggested", pa.string()),
        ("probability_wrong", pa.float64()),
        ("expected_unfounded", pa.float64()),
        ("label", pa.string()),
        ("settled_by", pa.string()),
        *((name, pa.list_(pa.string())) for name in _LISTS),
    ]
)


def _as_csv(rows: Rows) -> bytes:
    joined = [{**row, **{name: LIST_SEPARATOR.join(row[name]) for name in _LISTS}} for row in rows]
    head = ",".join(_SCHEMA.names) + "\r\n"
    return (to_csv(joined) or head).encode()


def _as_json(rows: Rows) -> bytes:
    return (json.dumps(list(rows), ensure_ascii=False, indent=1) + "\n").encode()


def _as_parquet(rows: Rows) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(list(rows), schema=_SCHEMA), buffer)
    return buffer.getvalue()


FINDING_FORMATS: Mapping[str, Callable[[Rows], bytes]] = {
    ".csv": _as_csv,
    ".json": _as_json,
    ".parquet": _as_parquet,
}
"""By the ending of the file."""


def check_output(path: Path, endings: Sequence[str] = tuple(FINDING_FORMATS)) -> None:
    """Raise InvalidInputError unless a file of this name can be written."""
    if path.suffix.lower() not in endings:
        raise InvalidInputError(f"{path} ends in none of {', '.join(endings)}")
    if not path.absolute().parent.is_dir():
        raise InvalidInputError(f"there is no folder {path.absolute().parent}; make it first")


def write_findings(
    engine: sa.Engine, settings: Settings, *, actor: Actor, audit_id: int, path: Path
) -> None:
    """Write the findings at the share of false alarms asked for, by the ending of the file.

    Raises:
        ForbiddenError: The actor may not review.
        InvalidInputError: No format has this ending, or there is no such folder.
        NotFoundError: No audit has this id.
    """
    check_output(path)
    rate = get_audit(engine, actor=actor, audit_id=audit_id).false_alarms
    found = list_findings(
        engine, settings, actor=actor, audit_id=audit_id, only=FindingFilter(rate), limit=ALL
    )
    write_whole(path, FINDING_FORMATS[path.suffix.lower()]([_describe(each) for each in found]))


def findings_csv(found: Sequence[Finding]) -> str:
    """One line a finding."""
    return _as_csv([_describe(each) for each in found]).decode()


def corrected_csv(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    audit_id: int,
    folder: Path | None = None,
) -> str:
    """Return every readable photo with the category that holds, as ``catalens train`` reads it.

    That is what somebody settled, and else what is claimed; ``claimed`` says what it was.

    Args:
        folder: Where the list will lie: photos are named from there. Without it, from the
            smallest folder that holds them all.

    Raises:
        ForbiddenError: The actor may not review.
        InvalidInputError: A photo lies outside the folder.
        NotFoundError: No audit has this id, or its file is gone.
    """
    photos = list_audited(engine, settings, actor=actor, audit_id=audit_id)
    with reading(engine) as session:
        settled = queries.list_settled(session, audit_id=audit_id)
    root = find_root(photos)
    if folder is not None and not root.is_relative_to(folder.resolve()):
        raise InvalidInputError(
            f"a list of labels names photos inside its own folder, and {folder} does not hold all "
            f"of these; write it into {root}"
        )
    start = folder.resolve() if folder else root
    return to_csv(
        {
            "path": Path(photo.path).relative_to(start).as_posix(),
            "label": settled.get(index, photo.claimed),
            "claimed": photo.claimed,
            "settled": "yes" if index in settled else "no",
        }
        for index, photo in enumerate(photos)
        if photo.sha256
    )


def find_root(photos: Sequence[AuditedPhoto]) -> Path:
    """Return the smallest folder that holds all photos of an audit."""
    return Path(os.path.commonpath([Path(photo.path).parent for photo in photos]))


def _describe(each: Finding) -> dict[str, Any]:
    return {
        "rank": each.rank,
        "path": each.path,
        "claimed": each.claimed,
        "suggested": each.suggested,
        "probability_wrong": each.wrong,
        "expected_unfounded": each.rate,
        "label": each.label,
        "settled_by": each.settled_by,
        "alike_claimed": [photo.path for photo in each.alike_claimed],
        "alike_suggested": [photo.path for photo in each.alike_suggested],
    }
