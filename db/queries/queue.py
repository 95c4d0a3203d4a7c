"""The queue: the next listings of any filter in any order, each a range of one index.

``listings`` and, where a flag is asked for, ``flagged_listings`` have an index for every set of
filters and every order (see ``db.indexes``). A slice is a range of one; what goes group by
group walks from slice to slice, and what merges kinds of work takes one slice of each.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import nlargest
from itertools import dropwhile
from typing import Any, NamedTuple, TypeAlias

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.rows import DecisionRow, FlaggedListingRow, LeaseRow, ListingRow
from db.states import ListingState

COUNT_LIMIT = 10_000  # counting further would cost a scan of a million rows
NO_CATEGORY = 0

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
    part: str = "",
) -> Sequence[Entry]:
    """Return the next listings of one range of an index.

    Args:
        order: ``doubt`` and ``value`` descend, ``age`` ascends.
        part: For ``value`` the effort; otherwise only what the entries are called by.
        after: Where each part was left.
    """
    source = _source(only)
    id_ = _id_of(source)
    values = {"doubt": source.doubt, "value": source.expected_errors, "age": sa.literal(0.0)}
    value: Any = values[order]
    query = select(value, id_).where(*_matching(source, only), id_.not_in(_held(viewer)))
    if order == "age":
        query = query.order_by(id_)
    else:
        query = query.order_by(value.desc(), id_.desc()).where(value.is_not(None))
    if order == "value":
        query = query.where(source.effort == part)
    if part in after:
        place = after[part]
        last = id_ > place[1] if order == "age" else sa.tuple_(value, id_) < sa.tuple_(*place)
        query = query.where(last)
    return [Entry(part, *row) for row in session.execute(query.limit(limit))]


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
    found = [
        entry
        for effort in seconds
        for entry in list_slice(
            session,
            only=only,
            order="value",
            viewer=viewer,
            after=after,
            limit=limit,
            part=effort,
        )
    ]
    return nlargest(limit, found, key=lambda entry: (entry.value / seconds[entry.part], entry[2]))


def list_by_group(
    session: Session,
    *,
    only: QueueFilter,
    group: str,
    flags: Sequence[str],
    viewer: Viewer,
    after: Mapping[str, Place],
    limit: int,
) -> Sequence[Entry]:
    """Return the next listings group by group, the most doubtful of a group first.

    Args:
        group: ``category``, ``batch`` or ``flag``.
        flags: Kinds of flags in the order in which they are gone through.
    """
    entries: list[Entry] = []
    start = next(iter(after), None)
    for narrowed, part in _list_parts(session, only, group, flags, start):
        entries += list_slice(
            session,
            only=narrowed,
            order="doubt",
            viewer=viewer,
            after=after,
            limit=limit - len(entries),
            part=part,
        )
        if len(entries) == limit:
            break
    return entries


def count_queue(session: Session, *, only: QueueFilter, flags: Sequence[str] | None = None) -> int:
    """Count what matches, up to ``COUNT_LIMIT``; with ``flags`` what has one of them open."""
    if flags is None or only.flag is not None:
        source = _source(only)
        some = select(_id_of(source)).where(*_matching(source, only)).limit(COUNT_LIMIT).subquery()
        return session.scalar(select(func.count()).select_from(some)) or 0
    flagged = sa.union(
        *(
            select(
                select(FlaggedListingRow.listing_id)
                .where(*_matching(FlaggedListingRow, replace(only, flag=kind)))
                .limit(COUNT_LIMIT)
                .subquery()
            )
            for kind in flags
        )
    ).subquery()
    return min(COUNT_LIMIT, session.scalar(select(func.count()).select_from(flagged)) or 0)


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


def list_active_ms(session: Session, *, effort: str, limit: int) -> Sequence[int]:
    """Return how long the latest decisions of the effort took."""
    query = select(DecisionRow.active_ms).where(DecisionRow.effort == effort)
    return session.scalars(query.order_by(DecisionRow.id.desc()).limit(limit)).all()


def _source(only: QueueFilter) -> Source:
    return ListingRow if only.flag is None else FlaggedListingRow


def _id_of(source: Source) -> Any:
    return source.listing_id if source is FlaggedListingRow else ListingRow.id


def _matching(source: Source, only: QueueFilter) -> list[sa.ColumnElement[bool]]:
    conditions = [source.state == only.state]
    if source is FlaggedListingRow:
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


def _list_parts(
    session: Session, only: QueueFilter, group: str, flags: Sequence[str], start: str | None
) -> Iterator[tuple[QueueFilter, str]]:
    """Yield the filter of each group from ``start`` on, with its name."""
    field = "flag" if group == "flag" else f"{group}_id"
    fixed = getattr(only, field)
    if fixed is not None:
        yield only, str(fixed)
    elif group == "flag":
        for kind in dropwhile(lambda kind: start is not None and kind != start, flags):
            yield replace(only, flag=kind), kind
    else:
        for id_ in _walk(session, only, group, None if start is None else int(start)):
            is_batch = group == "batch"
            narrowed = replace(only, batch_id=id_) if is_batch else replace(only, category_id=id_)
            yield narrowed, str(id_)


def _walk(session: Session, only: QueueFilter, group: str, start: int | None) -> Iterator[int]:
    """Yield the categories or batches that have what matches, ascending; no category comes last."""
    source = _source(only)
    column: Any = source.batch_id if group == "batch" else source.suggested_category_id
    query = select(func.min(column)).where(*_matching(source, only))
    current = session.scalar(query) if start is None else start
    while current:
        yield current
        current = session.scalar(query.where(column > current))
    if group == "category":
        yield NO_CATEGORY
