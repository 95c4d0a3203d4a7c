"""Photos that a listing takes over from its duplicates."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from db.rows import (
    DecisionRow,
    FlagRow,
    FlagValueRow,
    FlagVerdictRow,
    ListingImageRow,
    ListingRow,
    MergedPhotoRow,
    PredictionRow,
    ReplayRow,
    UserRow,
)
from db.states import FlagState, ListingState

_WORK = (PredictionRow, ReplayRow, FlagVerdictRow)


def list_photos(session: Session, *, listing_id: int) -> Sequence[ListingImageRow]:
    """Return the listing's photos in their order."""
    query = select(ListingImageRow).where(ListingImageRow.listing_id == listing_id)
    return session.scalars(query.order_by(ListingImageRow.position)).all()


def count_photos(session: Session, *, listing_ids: Collection[int]) -> dict[int, int]:
    """Return how many photos each listing has."""
    query = (
        select(ListingImageRow.listing_id, func.count())
        .where(ListingImageRow.listing_id.in_(listing_ids))
        .group_by(ListingImageRow.listing_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def append(
    session: Session,
    *,
    listing_id: int,
    source: ListingImageRow,
    decision_id: int,
    but_flags: Collection[str],
) -> ListingImageRow:
    """Show a photo as the listing's last, with the open flags that it has where it comes from.

    Args:
        but_flags: Kinds of flags that stay behind.
    """
    last = select(func.max(ListingImageRow.position)).where(
        ListingImageRow.listing_id == listing_id
    )
    photo = ListingImageRow(
        listing_id=listing_id,
        image_id=source.image_id,
        position=(session.scalar(last) or 0) + 1,
        file_name=source.file_name,
    )
    session.add(photo)
    session.flush()
    session.add(
        MergedPhotoRow(listing_image_id=photo.id, source_id=source.id, decision_id=decision_id)
    )
    open_ones = select(FlagRow).where(
        FlagRow.listing_image_id == source.id,
        FlagRow.state == FlagState.OPEN,
        FlagRow.kind.not_in(but_flags),
    )
    for flag in session.scalars(open_ones).all():
        session.execute(
            insert(FlagRow).values(
                listing_id=listing_id,
                listing_image_id=photo.id,
                kind=flag.kind,
                severity=flag.severity,
                score=flag.score,
                detail=flag.detail,
            )
        )
    session.flush()
    return photo


def list_unused(session: Session, *, decision_id: int) -> Sequence[ListingImageRow]:
    """Return what was taken over by the decision, where nobody worked with it or published it."""
    worked = [select(row.id).where(row.listing_image_id == ListingImageRow.id) for row in _WORK]
    query = (
        select(ListingImageRow)
        .join(MergedPhotoRow, MergedPhotoRow.listing_image_id == ListingImageRow.id)
        .join(ListingRow, ListingRow.id == ListingImageRow.listing_id)
        .where(
            MergedPhotoRow.decision_id == decision_id,
            ListingRow.state != ListingState.PUBLISHED,
            *(~each.exists() for each in worked),
        )
    )
    return session.scalars(query).all()


def remove(session: Session, *, photo_ids: Collection[int]) -> None:
    """Take photos that were taken over out of their listings again."""
    for column in (
        FlagRow.listing_image_id,
        FlagValueRow.listing_image_id,
        MergedPhotoRow.listing_image_id,
        ListingImageRow.id,
    ):
        session.execute(delete(column.class_).where(column.in_(photo_ids)))


def list_taken(
    session: Session, *, listing_id: int
) -> Sequence[tuple[DecisionRow, str, ListingRow, int]]:
    """Return decision, who made it, the listing photos came from, and how many, oldest first."""
    counted = (
        select(MergedPhotoRow.decision_id.label("decision_id"), func.count().label("photos"))
        .join(ListingImageRow, ListingImageRow.id == MergedPhotoRow.listing_image_id)
        .where(ListingImageRow.listing_id == listing_id)
        .group_by(MergedPhotoRow.decision_id)
        .subquery()
    )
    query = (
        select(DecisionRow, UserRow.name, ListingRow, counted.c.photos)
        .join(counted, counted.c.decision_id == DecisionRow.id)
        .join(UserRow, UserRow.id == DecisionRow.user_id)
        .join(ListingRow, ListingRow.id == DecisionRow.listing_id)
        .order_by(DecisionRow.id)
    )
    return [(row, name, listing, photos) for row, name, listing, photos in session.execute(query)]
