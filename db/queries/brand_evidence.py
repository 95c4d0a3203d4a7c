"""What speaks for listings being copies, and what people made of it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.rows import (
    BatchRow,
    BrandEvidenceRow,
    BrandOutcomeRow,
    BrandReferenceRow,
    BrandRow,
    ImageRow,
    ListingRow,
    UserRow,
)
from db.states import ListingState


class FoundEvidence(NamedTuple):
    """A piece of evidence with what a card shows beside it; ``outcome`` is None while it is open.

    ``file`` is the SHA-256 of the listing's photo, ``reference_file`` that of the reference.
    """

    row: BrandEvidenceRow
    brand: str
    sku: str
    title: str
    batch: str
    file: str | None
    reference_file: str | None
    reference_kind: str | None
    outcome: str | None
    settled_by: str | None
    settled_at: datetime | None


class Settled(NamedTuple):
    """Pieces of evidence of a kind that were settled, and how many of them were confirmed."""

    kind: str
    settled: int
    confirmed: int


def list_evidence(
    session: Session, *, is_settled: bool, limit: int, before_id: int | None = None
) -> Sequence[FoundEvidence]:
    """Return evidence, the newest first: what holds and is open, or what was settled.

    What speaks against a listing that was rejected is not open while that is so.

    Args:
        before_id: Last id of the page before; None starts over.
    """
    query = _found().where(_condition(is_settled)).order_by(BrandEvidenceRow.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(BrandEvidenceRow.id < before_id)
    return [FoundEvidence._make(row) for row in session.execute(query)]


def find_evidence(session: Session, *, evidence_id: int) -> FoundEvidence | None:
    row = session.execute(_found().where(BrandEvidenceRow.id == evidence_id)).one_or_none()
    return None if row is None else FoundEvidence._make(row)


def count_evidence(session: Session, *, is_settled: bool) -> int:
    query = (
        select(func.count())
        .select_from(BrandEvidenceRow)
        .join(ListingRow, ListingRow.id == BrandEvidenceRow.listing_id)
        .outerjoin(BrandOutcomeRow, BrandOutcomeRow.id == _latest())
        .where(_condition(is_settled))
    )
    return session.scalars(query).one()


def find_for_update(
    session: Session, *, evidence_id: int
) -> tuple[BrandEvidenceRow, str | None] | None:
    """Find a piece of evidence and the outcome that holds; lock it for the transaction."""
    row = session.get(BrandEvidenceRow, evidence_id, with_for_update=True, populate_existing=True)
    if row is None:
        return None
    return row, map_outcomes(session, evidence_ids=[evidence_id]).get(evidence_id)


def map_outcomes(session: Session, *, evidence_ids: Collection[int]) -> Mapping[int, str]:
    """Return the outcomes that hold, by evidence; open ones are left out."""
    query = (
        select(BrandEvidenceRow.id, BrandOutcomeRow.outcome)
        .join(BrandOutcomeRow, BrandOutcomeRow.id == _latest())
        .where(BrandEvidenceRow.id.in_(evidence_ids), BrandOutcomeRow.outcome.is_not(None))
    )
    return {id_: outcome for id_, outcome in session.execute(query) if outcome is not None}


def list_of_listings(session: Session, *, listing_ids: Collection[int]) -> Sequence[Any]:
    """Return the rows of the listings, withdrawn ones, too, locked for the transaction."""
    query = (
        select(BrandEvidenceRow)
        .where(BrandEvidenceRow.listing_id.in_(listing_ids))
        .order_by(BrandEvidenceRow.id)
        .with_for_update()
    )
    return session.scalars(query).all()


def count_settled(session: Session) -> Sequence[Settled]:
    """Count what was settled, by kind; kinds without any are left out."""
    confirmed = sa.case((BrandOutcomeRow.outcome == "confirmed", 1), else_=0)
    query = (
        select(BrandEvidenceRow.kind, func.count(), func.sum(confirmed))
        .join(BrandOutcomeRow, BrandOutcomeRow.id == _latest())
        .where(BrandOutcomeRow.outcome.is_not(None))
        .group_by(BrandEvidenceRow.kind)
    )
    return [Settled._make(row) for row in session.execute(query)]


def _condition(is_settled: bool) -> sa.ColumnElement[bool]:
    if is_settled:
        return BrandOutcomeRow.outcome.is_not(None)
    return sa.and_(
        BrandOutcomeRow.outcome.is_(None),
        BrandEvidenceRow.withdrawn_at.is_(None),
        ListingRow.state != ListingState.REJECTED,
    )


def _latest() -> sa.ScalarSelect[Any]:
    return (
        select(func.max(BrandOutcomeRow.id))
        .where(BrandOutcomeRow.evidence_id == BrandEvidenceRow.id)
        .correlate(BrandEvidenceRow)
        .scalar_subquery()
    )


def _found() -> Any:
    return (
        select(
            BrandEvidenceRow,
            BrandRow.name,
            ListingRow.sku,
            ListingRow.title,
            BatchRow.name,
            ImageRow.sha256,
            BrandReferenceRow.sha256,
            BrandReferenceRow.kind,
            BrandOutcomeRow.outcome,
            UserRow.name,
            BrandOutcomeRow.created_at,
        )
        .join(BrandRow, BrandRow.id == BrandEvidenceRow.brand_id)
        .join(ListingRow, ListingRow.id == BrandEvidenceRow.listing_id)
        .join(BatchRow, BatchRow.id == ListingRow.batch_id)
        .outerjoin(ImageRow, ImageRow.id == BrandEvidenceRow.image_id)
        .outerjoin(BrandReferenceRow, BrandReferenceRow.id == BrandEvidenceRow.reference_id)
        .outerjoin(BrandOutcomeRow, BrandOutcomeRow.id == _latest())
        .outerjoin(UserRow, UserRow.id == BrandOutcomeRow.user_id)
    )
