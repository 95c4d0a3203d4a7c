"""Which decided listings may be published, and what holds the others back."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from db.rows import FlagRow, ListingRow, PublicationRow
from db.states import FlagSeverity, FlagState, ListingState

PUBLISHABLE = (ListingState.ACCEPTED, ListingState.CORRECTED)


def list_blocking_kinds(session: Session, *, listing_id: int) -> Sequence[str]:
    """Return the kinds of the listing's open blocking flags, each once."""
    query = select(FlagRow.kind).distinct().where(FlagRow.listing_id == listing_id, *_is_blocking())
    return session.scalars(query.order_by(FlagRow.kind)).all()


def count_ready(session: Session, *, batch_id: int) -> int:
    query = select(func.count()).select_from(ListingRow)
    return session.scalar(query.where(*_decided(batch_id), ~_is_blocked())) or 0


def count_blocked(session: Session, *, batch_id: int) -> int:
    query = select(func.count()).select_from(ListingRow)
    return session.scalar(query.where(*_decided(batch_id), _is_blocked())) or 0


def count_blocking_kinds(session: Session, *, batch_id: int) -> Sequence[tuple[str, int]]:
    """Return (kind, decided listings that it holds back)."""
    query = (
        select(FlagRow.kind, func.count(sa.distinct(FlagRow.listing_id)))
        .join(ListingRow, ListingRow.id == FlagRow.listing_id)
        .where(*_decided(batch_id), *_is_blocking())
        .group_by(FlagRow.kind)
    )
    return [(kind, count) for kind, count in session.execute(query)]


def lock_decided(session: Session, *, batch_id: int) -> None:
    """Lock the decided listings of the batch, so that nobody reopens a flag of theirs."""
    query = select(ListingRow.id).where(*_decided(batch_id)).order_by(ListingRow.id)
    session.execute(query.with_for_update()).all()


def publish_ready(session: Session, *, batch_id: int, user_id: int) -> int:
    """Publish the decided listings of the batch that nothing holds back; return how many."""
    return _publish(session, user_id, *_decided(batch_id), ~_is_blocked())


def publish_listing(session: Session, *, listing_id: int, user_id: int) -> int:
    """Publish one listing; return 1. The database refuses what may not be."""
    return _publish(session, user_id, ListingRow.id == listing_id)


def _publish(session: Session, user_id: int, *conditions: sa.ColumnElement[bool]) -> int:
    statement = (
        update(ListingRow)
        .where(*conditions)
        .values(state=ListingState.PUBLISHED, version=ListingRow.version + 1)
        .returning(ListingRow.id, ListingRow.version)
        .execution_options(synchronize_session=False)
    )
    published = session.execute(statement).all()
    session.add_all(
        PublicationRow(listing_id=listing_id, listing_version=version, user_id=user_id)
        for listing_id, version in published
    )
    return len(published)


def _decided(batch_id: int) -> list[sa.ColumnElement[bool]]:
    return [ListingRow.batch_id == batch_id, ListingRow.state.in_(PUBLISHABLE)]


def _is_blocking() -> list[sa.ColumnElement[bool]]:
    return [FlagRow.state == FlagState.OPEN, FlagRow.severity == FlagSeverity.BLOCK]


def _is_blocked() -> sa.ColumnElement[bool]:
    return sa.exists().where(FlagRow.listing_id == ListingRow.id, *_is_blocking())
