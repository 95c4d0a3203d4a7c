"""Embeddings: a vector an image and space, as ``EmbeddingRow`` holds it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.queries.upsert import insert_missing
from db.rows import CategoryRow, DecisionRow, EmbeddingRow, ImageRow, ListingImageRow, ListingRow
from db.states import CATEGORISED, ImageState


class Embedding(NamedTuple):
    """One row; ``id`` is where the next page begins."""

    id: int
    image_id: int
    vector: bytes


class EmbeddedPhoto(NamedTuple):
    """A photo of a listing with its embedding."""

    listing_id: int
    photo_id: int
    vector: bytes


class KnownPhoto(NamedTuple):
    """The main photo of a listing whose category is decided, with its embedding."""

    photo_id: int
    category_id: int
    category: str
    vector: bytes


def insert_embeddings(session: Session, *, values: Sequence[Mapping[str, Any]]) -> int:
    """Insert the embeddings that are not there; return how many those were."""
    return insert_missing(session, EmbeddingRow, values, conflict=["image_id", "space"])


def list_embeddings(
    session: Session, *, space: str, after_id: int = 0, limit: int
) -> Sequence[Embedding]:
    """Return the embeddings of a space, ordered by id.

    Args:
        after_id: Last id of the previous page; 0 starts over.
    """
    query = (
        select(EmbeddingRow.id, EmbeddingRow.image_id, EmbeddingRow.vector)
        .where(EmbeddingRow.space == space, EmbeddingRow.id > after_id)
        .order_by(EmbeddingRow.id)
        .limit(limit)
    )
    return [Embedding._make(row) for row in session.execute(query)]


def count_embeddings(session: Session, *, space: str) -> int:
    query = select(func.count()).select_from(EmbeddingRow).where(EmbeddingRow.space == space)
    return session.scalar(query) or 0


def find_dimensions(session: Session, *, space: str) -> int | None:
    return session.scalar(select(EmbeddingRow.dim).where(EmbeddingRow.space == space).limit(1))


def find_listing_vector(session: Session, *, space: str, listing_id: int) -> bytes | None:
    """Return the embedding of the first photo of the listing that has one."""
    query = (
        select(EmbeddingRow.vector)
        .join(ListingImageRow, ListingImageRow.image_id == EmbeddingRow.image_id)
        .where(EmbeddingRow.space == space, ListingImageRow.listing_id == listing_id)
        .order_by(ListingImageRow.position)
        .limit(1)
    )
    return session.scalar(query)


def list_vectors(session: Session, *, embedding_ids: Collection[int]) -> dict[int, bytes]:
    """Return the vectors by the ids of the embeddings."""
    query = select(EmbeddingRow.id, EmbeddingRow.vector).where(EmbeddingRow.id.in_(embedding_ids))
    return {row.id: row.vector for row in session.execute(query)}


def list_embedded(session: Session, *, space: str, image_ids: Collection[int]) -> set[int]:
    """Return those of the images that are embedded."""
    query = select(EmbeddingRow.image_id).where(
        EmbeddingRow.space == space, EmbeddingRow.image_id.in_(image_ids)
    )
    return set(session.scalars(query))


def list_photos(
    session: Session, *, space: str, listing_ids: Collection[int]
) -> Sequence[EmbeddedPhoto]:
    """Return the listings' embedded photos, photo by photo in their order."""
    query = (
        select(ListingImageRow.listing_id, ListingImageRow.id, EmbeddingRow.vector)
        .join(EmbeddingRow, EmbeddingRow.image_id == ListingImageRow.image_id)
        .where(EmbeddingRow.space == space, ListingImageRow.listing_id.in_(listing_ids))
        .order_by(ListingImageRow.listing_id, ListingImageRow.position)
    )
    return [EmbeddedPhoto._make(row) for row in session.execute(query)]


def find_last_ids(session: Session) -> tuple[int | None, int | None]:
    """Return the ids of the newest decision and embedding, which change with what is known."""
    return (
        session.scalar(select(func.max(DecisionRow.id))),
        session.scalar(select(func.max(EmbeddingRow.id))),
    )


def lock_last_decision(session: Session) -> int | None:
    """Return who made the newest decision, and lock its row; None where there is none."""
    query = (
        select(DecisionRow.user_id)
        .order_by(DecisionRow.id.desc())
        .limit(1)
        .with_for_update(key_share=True)
    )
    return session.scalar(query)


def count_decided(session: Session) -> int:
    """Return how many listings are accepted, corrected or published."""
    query = select(func.count()).where(ListingRow.state.in_(CATEGORISED))
    return session.scalar(query) or 0


def find_newest_space(session: Session) -> str | None:
    """Return the space that was written to last, the one in use."""
    return session.scalar(select(EmbeddingRow.space).order_by(EmbeddingRow.id.desc()).limit(1))


def find_space_of(session: Session, *, embedding_id: int) -> str | None:
    return session.scalar(select(EmbeddingRow.space).where(EmbeddingRow.id == embedding_id))


def list_known(
    session: Session, *, space: str, per_category: int, limit: int
) -> Sequence[KnownPhoto]:
    """Return the newest embedded main photos of decided listings, by photo id.

    One photo a listing: others of the same product would make it look better known than it is.

    Args:
        per_category: At most so many of one category, so that each has its place.
        limit: At most so many in all.
    """
    rank = func.row_number().over(
        partition_by=ListingRow.decided_category_id, order_by=ListingImageRow.id.desc()
    )
    ranked = (
        select(
            ListingImageRow.id.label("photo_id"),
            ListingImageRow.image_id,
            ListingRow.decided_category_id.label("category_id"),
            rank.label("rank"),
        )
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .where(
            ListingImageRow.position == 0,
            ListingRow.state.in_(CATEGORISED),
            ListingRow.decided_category_id.is_not(None),
            ImageRow.state == ImageState.READABLE,
        )
        .subquery()
    )
    query = (
        select(ranked.c.photo_id, ranked.c.category_id, CategoryRow.path, EmbeddingRow.vector)
        .join(EmbeddingRow, EmbeddingRow.image_id == ranked.c.image_id)
        .join(CategoryRow, CategoryRow.id == ranked.c.category_id)
        .where(EmbeddingRow.space == space, ranked.c.rank <= per_category)
        .order_by(ranked.c.photo_id.desc())
        .limit(limit)
    )
    return [KnownPhoto(*row) for row in reversed(session.execute(query).all())]
