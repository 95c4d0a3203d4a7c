"""Listings and their photos."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from db.queries.upsert import insert_missing
from db.rows import ImageRow, ListingImageRow, ListingRow

_IDS_PER_QUERY = 10_000


def ensure_images(session: Session, values: Sequence[Mapping[str, Any]]) -> Mapping[str, int]:
    """Insert the images whose content does not stand yet; return all ids by SHA-256.

    They go in ordered by SHA-256, so that two imports never wait for each other in a ring.
    """
    ordered = sorted(values, key=lambda image: str(image["sha256"]))
    insert_missing(session, ImageRow, ordered, conflict=["sha256"])
    return find_image_ids(session, [image["sha256"] for image in ordered])


def find_image_ids(session: Session, sha256s: Sequence[str]) -> dict[str, int]:
    """Return the ids of the images that stand, by SHA-256."""
    found: dict[str, int] = {}
    for start in range(0, len(sha256s), _IDS_PER_QUERY):
        some = sha256s[start : start + _IDS_PER_QUERY]
        query = select(ImageRow.sha256, ImageRow.id).where(ImageRow.sha256.in_(some))
        found.update((row.sha256, row.id) for row in session.execute(query))
    return found


def insert_listings(session: Session, values: Sequence[Mapping[str, Any]]) -> Sequence[int]:
    """Insert listings; return their ids in the same order."""
    statement = insert(ListingRow).returning(ListingRow.id, sort_by_parameter_order=True)
    return session.scalars(statement, list(values)).all()


def insert_listing_images(session: Session, values: Sequence[Mapping[str, Any]]) -> None:
    """Attach photos to listings."""
    session.execute(insert(ListingImageRow), list(values))
