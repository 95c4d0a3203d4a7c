"""Spaces whose vectors are searched inside Postgres; only where ``db.vector_tables`` stand."""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.queries.embeddings import Embedding
from db.rows import EmbeddingRow
from db.vector_tables import IMAGE_VECTORS, VECTOR_SPACES

_PAGE = 5_000


def find_space(session: Session, *, name: str, is_built: bool) -> int | None:
    """Return the id of the space of this name, of one whose cells stand if that is wanted."""
    query = select(VECTOR_SPACES.c.id).where(VECTOR_SPACES.c.name == name)
    if is_built:
        query = query.where(VECTOR_SPACES.c.built_at.is_not(None))
    return session.scalar(query)


def get_axes(session: Session, *, space_id: int) -> tuple[bytes, int]:
    """Return the axes as they are stored, and how many they are."""
    query = select(VECTOR_SPACES.c.axes, VECTOR_SPACES.c.dimensions)
    axes, dimensions = session.execute(query.where(VECTOR_SPACES.c.id == space_id)).one()
    return axes, dimensions


def mark_built(session: Session, *, space_id: int, at: datetime) -> None:
    """From now on the space is searched here, and whoever stores embeddings keeps it up."""
    session.execute(
        sa.update(VECTOR_SPACES).where(VECTOR_SPACES.c.id == space_id).values(built_at=at)
    )


def list_nth(session: Session, *, space: str, place: int) -> Sequence[tuple[int, datetime]]:
    """Return (id, when it was stored) of the embedding at a place, counted from 1, if any."""
    if (session.scalar(select(sa.func.max(EmbeddingRow.id))) or 0) < place:
        return ()  # without counting: ids go as high at least
    query = (
        select(EmbeddingRow.id, EmbeddingRow.created_at)
        .where(EmbeddingRow.space == space)
        .order_by(EmbeddingRow.id)
        .offset(place - 1)
        .limit(1)
    )
    return [(id_, at) for id_, at in session.execute(query)]


def list_missing(
    session: Session, *, name: str, space_id: int, after_id: int = 0
) -> list[Embedding]:
    """Return the first embeddings, by id, that are not among the space's vectors yet."""
    is_there = select(1).where(
        IMAGE_VECTORS.c.space_id == space_id, IMAGE_VECTORS.c.id == EmbeddingRow.id
    )
    query = (
        select(EmbeddingRow.id, EmbeddingRow.image_id, EmbeddingRow.vector)
        .where(EmbeddingRow.space == name, EmbeddingRow.id > after_id, ~is_there.exists())
        .order_by(EmbeddingRow.id)
        .limit(_PAGE)
    )
    return [Embedding._make(row) for row in session.execute(query)]


def list_of_images(session: Session, *, space: str, image_ids: Collection[int]) -> list[Embedding]:
    """Return the embeddings of these images."""
    query = select(EmbeddingRow.id, EmbeddingRow.image_id, EmbeddingRow.vector).where(
        EmbeddingRow.space == space, EmbeddingRow.image_id.in_(image_ids)
    )
    return [Embedding._make(row) for row in session.execute(query)]


def hold_embeddings(session: Session) -> None:
    """Wait until nobody is writing embeddings, and let nobody until this transaction ends."""
    session.execute(sa.text("LOCK TABLE embeddings IN SHARE ROW EXCLUSIVE MODE"))
