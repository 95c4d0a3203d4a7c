"""The queue: the next listings of any filter in any order, each a range of one index.

``listings`` and, where a flag is asked for, ``flagged_listings`` have an index for every set of
filters and every order (see ``db.indexes``), and each queue is a range of one. Only what goes
by value reads one range for each kind of work, and merges them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import nlargest
from typing import Any, NamedTuple, TypeAlias

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.rows import DecisionRow, FlaggedListingRow, LeaseRow, ListingRow
from db.states import ListingState

COUNT_LIMIT = 10_000  # counting further would cost a scan of a million rows
NO_CATEGORY = 0

_FIELDS = {"category": "category_id", "batch": "batch_id", "flag": "flag"}

Source: TypeAlias = type[ListingRow] | type[FlaggedListingRow]
Place: TypeAlias = tuple[float, int]  # order value and id of the listing that came last


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which listings; None leaves a field open. ``NO_CATEGORY`` is without a suggestion."""

    state: ListingState = ListingState.NEEDS_REVIEW
    batch_id: int | None = None
    category_id: int | None = None
    flag: str | None = None
    seller: str | None = None


class Viewer(NamedTuple):
    """Who asks, and when: what others have before them at that time is left out."""

    user_id: int
    now: datetime


class Entry(NamedTuple):
    """A listing of a queue: the part that it was found in, its order value, its id."""

    part: str
    value: float
    listing_id: int


def list_slice(
    session: Session,
    *,
    only: QueueFilter,
    order: str,
    viewer: Viewer,
    after: Mapping[str, Place],
    limit: int,
) -> Sequence[Entry]:
    """Return the next listings, the most doubtful first (``doubt``) or the oldest (``age``)."""
    query = _slice(only, order, viewer, after.get(""), limit)
    return [Entry("", *row) for row in session.execute(query)]


def list_by_value(
    session: Session,
    *,
    only: QueueFilter,
    seconds: Mapping[str, float],
    viewer: Viewer,
    after: Mapping[str, Place],
    limit: int,
) -> Sequence[Entry]:
    """Return those with the most expected errors a second, over all efforts of ``seconds``."""
    slices = [
        select(sa.literal(effort).label("part"), part)
        for effort in seconds
        for part in [_slice(only, "value", viewer, after.get(effort), limit, effort).subquery()]
    ]
    found = [Entry(*row) for row in session.execute(sa.union_all(*slices))]
    return nlargest(limit, found, key=lambda entry: (entry.value / seconds[entry.part], entry[2]))


def list_by_group(
    session: Session,
    *,
    only: QueueFilter,
    group: str,
    viewer: Viewer,
    after: Mapping[str, Place],
    limit: int,
) -> Sequence[Entry]:
    """Return the next listings group by group, the most doubtful of a group first.

    Groups descend, so that one index, read backwards, has groups and listings in their order.

    Args:
        group: ``category``, ``batch`` or ``flag``.
    """
    fixed = getattr(only, _FIELDS[group])
    if fixed is not None:
        query = _slice(only, "doubt", viewer, next(iter(after.values()), None), limit)
        return [Entry(str(fixed), *row) for row in session.execute(query)]
    last = str(NO_CATEGORY)
    entries: list[Entry] = []
    if last not in after:
        query = _grouped(only, group, viewer, after, limit)
        entries += [Entry(str(part), *row) for part, *row in session.execute(query)]
    if group == "category" and len(entries) < limit:
        without = replace(only, category_id=NO_CATEGORY)
        query = _slice(without, "doubt", viewer, after.get(last), limit - len(entries))
        entries += [Entry(last, *row) for row in session.execute(query)]
    return entries


def count_queue(session: Session, *, only: QueueFilter, flagged: bool = False) -> int:
    """Count what matches, up to ``COUNT_LIMIT``; with ``flagged`` what has an open flag."""
    if flagged or only.flag is not None:
        source: Source = FlaggedListingRow
    else:
        source = ListingRow
    some = select(_id_of(source)).where(*_matching(source, only)).limit(COUNT_LIMIT).subquery()
    counted = sa.distinct(some.c[0]) if flagged else some.c[0]
    return session.scalar(select(func.count(counted))) or 0


def list_present(
    session: Session, *, column: str, state: ListingState, limit: int
) -> Sequence[int | str]:
    """Return which batches, categories or sellers the listings of a state have, ascending.

    Args:
        column: ``batch_id``, ``suggested_category_id`` or ``seller``.
    """
    of = getattr(ListingRow, column)
    first = select(func.min(of).label("value")).where(ListingRow.state == state)
    steps = first.cte("steps", recursive=True)
    after = (
        select(func.min(of))
        .where(ListingRow.state == state, of > steps.c.value)
        .correlate(steps)
        .scalar_subquery()
    )
    steps = steps.union_all(select(after).where(steps.c.value.is_not(None)))
    query = select(steps.c.value).where(steps.c.value.is_not(None)).limit(limit)
    return session.scalars(query).all()


def map_active_ms(
    session: Session, *, efforts: Iterable[str], limit: int
) -> Mapping[str, Sequence[int]]:
    """Return by effort how long its latest decisions took."""
    latest = [
        select(DecisionRow.effort, DecisionRow.active_ms)
        .where(DecisionRow.effort == effort)
        .order_by(DecisionRow.id.desc())
        .limit(limit)
        .subquery()
        for effort in efforts
    ]
    found: defaultdict[str, list[int]] = defaultdict(list)
    for effort, active_ms in session.execute(sa.union_all(*(select(each) for each in latest))):
        found[effort].append(active_ms)
    return found


def _slice(
    only: QueueFilter,
    order: str,
    viewer: Viewer,
    place: Place | None,
    limit: int,
    effort: str | None = None,
) -> sa.Select[Any]:
    """(order value, listing id) of a range of one index: ``age`` ascends, the others descend."""
    source = FlaggedListingRow if only.flag is not None else ListingRow
    id_ = _id_of(source)
    values = {"doubt": source.doubt, "value": source.expected_errors, "age": sa.literal(0.0)}
    value: Any = values[order]
    query = select(value.label("value"), id_.label("id"))
    query = query.where(*_matching(source, only), id_.not_in(_held(viewer))).limit(limit)
    if effort is not None:
        query = query.where(source.effort == effort)
    if order == "age":
        return query.order_by(id_) if place is None else query.where(id_ > place[1]).order_by(id_)
    if place is not None:
        query = query.where(sa.tuple_(value, id_) < sa.tuple_(*place))
    return query.where(value.is_not(None)).order_by(value.desc(), id_.desc())


def _grouped(
    only: QueueFilter, group: str, viewer: Viewer, after: Mapping[str, Place], limit: int
) -> sa.Select[Any]:
    """(group, doubt, listing id) of a range of one index, all three descending."""
    flagged = group == "flag" or only.flag is not None
    source = FlaggedListingRow if flagged else ListingRow
    id_ = _id_of(source)
    columns = {"batch": source.batch_id, "category": source.suggested_category_id}
    column: Any = FlaggedListingRow.kind if group == "flag" else columns[group]
    query = select(column, source.doubt, id_).where(
        *_matching(source, only),
        column.is_not(None),
        source.doubt.is_not(None),
        id_.not_in(_held(viewer)),
    )
    for part, place in after.items():
        start = part if group == "flag" else int(part)
        query = query.where(sa.tuple_(column, source.doubt, id_) < sa.tuple_(start, *place))
    return query.order_by(column.desc(), source.doubt.desc(), id_.desc()).limit(limit)


def _id_of(source: Source) -> Any:
    return FlaggedListingRow.listing_id if source is FlaggedListingRow else ListingRow.id


def _matching(source: Source, only: QueueFilter) -> list[sa.ColumnElement[bool]]:
    conditions = [source.state == only.state]
    if only.flag is not None:
        conditions.append(FlaggedListingRow.kind == only.flag)
    if only.batch_id is not None:
        conditions.append(source.batch_id == only.batch_id)
    if only.seller is not None:
        conditions.append(source.seller == only.seller)
    if only.category_id == NO_CATEGORY:
        conditions.append(source.suggested_category_id.is_(None))
    elif only.category_id is not None:
        conditions.append(source.suggested_category_id == only.category_id)
    return conditions


def _held(viewer: Viewer) -> sa.Select[int]:
    """What others have before them."""
    return select(LeaseRow.listing_id).where(
        LeaseRow.until > viewer.now, LeaseRow.user_id != viewer.user_id
    )
