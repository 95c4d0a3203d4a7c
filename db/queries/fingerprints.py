"""Fingerprints of images, and which of them were not compared yet."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from db.queries.upsert import insert_missing
from db.rows import FingerprintRow, ImageRow
from db.states import ImageState


class StoredPrint(NamedTuple):
    """A fingerprint as it is stored, with its image's file; ``id`` is where a page begins."""

    id: int
    image_id: int
    sha256: str
    pixels_sha256: str
    hashes: bytes


def insert_fingerprints(
    session: Session, *, values: Sequence[Mapping[str, Any]], version: int
) -> None:
    """Insert those that are not there, in place of what other versions took."""
    image_ids = {value["image_id"] for value in values}
    outdated = FingerprintRow.image_id.in_(image_ids) & (FingerprintRow.version != version)
    session.execute(delete(FingerprintRow).where(outdated))
    rows = [{**value, "version": version} for value in values]
    insert_missing(session, FingerprintRow, rows, conflict=["image_id"])


def find_row(session: Session, *, fingerprint_id: int) -> FingerprintRow | None:
    return session.get(FingerprintRow, fingerprint_id, with_for_update=True)


def list_pending(session: Session, *, version: int, limit: int) -> Sequence[tuple[int, datetime]]:
    """Return (id, when it was taken) of the oldest that were not compared."""
    query = (
        select(FingerprintRow.id, FingerprintRow.created_at)
        .where(FingerprintRow.compared_at.is_(None), FingerprintRow.version == version)
        .order_by(FingerprintRow.id)
        .limit(limit)
    )
    return [(id_, taken_at) for id_, taken_at in session.execute(query)]


def count_fingerprints(session: Session, *, version: int) -> tuple[int, int]:
    """Return how many there are, and how many of them wait to be compared."""
    query = select(func.count(), func.count(FingerprintRow.compared_at)).where(
        FingerprintRow.version == version
    )
    there, compared = session.execute(query).one()
    return there, there - compared


def list_fingerprints(
    session: Session, *, version: int, after_id: int, limit: int
) -> Sequence[StoredPrint]:
    """Return fingerprints, ordered by id.

    Args:
        after_id: Last id of the previous page; 0 starts over.
    """
    query = (
        _stored()
        .where(FingerprintRow.version == version, FingerprintRow.id > after_id)
        .order_by(FingerprintRow.id)
        .limit(limit)
    )
    return [StoredPrint._make(row) for row in session.execute(query)]


def list_of_images(session: Session, *, image_ids: Collection[int]) -> Sequence[StoredPrint]:
    """Return the fingerprints of readable images."""
    query = _stored().where(
        FingerprintRow.image_id.in_(image_ids), ImageRow.state == ImageState.READABLE
    )
    return [StoredPrint._make(row) for row in session.execute(query)]


def _stored() -> Any:
    return select(
        FingerprintRow.id,
        FingerprintRow.image_id,
        ImageRow.sha256,
        FingerprintRow.pixels_sha256,
        FingerprintRow.hashes,
    ).join(ImageRow, ImageRow.id == FingerprintRow.image_id)
