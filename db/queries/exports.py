"""What an export reads, a page of listings at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from db.rows import CategoryRow, DecisionRow, FlagRow, ListingImageRow, ListingRow, UserRow
from db.states import DecisionKind, FlagState

_DECIDING = (DecisionKind.ACCEPT, DecisionKind.CORRECT, DecisionKind.REJECT)


@dataclass(frozen=True, slots=True)
class ListingPaths:
    """A listing with the paths of its categories."""

    listing: ListingRow
    claimed: str | None
    suggested: str | None
    decided: str | None


def list_listings(
    session: Session, *, batch_id: int, after_id: int, limit: int
) -> Sequence[ListingPaths]:
    """Return listings of the batch ordered by id.

    Args:
        after_id: Last id of the previous page; 0 starts over.
    """
    claimed, suggested, decided = (aliased(CategoryRow) for _ in range(3))
    query = (
        select(ListingRow, claimed.path, suggested.path, decided.path)
        .outerjoin(claimed, claimed.id == ListingRow.claimed_category_id)
        .outerjoin(suggested, suggested.id == ListingRow.suggested_category_id)
        .outerjoin(decided, decided.id == ListingRow.decided_category_id)
        .where(ListingRow.batch_id == batch_id, ListingRow.id > after_id)
        .order_by(ListingRow.id)
        .limit(limit)
    )
    return [ListingPaths(*row) for row in session.execute(query)]


def list_file_names(session: Session, *, listing_ids: Sequence[int]) -> Sequence[tuple[int, str]]:
    """Return (listing id, file name) of the photos, by listing and position."""
    query = (
        select(ListingImageRow.listing_id, ListingImageRow.file_name)
        .where(ListingImageRow.listing_id.in_(listing_ids))
        .order_by(ListingImageRow.listing_id, ListingImageRow.position)
    )
    return [(listing_id, file_name) for listing_id, file_name in session.execute(query)]


def list_flag_kinds(session: Session, *, listing_ids: Sequence[int]) -> Sequence[tuple[int, str]]:
    """Return (listing id, kind) of the flags that nobody dismissed, each kind once a listing."""
    query = (
        select(FlagRow.listing_id, FlagRow.kind)
        .distinct()
        .where(FlagRow.listing_id.in_(listing_ids), FlagRow.state != FlagState.DISMISSED)
        .order_by(FlagRow.listing_id, FlagRow.kind)
    )
    return [(listing_id, kind) for listing_id, kind in session.execute(query)]


def list_standing_decisions(
    session: Session, *, listing_ids: Sequence[int]
) -> Sequence[tuple[DecisionRow, str]]:
    """Return the decisions that nobody took back, with who made them, oldest first."""
    undoing = aliased(DecisionRow)
    query = (
        select(DecisionRow, UserRow.name)
        .join(UserRow, UserRow.id == DecisionRow.user_id)
        .outerjoin(undoing, undoing.undoes_id == DecisionRow.id)
        .where(
            DecisionRow.listing_id.in_(listing_ids),
            DecisionRow.kind.in_(_DECIDING),
            undoing.id.is_(None),
        )
        .order_by(DecisionRow.id)
    )
    return [(decision, name) for decision, name in session.execute(query)]
