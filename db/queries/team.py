"""What reviewers did, act by act."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from db.rows import CheckAnswerRow, CheckRow, DecisionRow, UserRow


class Act(NamedTuple):
    """One act of a reviewer; ``is_undone`` says that somebody took it back.

    ``is_check`` is of an answer to a check, which is no decision on a listing.
    """

    user_id: int
    name: str
    kind: str
    at: datetime
    active_ms: int
    is_undone: bool
    is_check: bool


def list_acts(
    session: Session,
    *,
    user_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Sequence[Act]:
    """Return acts by person, oldest first; answers to checks are among them.

    Args:
        user_id: Of this person only.
        since: At this time or later; ``until`` before this time.
    """
    decisions = _list_decisions(session, user_id, since, until)
    answers = _list_answers(session, user_id, since, until)
    order = attrgetter("name", "user_id", "at")
    return sorted((*decisions, *answers), key=order)


def _list_decisions(
    session: Session, user_id: int | None, since: datetime | None, until: datetime | None
) -> Sequence[Act]:
    undoing = aliased(DecisionRow)
    query = (
        select(
            DecisionRow.user_id,
            UserRow.name,
            DecisionRow.kind,
            DecisionRow.created_at,
            DecisionRow.active_ms,
            undoing.id.is_not(None),
        )
        .join(UserRow, UserRow.id == DecisionRow.user_id)
        .outerjoin(undoing, undoing.undoes_id == DecisionRow.id)
        .where(*_asked_for(DecisionRow.user_id, DecisionRow.created_at, user_id, since, until))
        .order_by(DecisionRow.id)
    )
    return [Act(*row, is_check=False) for row in session.execute(query)]


def _list_answers(
    session: Session, user_id: int | None, since: datetime | None, until: datetime | None
) -> Sequence[Act]:
    undoing = aliased(CheckAnswerRow)
    at = CheckAnswerRow.created_at
    query = (
        select(
            CheckRow.user_id,
            UserRow.name,
            CheckAnswerRow.kind,
            at,
            CheckAnswerRow.active_ms,
            undoing.id.is_not(None),
        )
        .join(CheckRow, CheckRow.id == CheckAnswerRow.check_id)
        .join(UserRow, UserRow.id == CheckRow.user_id)
        .outerjoin(undoing, undoing.undoes_id == CheckAnswerRow.id)
        .where(*_asked_for(CheckRow.user_id, at, user_id, since, until))
        .order_by(CheckAnswerRow.id)
    )
    return [Act(*row, is_check=True) for row in session.execute(query)]


def _asked_for(
    by: InstrumentedAttribute[int],
    at: InstrumentedAttribute[datetime],
    user_id: int | None,
    since: datetime | None,
    until: datetime | None,
) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if user_id is not None:
        conditions.append(by == user_id)
    if since is not None:
        conditions.append(at >= since)
    if until is not None:
        conditions.append(at < until)
    return conditions
