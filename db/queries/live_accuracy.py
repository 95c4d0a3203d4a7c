"""What the models said of listings, against what people decided."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from db.rows import (
    CategoryRow,
    DecisionRow,
    ListingImageRow,
    ListingRow,
    ModelVersionRow,
    PredictionRow,
)
from db.states import CATEGORISED, DecisionKind

Period = Literal["day", "week"]

_NAMING = (DecisionKind.ACCEPT, DecisionKind.CORRECT)


class LiveCount(NamedTuple):
    """Decided listings of one day or week, and how many a version had right.

    ``period`` is its first day, ``YYYY-MM-DD``, UTC; weeks begin on Monday.
    """

    version_id: int
    arch: str
    digest: str
    period: str
    listings: int
    hits: int


def count_hits(
    session: Session,
    *,
    period: Period,
    since: datetime | None = None,
    until: datetime | None = None,
    words: Sequence[str] = (),
    group: str | None = None,
    version_ids: Sequence[int] = (),
) -> Sequence[LiveCount]:
    """Count listings by version and period of their decision, oldest first.

    A listing counts once, by its main photo; a version has it right when its likeliest
    category is the decided one. Decisions that were taken back do not count, and a
    prediction made after the decision does.

    Args:
        words: Each must stand in the path of the decided category, whatever its case.
        group: Path of the decided category's parent; one without a parent is its own.
    """
    started = _period_start(session, period)
    right = sa.case((PredictionRow.category_id == DecisionRow.category_id, 1), else_=0)
    query = (
        select(
            ModelVersionRow.id,
            ModelVersionRow.arch,
            ModelVersionRow.digest,
            started.label("period"),
            func.count(),
            func.sum(right),
        )
        .select_from(DecisionRow)
        .join(ListingRow, ListingRow.id == DecisionRow.listing_id)
        .join(
            ListingImageRow,
            sa.and_(ListingImageRow.listing_id == ListingRow.id, ListingImageRow.position == 0),
        )
        .join(PredictionRow, PredictionRow.listing_image_id == ListingImageRow.id)
        .join(ModelVersionRow, ModelVersionRow.id == PredictionRow.model_version_id)
        .where(*_in_force(), *_decided(since, until), *_in(words, group), *_of(version_ids))
        .group_by(ModelVersionRow.id, ModelVersionRow.arch, ModelVersionRow.digest, "period")
        .order_by("period", ModelVersionRow.id)
    )
    return [LiveCount(*row) for row in session.execute(query)]


def _in_force() -> list[sa.ColumnElement[bool]]:
    """The decision that the listing's category stands on: the latest, not taken back."""
    undoing, later = aliased(DecisionRow), aliased(DecisionRow)
    taken_back = select(undoing.id).where(undoing.undoes_id == DecisionRow.id).exists()
    superseded = (
        select(later.id)
        .where(
            later.listing_id == DecisionRow.listing_id,
            later.id > DecisionRow.id,
            later.kind.in_(_NAMING),
        )
        .exists()
    )
    return [
        DecisionRow.kind.in_(_NAMING),
        DecisionRow.category_id == ListingRow.decided_category_id,
        ListingRow.state.in_(CATEGORISED),
        ~taken_back,
        ~superseded,
    ]


def _decided(since: datetime | None, until: datetime | None) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if since is not None:
        conditions.append(DecisionRow.created_at >= since)
    if until is not None:
        conditions.append(DecisionRow.created_at < until)
    return conditions


def _of(version_ids: Sequence[int]) -> list[sa.ColumnElement[bool]]:
    return [PredictionRow.model_version_id.in_(version_ids)] if version_ids else []


def _in(words: Sequence[str], group: str | None) -> list[sa.ColumnElement[bool]]:
    conditions = [CategoryRow.path.icontains(word, autoescape=True) for word in words]
    if group is not None:
        parent = aliased(CategoryRow)
        id_ = select(parent.id).where(parent.path == group).scalar_subquery()
        is_own = sa.and_(CategoryRow.parent_id.is_(None), CategoryRow.path == group)
        conditions.append(sa.or_(CategoryRow.parent_id == id_, is_own))
    if not conditions:
        return []
    return [DecisionRow.category_id.in_(select(CategoryRow.id).where(*conditions))]


def _period_start(session: Session, period: Period) -> sa.ColumnElement[str]:
    """The first day of the decision's period, as text, on either database."""
    if session.get_bind().dialect.name == "postgresql":
        start = func.date_trunc(period, func.timezone("UTC", DecisionRow.created_at))
        return func.to_char(start, "YYYY-MM-DD")
    if period == "day":
        return func.date(DecisionRow.created_at)
    # From six days before to the Monday that follows: that of the same week.
    return func.date(DecisionRow.created_at, "-6 days", "weekday 1")
