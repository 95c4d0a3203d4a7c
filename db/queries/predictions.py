"""What the models and the checks say of photos, and what follows for their listings."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from db.queries.reasons import fit
from db.queries.upsert import insert_missing
from db.rows import (
    CategoryRow,
    FlagRow,
    ImageRow,
    ListingImageRow,
    ListingRow,
    ModelVersionRow,
    PredictionRow,
)
from db.states import FlagState, ImageState, ListingState

_IDS_AT_ONCE = 10_000


class Photo(NamedTuple):
    """A photo of a listing with its file; ``claimed`` is the path of the claimed category."""

    id: int
    listing_id: int
    image_id: int
    sha256: str
    image_state: str
    image_reason: str | None
    claimed: str | None


class Top(NamedTuple):
    """What one active model says of one photo; ``top`` as in ``PredictionRow``."""

    listing_id: int
    photo_id: int
    position: int
    arch: str
    top: list[dict[str, Any]]


def list_photos(session: Session, *, photo_ids: Collection[int]) -> Sequence[Photo]:
    """Return the photos, listing by listing, in their order."""
    query = (
        select(
            ListingImageRow.id,
            ListingImageRow.listing_id,
            ImageRow.id,
            ImageRow.sha256,
            ImageRow.state,
            ImageRow.reason,
            CategoryRow.path,
        )
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .outerjoin(CategoryRow, CategoryRow.id == ListingRow.claimed_category_id)
        .where(ListingImageRow.id.in_(photo_ids))
        .order_by(ListingImageRow.listing_id, ListingImageRow.position)
    )
    return [Photo._make(row) for row in session.execute(query)]


def list_predicted(
    session: Session, *, photo_ids: Collection[int], version_ids: Collection[int]
) -> set[tuple[int, int]]:
    """Return the (photo id, model version id) pairs that have a prediction."""
    query = select(PredictionRow.listing_image_id, PredictionRow.model_version_id).where(
        PredictionRow.listing_image_id.in_(photo_ids),
        PredictionRow.model_version_id.in_(version_ids),
    )
    return {(photo_id, version_id) for photo_id, version_id in session.execute(query)}


def list_tops(
    session: Session, *, listing_ids: Collection[int], version_ids: Collection[int]
) -> Sequence[Top]:
    """Return the versions' predictions for the listings, photo by photo in their order."""
    query = (
        select(
            ListingImageRow.listing_id,
            ListingImageRow.id,
            ListingImageRow.position,
            ModelVersionRow.arch,
            PredictionRow.top,
        )
        .join(PredictionRow, PredictionRow.listing_image_id == ListingImageRow.id)
        .join(ModelVersionRow, ModelVersionRow.id == PredictionRow.model_version_id)
        .where(
            ListingImageRow.listing_id.in_(listing_ids),
            PredictionRow.model_version_id.in_(version_ids),
        )
        .order_by(ListingImageRow.listing_id, ListingImageRow.position, ModelVersionRow.arch)
    )
    return [Top._make(row) for row in session.execute(query)]


def map_tops(
    session: Session, *, photo_ids: Sequence[int], version_ids: Collection[int]
) -> Mapping[int, Sequence[list[dict[str, Any]]]]:
    """Return each photo's predictions by the versions, as in ``PredictionRow.top``."""
    found: dict[int, list[list[dict[str, Any]]]] = {}
    for start in range(0, len(photo_ids), _IDS_AT_ONCE):
        some = photo_ids[start : start + _IDS_AT_ONCE]
        query = select(PredictionRow.listing_image_id, PredictionRow.top).where(
            PredictionRow.listing_image_id.in_(some),
            PredictionRow.model_version_id.in_(version_ids),
        )
        for photo_id, top in session.execute(query):
            found.setdefault(photo_id, []).append(top)
    return found


def list_siblings(session: Session, *, listing_ids: Collection[int]) -> Sequence[tuple[int, int]]:
    """Return (listing id, photo id) of all photos of the listings."""
    query = select(ListingImageRow.listing_id, ListingImageRow.id).where(
        ListingImageRow.listing_id.in_(listing_ids)
    )
    return [(listing_id, photo_id) for listing_id, photo_id in session.execute(query)]


def list_category_paths(session: Session, *, category_ids: Collection[int]) -> Mapping[int, str]:
    query = select(CategoryRow.id, CategoryRow.path).where(CategoryRow.id.in_(category_ids))
    return {row.id: row.path for row in session.execute(query)}


def insert_predictions(session: Session, *, values: Sequence[Mapping[str, Any]]) -> int:
    """Insert the predictions that are not there; return how many those were."""
    conflict = ["listing_image_id", "model_version_id"]
    return insert_missing(session, PredictionRow, values, conflict=conflict)


def mark_unreadable(session: Session, *, image_id: int, reason: str) -> None:
    session.execute(
        update(ImageRow)
        .where(ImageRow.id == image_id)
        .values(state=ImageState.UNREADABLE, reason=fit(reason, ImageRow.reason))
    )


def replace_open_flags(
    session: Session,
    *,
    photo_ids: Collection[int],
    values: Sequence[Mapping[str, Any]],
    kind: str | None = None,
) -> None:
    """Make the photos' open flags, of one kind or of all, those given.

    A flag that somebody judged stays as it is.
    """
    replaced = delete(FlagRow).where(
        FlagRow.listing_image_id.in_(photo_ids), FlagRow.state == FlagState.OPEN
    )
    session.execute(replaced if kind is None else replaced.where(FlagRow.kind == kind))
    insert_missing(session, FlagRow, values, conflict=["listing_image_id", "kind"])


def list_listings_in(
    session: Session, *, listing_ids: Collection[int], states: Iterable[ListingState]
) -> set[int]:
    """Return those of the listings that are in one of the states, and lock their rows.

    Nobody can decide, or publish, a listing while its flags are being written.
    """
    query = (
        select(ListingRow.id)
        .where(ListingRow.id.in_(listing_ids), ListingRow.state.in_(list(states)))
        .order_by(ListingRow.id)
        .with_for_update(key_share=True)
    )
    return set(session.scalars(query))


def move_listings(
    session: Session,
    *,
    listing_ids: Collection[int],
    from_state: ListingState,
    to_state: ListingState,
) -> None:
    """Move those of the listings that are in ``from_state``."""
    session.execute(
        update(ListingRow)
        .where(ListingRow.id.in_(listing_ids), ListingRow.state == from_state)
        .values(state=to_state, version=ListingRow.version + 1)
        .execution_options(synchronize_session=False)
    )


def list_suggested_by_examples(session: Session, *, listing_ids: Collection[int]) -> set[int]:
    """Return those of the listings whose suggestion comes from examples."""
    query = select(ListingRow.id).where(
        ListingRow.id.in_(listing_ids), ListingRow.suggested_by_examples
    )
    return set(session.scalars(query))


def set_suggestions(session: Session, *, values: Sequence[Mapping[str, Any]]) -> None:
    """Write ids, ``suggested_category_id``, ``suggested_by_examples``, ``doubt`` to listings."""
    if values:
        session.execute(sa.update(ListingRow), list(values))
