"""What was held against a limit, as ``FlagValueRow`` keeps it."""

from collections.abc import Collection, Mapping
from math import isnan, nan

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from db.queries.upsert import insert_missing
from db.rows import FlagValueRow, ListingImageRow, ListingRow, PredictionRow

_IDS_AT_ONCE = 10_000


def replace_values(
    session: Session, *, kind: str, photo_ids: Collection[int], values: Mapping[int, float]
) -> None:
    """Make what is kept of the photos the values given, by photo id; NaN is nothing to compare."""
    ids = list(photo_ids)
    for start in range(0, len(ids), _IDS_AT_ONCE):
        some = ids[start : start + _IDS_AT_ONCE]
        session.execute(
            delete(FlagValueRow).where(
                FlagValueRow.kind == kind, FlagValueRow.listing_image_id.in_(some)
            )
        )
    rows = [
        {"listing_image_id": photo_id, "kind": kind, "value": None if isnan(value) else value}
        for photo_id, value in values.items()
    ]
    insert_missing(session, FlagValueRow, rows, conflict=["listing_image_id", "kind"])


def map_values(session: Session, *, kind: str, batch_id: int) -> Mapping[int, float]:
    """Return by photo id what is kept of a batch's photos, as ``replace_values`` took it."""
    query = (
        select(FlagValueRow.listing_image_id, FlagValueRow.value)
        .join(ListingImageRow, ListingImageRow.id == FlagValueRow.listing_image_id)
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .where(FlagValueRow.kind == kind, ListingRow.batch_id == batch_id)
    )
    return _read(session, query)


def map_current(
    session: Session, *, kind: str, photo_ids: Collection[int], version_ids: Collection[int]
) -> Mapping[int, float]:
    """Return what is kept of photos of which none of these versions said anything since."""
    later = select(PredictionRow.id).where(
        PredictionRow.listing_image_id == FlagValueRow.listing_image_id,
        PredictionRow.model_version_id.in_(version_ids),
        PredictionRow.created_at > FlagValueRow.created_at,
    )
    ids = list(photo_ids)
    found: dict[int, float] = {}
    for start in range(0, len(ids), _IDS_AT_ONCE):
        query = select(FlagValueRow.listing_image_id, FlagValueRow.value).where(
            FlagValueRow.kind == kind,
            FlagValueRow.listing_image_id.in_(ids[start : start + _IDS_AT_ONCE]),
            ~later.exists(),
        )
        found |= _read(session, query)
    return found


def _read(session: Session, query: Select[int, float | None]) -> dict[int, float]:
    return {photo_id: nan if value is None else value for photo_id, value in session.execute(query)}
