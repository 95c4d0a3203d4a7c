"""Listings by filter and text, and what is shown of those that a search found."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from db.rows import BatchRow, CategoryRow, EmbeddingRow, ImageRow, ListingImageRow, ListingRow
from db.states import CATEGORISED, ImageState, ListingState

CATEGORY_ID = func.coalesce(
    ListingRow.decided_category_id,
    ListingRow.suggested_category_id,
    ListingRow.claimed_category_id,
)
"""Of a listing: what it is decided as, else the suggestion, else the claim."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which listings are searched among.

    Attributes:
        words: Each stands in the title or in the category's path.
        category: Path of a branch: of the decided category, else the suggested, else the claimed.
        is_decided: Only those whose category a person decided.
        owner: User whose batches alone are seen; None for everybody's.
        since: When it was brought in, at the earliest; ``until`` at the latest.
    """

    words: tuple[str, ...] = ()
    category: str | None = None
    batch_id: int | None = None
    state: ListingState | None = None
    seller: str | None = None
    is_decided: bool = False
    owner: int | None = None
    since: datetime | None = None
    until: datetime | None = None


class Shown(NamedTuple):
    """A photo of a listing; ``embedding_id`` is 0 where none was asked for."""

    embedding_id: int
    image_id: int
    sha256: str
    listing_id: int
    sku: str
    title: str
    seller: str
    state: str
    batch: str
    category: str | None


def list_embedding_ids(
    session: Session, *, space: str, wanted: Wanted, limit: int | None = None
) -> NDArray[np.int64]:
    """Return the sorted ids of the embeddings of all photos of these listings.

    Args:
        limit: Return so many, the newest, at most.
    """
    query = among(
        select(EmbeddingRow.id)
        .distinct()
        .join(ListingImageRow, ListingImageRow.image_id == EmbeddingRow.image_id)
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .where(EmbeddingRow.space == space),
        wanted,
    )
    if limit is not None:
        query = query.order_by(EmbeddingRow.id.desc()).limit(limit)
    return np.sort(np.fromiter(session.scalars(query), np.int64))


def list_shown(
    session: Session, *, embedding_ids: Collection[int], wanted: Wanted
) -> Sequence[Shown]:
    """Return the photos with these embeddings, of listings that are wanted."""
    query = _shown(EmbeddingRow.id).join(
        EmbeddingRow, EmbeddingRow.image_id == ListingImageRow.image_id
    )
    found = among(query.where(EmbeddingRow.id.in_(embedding_ids)), wanted)
    return [Shown._make(row) for row in session.execute(found)]


def list_newest(session: Session, *, wanted: Wanted, limit: int) -> Sequence[Shown]:
    """Return the main photos of the newest listings that are wanted."""
    query = _shown(sa.literal(0)).where(ListingImageRow.position == 0)
    found = among(query, wanted).order_by(ListingRow.id.desc()).limit(limit)
    return [Shown._make(row) for row in session.execute(found)]


def list_main(session: Session, *, listing_ids: Collection[int], wanted: Wanted) -> Sequence[Shown]:
    """Return the main photos of those of the listings that are wanted, in no order."""
    query = _shown(sa.literal(0)).where(
        ListingImageRow.position == 0, ListingRow.id.in_(listing_ids)
    )
    return [Shown._make(row) for row in session.execute(among(query, wanted))]


def find_main(session: Session, *, listing_id: int, wanted: Wanted) -> Shown | None:
    """Return the first photo of a listing."""
    query = among(_shown(sa.literal(0)).where(ListingRow.id == listing_id), wanted)
    row = session.execute(query.order_by(ListingImageRow.position).limit(1)).first()
    return None if row is None else Shown._make(row)


def count_readable(session: Session) -> int:
    query = select(func.count()).select_from(ImageRow)
    return session.scalar(query.where(ImageRow.state == ImageState.READABLE)) or 0


def list_batches(session: Session, *, owner: int | None, limit: int) -> Sequence[tuple[int, str]]:
    """Return (id, name) of the newest batches."""
    query = select(BatchRow.id, BatchRow.name).order_by(BatchRow.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(BatchRow.created_by == owner)
    return [(id_, name) for id_, name in session.execute(query)]


def list_categories(session: Session, *, limit: int) -> Sequence[str]:
    return session.scalars(select(CategoryRow.path).order_by(CategoryRow.path).limit(limit)).all()


def _shown(first: Any) -> Any:
    category = (
        select(CategoryRow.path).where(CategoryRow.id == CATEGORY_ID).correlate(ListingRow)
    ).scalar_subquery()
    return (
        select(
            first,
            ImageRow.id,
            ImageRow.sha256,
            ListingRow.id,
            ListingRow.sku,
            ListingRow.title,
            ListingRow.seller,
            ListingRow.state,
            BatchRow.name,
            category,
        )
        .select_from(ListingImageRow)
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .join(BatchRow, BatchRow.id == ListingRow.batch_id)
    )


def among(query: Any, wanted: Wanted) -> Any:
    """Narrow a query that selects from listings to those that are wanted."""
    exactly = (
        (ListingRow.batch_id, wanted.batch_id),
        (ListingRow.state, wanted.state),
        (ListingRow.seller, wanted.seller),
    )
    query = query.where(*(column == value for column, value in exactly if value is not None))
    if wanted.is_decided:
        query = query.where(
            ListingRow.state.in_(CATEGORISED), ListingRow.decided_category_id.is_not(None)
        )
    if wanted.owner is not None:
        mine = select(BatchRow.id).where(BatchRow.created_by == wanted.owner)
        query = query.where(ListingRow.batch_id.in_(mine))
    if wanted.since is not None:
        query = query.where(ListingRow.created_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(ListingRow.created_at <= wanted.until)
    if wanted.category is not None:
        query = query.where(CATEGORY_ID.in_(_branch(wanted.category)))
    for word in wanted.words:
        in_title = func.lower(ListingRow.title).contains(word.lower(), autoescape=True)
        query = query.where(or_(in_title, CATEGORY_ID.in_(_named(word))))
    return query


def _branch(path: str) -> Any:
    below = CategoryRow.path.startswith(f"{path} > ", autoescape=True)
    return select(CategoryRow.id).where(or_(CategoryRow.path == path, below))


def _named(word: str) -> Any:
    """Few categories are looked through, not the listings' paths one by one."""
    matches = func.lower(CategoryRow.path).contains(word.lower(), autoescape=True)
    return select(CategoryRow.id).where(matches)
