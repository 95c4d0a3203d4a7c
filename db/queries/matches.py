"""Images that show the same, and the listings that show them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from db.queries.upsert import insert_missing
from db.rows import BatchRow, ImageRow, ListingImageRow, ListingRow, MatchRow
from db.states import ListingState, MatchState


class Pair(NamedTuple):
    """A match without its evidence."""

    id: int
    first_image_id: int
    second_image_id: int
    kind: str
    score: float
    state: str


class ShownPhoto(NamedTuple):
    """A photo of a listing that was not rejected."""

    listing_id: int
    version: int
    sku: str
    title: str
    state: str
    batch: str
    position: int
    image_id: int
    sha256: str
    width_px: int
    height_px: int
    size_bytes: int


def insert_matches(session: Session, *, values: Sequence[Mapping[str, Any]]) -> int:
    """Insert the pairs that are not there; return how many those were."""
    conflict = ["first_image_id", "second_image_id"]
    return insert_missing(session, MatchRow, values, conflict=conflict)


def list_pairs(
    session: Session,
    *,
    image_ids: Collection[int] | None = None,
    state: MatchState | None = None,
) -> Sequence[Pair]:
    """Return the pairs that one of the images, or any, belongs to, the oldest first."""
    query = select(
        MatchRow.id,
        MatchRow.first_image_id,
        MatchRow.second_image_id,
        MatchRow.kind,
        MatchRow.score,
        MatchRow.state,
    ).order_by(MatchRow.id)
    if image_ids is not None:
        first, second = MatchRow.first_image_id, MatchRow.second_image_id
        query = query.where(or_(first.in_(image_ids), second.in_(image_ids)))
    if state is not None:
        query = query.where(MatchRow.state == state)
    return [Pair._make(row) for row in session.execute(query)]


def find_match(session: Session, *, match_id: int) -> tuple[MatchRow, str, str] | None:
    """Return a match with the SHA-256 of its images."""
    row = session.get(MatchRow, match_id)
    if row is None:
        return None
    files = ImageRow.id.in_([row.first_image_id, row.second_image_id])
    sha256 = {image.id: image.sha256 for image in session.scalars(select(ImageRow).where(files))}
    return row, sha256[row.first_image_id], sha256[row.second_image_id]


def list_images(session: Session, *, match_ids: Collection[int]) -> set[int]:
    """Return the images of the matches."""
    query = select(MatchRow.first_image_id, MatchRow.second_image_id).where(
        MatchRow.id.in_(match_ids)
    )
    return {image_id for pair in session.execute(query) for image_id in pair}


def settle(
    session: Session,
    *,
    match_ids: Collection[int],
    state: MatchState,
    user_id: int,
    at: datetime,
) -> None:
    """Move the matches; open ones are nobody's."""
    is_open = state == MatchState.OPEN
    session.execute(
        update(MatchRow)
        .where(MatchRow.id.in_(match_ids))
        .values(
            state=state,
            settled_by=None if is_open else user_id,
            settled_at=None if is_open else at,
        )
    )


def forget(session: Session, *, image_ids: tuple[int, int], kind: str) -> None:
    """Delete what is remembered of two images, the lesser first, if it is of the kind."""
    session.execute(
        delete(MatchRow).where(
            MatchRow.first_image_id == image_ids[0],
            MatchRow.second_image_id == image_ids[1],
            MatchRow.kind == kind,
        )
    )


def list_users(session: Session, *, image_ids: Collection[int]) -> Sequence[tuple[int, int, int]]:
    """Return (image id, listing id, photo id) of the listings not rejected that show the images."""
    query = (
        select(ListingImageRow.image_id, ListingImageRow.listing_id, ListingImageRow.id)
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .where(ListingImageRow.image_id.in_(image_ids), ListingRow.state != ListingState.REJECTED)
        .order_by(ListingImageRow.listing_id, ListingImageRow.position)
    )
    return [(image_id, listing_id, id_) for image_id, listing_id, id_ in session.execute(query)]


def list_open_users(session: Session) -> Sequence[tuple[int, int]]:
    """Return (image id, listing id) as ``list_users`` does, of all images with an open match."""
    open_ones = MatchRow.state == MatchState.OPEN
    images = (
        select(MatchRow.first_image_id)
        .where(open_ones)
        .union(select(MatchRow.second_image_id).where(open_ones))
    )
    query = (
        select(ListingImageRow.image_id, ListingImageRow.listing_id)
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .where(ListingImageRow.image_id.in_(images), ListingRow.state != ListingState.REJECTED)
    )
    return [(image_id, listing_id) for image_id, listing_id in session.execute(query)]


def list_shown(session: Session, *, image_ids: Collection[int]) -> Sequence[ShownPhoto]:
    """Return the photos of these images of listings that were not rejected, by listing."""
    query = (
        select(
            ListingRow.id,
            ListingRow.version,
            ListingRow.sku,
            ListingRow.title,
            ListingRow.state,
            BatchRow.name,
            ListingImageRow.position,
            ImageRow.id,
            ImageRow.sha256,
            ImageRow.width_px,
            ImageRow.height_px,
            ImageRow.size_bytes,
        )
        .join(ListingImageRow, ListingImageRow.listing_id == ListingRow.id)
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .join(BatchRow, BatchRow.id == ListingRow.batch_id)
        .where(ImageRow.id.in_(image_ids), ListingRow.state != ListingState.REJECTED)
        .order_by(ListingRow.id, ListingImageRow.position)
    )
    return [ShownPhoto._make(row) for row in session.execute(query)]
