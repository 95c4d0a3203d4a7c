"""What reviewers did, act by act."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from db.rows import DecisionRow, UserRow


class Act(NamedTuple):
    """One act of a reviewer; ``is_undone`` says that somebody took it back."""

    user_id: int
    name: str
    kind: str
    at: datetime
    active_ms: int
    is_undone: bool


def list_acts(
    session: Session,
    *,
    user_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Sequence[Act]:
    """Return acts by person, oldest first.

    Args:
        user_id: Of this person only.
        since: At this time or later; ``until`` before this time.
    """
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
        .where(*_asked_for(user_id, since, until))
        .order_by(UserRow.name, DecisionRow.user_id, DecisionRow.created_at, DecisionRow.id)
    )
    return [Act(*row) for row in session.execute(query)]


def _asked_for(
    user_id: int | None, since: datetime | None, until: datetime | None
) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if user_id is not None:
        conditions.append(DecisionRow.user_id == user_id)
    if since is not None:
        conditions.append(DecisionRow.created_at >= since)
    if until is not None:
        conditions.append(DecisionRow.created_at < until)
    return conditions
