"""What reviewers say of flags, and how often each kind of flag was right."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from db.rows import DecisionRow, FlagRow, ListingImageRow, ListingRow
from db.states import DecisionKind, FlagState

_DECIDING = (DecisionKind.ACCEPT, DecisionKind.CORRECT, DecisionKind.REJECT)


class KindCount(NamedTuple):
    """Flags of one kind that were looked at, and those among them that were said to be wrong."""

    kind: str
    looked_at: int
    wrong: int


def find_flagged_for_update(
    session: Session, *, listing_image_id: int, kind: str
) -> tuple[ListingRow, FlagRow] | None:
    """Find the flag and its listing; lock the listing's row until the transaction ends."""
    listing = session.scalar(
        select(ListingRow)
        .join(ListingImageRow, ListingImageRow.listing_id == ListingRow.id)
        .where(ListingImageRow.id == listing_image_id)
        .with_for_update(of=ListingRow)
    )
    flag = session.scalar(
        select(FlagRow).where(FlagRow.listing_image_id == listing_image_id, FlagRow.kind == kind)
    )
    return None if listing is None or flag is None else (listing, flag)


def count_by_kind(session: Session, *, kinds: Collection[str]) -> Sequence[KindCount]:
    """Count the flags that were looked at; kinds without any are left out.

    That is: shown when the listing was decided, by a decision that nobody took back, or said
    to be wrong. A listing decided as it was claimed says that its ``claimed_mismatch`` was wrong.
    """
    decided_as_claimed = (FlagRow.kind == "claimed_mismatch") & (
        ListingRow.decided_category_id == ListingRow.claimed_category_id
    )
    is_wrong = (FlagRow.state == FlagState.DISMISSED) | func.coalesce(
        decided_as_claimed, sa.false()
    )
    query = (
        select(FlagRow.kind, func.count(), func.sum(sa.case((is_wrong, 1), else_=0)))
        .join(ListingRow, ListingRow.id == FlagRow.listing_id)
        .where(FlagRow.kind.in_(kinds), is_wrong | _shown_when_decided(session))
        .group_by(FlagRow.kind)
    )
    return [KindCount(*row) for row in session.execute(query)]


def _shown_when_decided(session: Session) -> sa.ColumnElement[bool]:
    undoing = aliased(DecisionRow)
    return (
        select(DecisionRow.id)
        .outerjoin(undoing, undoing.undoes_id == DecisionRow.id)
        .where(
            DecisionRow.listing_id == FlagRow.listing_id,
            DecisionRow.kind.in_(_DECIDING),
            undoing.id.is_(None),
            _showed_kind(session),
        )
        .exists()
    )


def _showed_kind(session: Session) -> sa.ColumnElement[bool]:
    """Whether the kind stands in the decision's ``shown["flags"]``, on either database."""
    if session.get_bind().dialect.name == "postgresql":
        return func.jsonb_exists(DecisionRow.shown["flags"], FlagRow.kind)
    shown = func.json_each(DecisionRow.shown, "$.flags").table_valued("value")
    has_kind = select(shown.c.value).where(shown.c.value == FlagRow.kind)
    return has_kind.correlate(DecisionRow, FlagRow).exists()
