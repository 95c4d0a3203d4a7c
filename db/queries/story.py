"""What happened to one listing."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.rows import (
    BatchRow,
    FlagVerdictRow,
    ListingImageRow,
    ListingRow,
    ModelVersionRow,
    PredictionRow,
    PublicationRow,
    UserRow,
)


def find_batch(session: Session, *, listing_id: int) -> BatchRow | None:
    """Find the batch that the listing came in."""
    query = select(BatchRow).join(ListingRow, ListingRow.batch_id == BatchRow.id)
    return session.scalar(query.where(ListingRow.id == listing_id))


def find_listing_id(session: Session, *, batch_id: int, sku: str) -> int | None:
    query = select(ListingRow.id).where(ListingRow.batch_id == batch_id, ListingRow.sku == sku)
    return session.scalar(query)


def get_user_name(session: Session, *, user_id: int) -> str:
    return session.get_one(UserRow, user_id).name


def list_main_predictions(
    session: Session, *, listing_id: int
) -> Sequence[tuple[PredictionRow, ModelVersionRow]]:
    """Return what each version said of the main photo, oldest first."""
    query = (
        select(PredictionRow, ModelVersionRow)
        .join(ModelVersionRow, ModelVersionRow.id == PredictionRow.model_version_id)
        .join(ListingImageRow, ListingImageRow.id == PredictionRow.listing_image_id)
        .where(ListingImageRow.listing_id == listing_id, ListingImageRow.position == 0)
        .order_by(PredictionRow.id)
    )
    return [(prediction, version) for prediction, version in session.execute(query)]


def list_verdicts(session: Session, *, listing_id: int) -> Sequence[tuple[FlagVerdictRow, str]]:
    """Return each word on a flag of the listing with who said it, oldest first."""
    query = (
        select(FlagVerdictRow, UserRow.name)
        .join(UserRow, UserRow.id == FlagVerdictRow.user_id)
        .join(ListingImageRow, ListingImageRow.id == FlagVerdictRow.listing_image_id)
        .where(ListingImageRow.listing_id == listing_id)
        .order_by(FlagVerdictRow.id)
    )
    return [(verdict, name) for verdict, name in session.execute(query)]


def find_publication(session: Session, *, listing_id: int) -> tuple[PublicationRow, str] | None:
    """Find when the listing went live, with who published it."""
    query = (
        select(PublicationRow, UserRow.name)
        .join(UserRow, UserRow.id == PublicationRow.user_id)
        .where(PublicationRow.listing_id == listing_id)
    )
    for publication, name in session.execute(query):
        return publication, name
    return None
