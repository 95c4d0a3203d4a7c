"""What the review screen reads and writes: a listing with all it shows, decisions."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, aliased

from db.rows import (
    BatchRow,
    CategoryRow,
    DecisionRow,
    FlagRow,
    FlagVerdictRow,
    ImageRow,
    ListingImageRow,
    ListingRow,
    ModelVersionRow,
    PredictionRow,
    UserRow,
)
from db.states import FlagSeverity, FlagState, ListingState


def list_listings(session: Session, *, ids: Sequence[int]) -> Sequence[tuple[ListingRow, BatchRow]]:
    query = select(ListingRow, BatchRow).join(BatchRow, BatchRow.id == ListingRow.batch_id)
    return [(row, batch) for row, batch in session.execute(query.where(ListingRow.id.in_(ids)))]


def list_photos(
    session: Session, *, listing_ids: Sequence[int]
) -> Sequence[tuple[ListingImageRow, ImageRow]]:
    """Return the photos of the listings, by position."""
    query = (
        select(ListingImageRow, ImageRow)
        .join(ImageRow, ImageRow.id == ListingImageRow.image_id)
        .where(ListingImageRow.listing_id.in_(listing_ids))
        .order_by(ListingImageRow.listing_id, ListingImageRow.position)
    )
    return [(photo, image) for photo, image in session.execute(query)]


def list_latest_predictions(
    session: Session, *, listing_image_ids: Sequence[int]
) -> Sequence[tuple[PredictionRow, str]]:
    """Return each photo's newest prediction of each architecture, with the architecture."""
    newest = (
        select(func.max(PredictionRow.id))
        .join(ModelVersionRow, ModelVersionRow.id == PredictionRow.model_version_id)
        .where(PredictionRow.listing_image_id.in_(listing_image_ids))
        .group_by(PredictionRow.listing_image_id, ModelVersionRow.arch)
    )
    query = (
        select(PredictionRow, ModelVersionRow.arch)
        .join(ModelVersionRow, ModelVersionRow.id == PredictionRow.model_version_id)
        .where(PredictionRow.id.in_(newest))
        .order_by(PredictionRow.listing_image_id, ModelVersionRow.arch)
    )
    return [(prediction, arch) for prediction, arch in session.execute(query)]


def list_flags(
    session: Session, *, listing_ids: Sequence[int]
) -> Sequence[tuple[FlagRow, str | None]]:
    """Return the flags by listing, open ones first, then the gravest first.

    Beside each stands who said the last word on it.
    """
    ranks = {FlagSeverity.BLOCK: 0, FlagSeverity.WARN: 1}
    gravity = sa.case(ranks, value=FlagRow.severity, else_=2)
    said = aliased(FlagVerdictRow)
    last_word = (
        select(func.max(said.id))
        .where(said.listing_image_id == FlagRow.listing_image_id, said.kind == FlagRow.kind)
        .scalar_subquery()
    )
    query = (
        select(FlagRow, UserRow.name)
        .select_from(FlagRow)
        .outerjoin(FlagVerdictRow, FlagVerdictRow.id == last_word)
        .outerjoin(UserRow, UserRow.id == FlagVerdictRow.user_id)
        .where(FlagRow.listing_id.in_(listing_ids))
        .order_by(
            FlagRow.listing_id, FlagRow.state != FlagState.OPEN, gravity, FlagRow.score.desc()
        )
    )
    return [(flag, name) for flag, name in session.execute(query)]


def list_decisions(
    session: Session, *, listing_ids: Sequence[int]
) -> Sequence[tuple[DecisionRow, str]]:
    """Return every decision on the listings with the name of who made it, oldest first."""
    query = (
        select(DecisionRow, UserRow.name)
        .join(UserRow, UserRow.id == DecisionRow.user_id)
        .where(DecisionRow.listing_id.in_(listing_ids))
        .order_by(DecisionRow.id)
    )
    return [(decision, name) for decision, name in session.execute(query)]


def map_category_paths(session: Session, *, ids: Iterable[int]) -> dict[int, str]:
    """Return the path of each category by id."""
    query = select(CategoryRow.id, CategoryRow.path).where(CategoryRow.id.in_(set(ids)))
    return {row.id: row.path for row in session.execute(query)}


def find_listing_for_update(session: Session, *, listing_id: int) -> ListingRow | None:
    """Find the listing and lock its row until the transaction ends."""
    return session.get(ListingRow, listing_id, with_for_update=True, populate_existing=True)


def find_decision(session: Session, *, key: str) -> DecisionRow | None:
    return session.scalar(select(DecisionRow).where(DecisionRow.key == key))


def find_undoing(session: Session, *, decision_id: int) -> DecisionRow | None:
    """Find the decision that took this one back."""
    return session.scalar(select(DecisionRow).where(DecisionRow.undoes_id == decision_id))


def move_listing(
    session: Session, *, listing: ListingRow, state: ListingState, category_id: int | None
) -> None:
    """Move the listing, set its decided category and count its version up."""
    values: dict[str, Any] = {
        "state": state,
        "decided_category_id": category_id,
        "version": ListingRow.version + 1,
    }
    session.execute(update(ListingRow).where(ListingRow.id == listing.id).values(values))
    session.refresh(listing)


def move_flags(
    session: Session,
    *,
    listing_id: int,
    kinds: Collection[str],
    from_state: FlagState,
    to_state: FlagState,
) -> None:
    """Move the listing's flags of these kinds that are in ``from_state``."""
    session.execute(
        update(FlagRow)
        .where(
            FlagRow.listing_id == listing_id,
            FlagRow.kind.in_(kinds),
            FlagRow.state == from_state,
        )
        .values(state=to_state)
        .execution_options(synchronize_session=False)
    )
