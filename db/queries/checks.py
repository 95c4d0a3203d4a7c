"""Checks of reviewers: what was given out, what was answered, whose word was kept."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from db.queries.queue import NO_CATEGORY, QueueFilter
from db.rows import (
    CheckAnswerRow,
    CheckRow,
    CheckSharesRow,
    CheckVerdictRow,
    DecisionRow,
    FlagRow,
    ListingRow,
    UserRow,
)
from db.states import CATEGORISED, CheckKind, DecisionKind, ListingState

NAMING = (DecisionKind.ACCEPT, DecisionKind.CORRECT)
DECIDING = (*NAMING, DecisionKind.REJECT)
DECIDED = (*CATEGORISED, ListingState.REJECTED)
ANSWERED = (CheckKind.SECOND, CheckKind.PLANTED)
LATEST_DECISIONS = 1000  # checks are on some of these, so that no draw reads a long history
LATEST_CHECKS = 100  # of a reviewer; one that was left unanswered for longer comes no more


class HandedOut(NamedTuple):
    """A check, and whether it was answered; what was taken back is no answer."""

    check: CheckRow
    is_answered: bool


class Decided(NamedTuple):
    """A decision that a check may be on."""

    decision_id: int
    listing_id: int
    suggested_category_id: int | None


def find_shares(session: Session) -> CheckSharesRow | None:
    """Find the shares that hold."""
    return session.scalar(select(CheckSharesRow).order_by(CheckSharesRow.id.desc()).limit(1))


def list_handed_out(
    session: Session, *, user_id: int, listing_ids: Collection[int]
) -> Sequence[HandedOut]:
    """Return the user's checks on the listings, but those whose decision was taken back."""
    query = select(CheckRow, _is_answered()).where(
        CheckRow.user_id == user_id, CheckRow.listing_id.in_(listing_ids), ~_is_void()
    )
    return [HandedOut(*row) for row in session.execute(query)]


def list_waiting(
    session: Session, *, user_id: int, only: QueueFilter, limit: int
) -> Sequence[CheckRow]:
    """Return late checks of the user that wait for an answer and fit a view, the oldest first."""
    latest = (
        select(CheckRow.id)
        .where(CheckRow.user_id == user_id, CheckRow.kind.in_(ANSWERED))
        .order_by(CheckRow.id.desc())
        .limit(LATEST_CHECKS)
    )
    first = sa.select(sa.func.min(latest.subquery().c.id)).scalar_subquery()
    query = (
        select(CheckRow)
        .join(ListingRow, ListingRow.id == CheckRow.listing_id)
        .where(
            CheckRow.user_id == user_id,
            CheckRow.id >= first,
            CheckRow.kind.in_(ANSWERED),
            ~_is_answered(),
            ~_is_void(),
            *_in_view(only),
        )
    )
    return session.scalars(query.order_by(CheckRow.id).limit(limit)).all()


def list_decided(
    session: Session,
    *,
    user_id: int,
    only: QueueFilter,
    kinds: Collection[DecisionKind],
    without_flags: Collection[str] = (),
) -> Sequence[Decided]:
    """Return late decisions of others that stand, on listings that fit a view.

    Listings that were a check before, or that the user ever decided, are left out.

    Args:
        without_flags: Listings with a flag of these kinds are left out, too.
    """
    latest = (
        select(DecisionRow.id, DecisionRow.listing_id, DecisionRow.user_id, DecisionRow.kind)
        .order_by(DecisionRow.id.desc())
        .limit(LATEST_DECISIONS)
        .cte("latest")
    )
    # Listings are looked up one by one: joined, SQLite goes through all that are decided.
    listing = select(ListingRow.suggested_category_id).where(ListingRow.id == latest.c.listing_id)
    query = select(latest.c.id, latest.c.listing_id, listing.scalar_subquery()).where(
        latest.c.user_id != user_id,
        latest.c.kind.in_(kinds),
        listing.where(ListingRow.state.in_(DECIDED), *_in_view(only)).exists(),
        ~_is_undone(latest.c.id, DecisionRow),
        ~_was_a_check(latest.c.listing_id),
        ~_was_with(user_id, latest.c.listing_id),
    )
    if without_flags:
        flagged = select(FlagRow.id).where(
            FlagRow.listing_id == latest.c.listing_id, FlagRow.kind.in_(without_flags)
        )
        query = query.where(~flagged.exists())
    return [Decided(*row) for row in session.execute(query)]


def lock_reviewer(session: Session, *, user_id: int) -> None:
    """Let nobody else draw checks for the user until the transaction ends."""
    session.execute(select(UserRow.id).where(UserRow.id == user_id).with_for_update(key_share=True))


def lock_unchecked(session: Session, *, decided: Decided) -> bool:
    """Lock a listing that a check may be drawn on; False if somebody else was quicker.

    The second statement sees what was committed before the lock was had.
    """
    listing = select(ListingRow.id).where(ListingRow.id == decided.listing_id)
    if session.scalar(listing.with_for_update(skip_locked=True)) is None:
        return False
    stands = select(DecisionRow.id).where(
        DecisionRow.id == decided.decision_id, ~_is_undone(DecisionRow.id, DecisionRow)
    )
    was_checked = _was_a_check(ListingRow.id)
    query = listing.where(ListingRow.state.in_(DECIDED), ~was_checked, stands.exists())
    return session.scalar(query) is not None


def list_suggested(session: Session, *, listing_ids: Collection[int]) -> Mapping[int, int]:
    """Return the suggested category of those listings that have one."""
    query = select(ListingRow.id, ListingRow.suggested_category_id).where(
        ListingRow.id.in_(listing_ids), ListingRow.suggested_category_id.is_not(None)
    )
    return {id_: category_id for id_, category_id in session.execute(query) if category_id}


def find_answer(session: Session, *, key: str) -> tuple[CheckAnswerRow, CheckRow] | None:
    """Find an answer by the key that the client drew, with its check."""
    query = (
        select(CheckAnswerRow, CheckRow)
        .join(CheckRow, CheckRow.id == CheckAnswerRow.check_id)
        .where(CheckAnswerRow.key == key)
    )
    for answer, check in session.execute(query):
        return answer, check
    return None


def is_undone(session: Session, *, answer_id: int) -> bool:
    query = select(CheckAnswerRow.id).where(CheckAnswerRow.undoes_id == answer_id)
    return session.scalar(query) is not None


def find_verdict(session: Session, *, check_id: int) -> tuple[CheckVerdictRow, str] | None:
    """Find the last word on whose answer is kept, with who said it."""
    query = (
        select(CheckVerdictRow, UserRow.name)
        .join(UserRow, UserRow.id == CheckVerdictRow.user_id)
        .where(CheckVerdictRow.check_id == check_id)
        .order_by(CheckVerdictRow.id.desc())
        .limit(1)
    )
    for verdict, name in session.execute(query):
        return verdict, name
    return None


class Opinion(NamedTuple):
    """Two people on one listing: ``first`` decided it, ``second`` answered the check."""

    check: CheckRow
    answer: CheckAnswerRow
    second_name: str
    decision: DecisionRow
    first_name: str


def list_opinions(
    session: Session,
    *,
    user_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Sequence[Opinion]:
    """Return each check that was answered, with the decision that it is on, oldest first.

    Args:
        user_id: Either of the two is this person.
        since: Answered at this time or later; ``until`` before this time.
    """
    query = _opinions()
    if user_id is not None:
        query = query.where(sa.or_(CheckRow.user_id == user_id, DecisionRow.user_id == user_id))
    if since is not None:
        query = query.where(CheckAnswerRow.created_at >= since)
    if until is not None:
        query = query.where(CheckAnswerRow.created_at < until)
    return [Opinion(*row) for row in session.execute(query.order_by(CheckAnswerRow.id))]


def list_disagreements(
    session: Session, *, settled: bool, limit: int
) -> Sequence[tuple[Opinion, CheckVerdictRow | None, str | None]]:
    """Return where two said different things, the latest first, with the last verdict.

    Listings that are back in the queue are left out.
    """
    last = aliased(CheckVerdictRow)
    settler = aliased(UserRow)
    latest = (
        select(sa.func.max(CheckVerdictRow.id))
        .where(CheckVerdictRow.check_id == CheckRow.id)
        .scalar_subquery()
    )
    query = (
        _opinions()
        .add_columns(last, settler.name)
        .join(ListingRow, ListingRow.id == CheckRow.listing_id)
        .outerjoin(last, last.id == latest)
        .outerjoin(settler, settler.id == last.user_id)
        .where(
            *_differs(),
            ListingRow.state.in_(DECIDED),
            last.kept.is_not(None) if settled else last.kept.is_(None),
        )
        .order_by((last.id if settled else CheckAnswerRow.id).desc())
        .limit(limit)
    )
    return [(Opinion(*row[:5]), row[5], row[6]) for row in session.execute(query)]


def find_disagreement(session: Session, *, check_id: int) -> Opinion | None:
    """Find a check on which two said different things."""
    query = _opinions().where(CheckRow.id == check_id, *_differs())
    for row in session.execute(query):
        return Opinion(*row)
    return None


def list_hidden(
    session: Session,
    *,
    user_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Sequence[tuple[CheckRow, DecisionRow]]:
    """Return the decisions that stand of who was given a listing without its suggestion."""
    query = (
        select(CheckRow, DecisionRow)
        .join(
            DecisionRow,
            sa.and_(
                DecisionRow.listing_id == CheckRow.listing_id,
                DecisionRow.user_id == CheckRow.user_id,
            ),
        )
        .where(
            CheckRow.kind == CheckKind.HIDDEN,
            DecisionRow.kind.in_(DECIDING),
            ~_is_undone(DecisionRow.id, DecisionRow),
        )
        .order_by(DecisionRow.id)
    )
    if user_id is not None:
        query = query.where(CheckRow.user_id == user_id)
    if since is not None:
        query = query.where(DecisionRow.created_at >= since)
    if until is not None:
        query = query.where(DecisionRow.created_at < until)
    found = session.execute(query)
    return [(check, made) for check, made in found if made.shown.get("check") == check.kind]


def _opinions() -> Any:
    """Answers that stand, to checks that count."""
    second, first = aliased(UserRow), aliased(UserRow)
    verdict = select(CheckVerdictRow.id).where(CheckVerdictRow.check_id == CheckRow.id).exists()
    return (
        select(CheckRow, CheckAnswerRow, second.name, DecisionRow, first.name)
        .join(CheckAnswerRow, CheckAnswerRow.check_id == CheckRow.id)
        .join(second, second.id == CheckRow.user_id)
        .join(DecisionRow, DecisionRow.id == CheckRow.decision_id)
        .join(first, first.id == DecisionRow.user_id)
        .where(
            CheckAnswerRow.kind.in_(DECIDING),
            ~_is_undone(CheckAnswerRow.id, CheckAnswerRow),
            sa.or_(
                ~_is_undone(DecisionRow.id, DecisionRow), verdict
            ),  # settling may take the first back
        )
    )


def _differs() -> tuple[sa.ColumnElement[bool], ...]:
    """The two of a listing that was given to two say different things; rejected is no category."""
    one, other = DecisionRow.category_id, CheckAnswerRow.category_id
    different = sa.func.coalesce(one, NO_CATEGORY) != sa.func.coalesce(other, NO_CATEGORY)
    return CheckRow.kind == CheckKind.SECOND, different


def _is_undone(
    id_: sa.SQLColumnExpression[int], row_class: type[DecisionRow] | type[CheckAnswerRow]
) -> sa.ColumnElement[bool]:
    undoing = aliased(row_class)
    return select(undoing.id).where(undoing.undoes_id == id_).exists()


def _is_void() -> sa.ColumnElement[bool]:
    """The decision that the check is on was taken back."""
    undoing = aliased(DecisionRow)
    return select(undoing.id).where(undoing.undoes_id == CheckRow.decision_id).exists()


def _is_answered() -> sa.ColumnElement[bool]:
    answer, undoing = aliased(CheckAnswerRow), aliased(CheckAnswerRow)
    taken_back = select(undoing.id).where(undoing.undoes_id == answer.id).exists()
    return (
        select(answer.id)
        .where(answer.check_id == CheckRow.id, answer.kind.in_(DECIDING), ~taken_back)
        .exists()
    )


def _was_a_check(listing_id: sa.SQLColumnExpression[int]) -> sa.ColumnElement[bool]:
    check = aliased(CheckRow)
    return select(check.id).where(check.listing_id == listing_id, check.kind.in_(ANSWERED)).exists()


def _was_with(user_id: int, listing_id: sa.SQLColumnExpression[int]) -> sa.ColumnElement[bool]:
    """Whether the user ever decided it, read from the listing's few decisions, not the user's."""
    made = aliased(DecisionRow)
    return sa.literal(user_id).in_(select(made.user_id).where(made.listing_id == listing_id))


def _in_view(only: QueueFilter) -> list[sa.ColumnElement[bool]]:
    """What a view is narrowed to; what is asked for by a flag has no checks."""
    conditions: list[sa.ColumnElement[bool]] = []
    if only.batch_id is not None:
        conditions.append(ListingRow.batch_id == only.batch_id)
    if only.seller is not None:
        conditions.append(ListingRow.seller == only.seller)
    if only.category_id == NO_CATEGORY:
        conditions.append(ListingRow.suggested_category_id.is_(None))
    elif only.category_id is not None:
        conditions.append(ListingRow.suggested_category_id == only.category_id)
    return conditions
