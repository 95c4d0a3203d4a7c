"""The review queue: which listings come next by a policy, and who has them before them."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import InvalidInputError
from core.flags import FLAG_KINDS
from core.queue import (
    DEFAULT_POLICY,
    EFFORTS,
    POLICIES,
    Group,
    Policy,
    Position,
    read_position,
    write_position,
)
from core.services import checks, leases, masks, priorities
from core.services.review import REVIEW_STATES, Category, ReviewListing, load_listings
from core.services.texts import refuse_nul
from db.base import utc_now
from db.engine import reading, transaction
from db.queries import queue as queries
from db.queries import review as review_queries
from db.queries.queue import Entry, QueueFilter, Viewer
from db.states import ListingState

__all__ = [
    "LEASE_WINDOW",
    "MAX_QUEUE_LIMIT",
    "PAGE_WINDOW",
    "QueueFilter",
    "QueuePage",
    "count_left",
    "list_choices",
    "list_next",
    "take_next",
]

MAX_QUEUE_LIMIT = 50
LEASE_WINDOW = 12  # listings that are taken at once to be decided one by one
PAGE_WINDOW = 24  # those of a page, which are decided together; never more are taken at once
MAX_CHOICES = 1000
MAX_SELLER_CHARACTERS = 200
MAX_ID_DIGITS = 18
TRIES = 5  # others may be quicker that often


@dataclass(frozen=True, slots=True)
class QueuePage:
    """The next listings of a queue.

    Attributes:
        remaining: Listings that match in all, counted up to 10,000; None where it was not
            asked for.
        after: Where the next page starts; None when this was the last.
    """

    listings: tuple[ReviewListing, ...]
    remaining: int | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Choices:
    """What the listings of a state can be narrowed to."""

    categories: tuple[Category, ...]
    sellers: tuple[str, ...]


def list_next(
    engine: sa.Engine,
    *,
    actor: Actor,
    only: QueueFilter,
    policy: str = DEFAULT_POLICY,
    after: str | None = None,
    limit: int = 20,
) -> QueuePage:
    """Return the next listings of the queue that nobody else has before them.

    Args:
        policy: Key of ``POLICIES``.
        after: ``QueuePage.after`` of the previous page.

    Raises:
        ForbiddenError: The actor may not review.
        InvalidInputError: No such policy, or the filter names a state or a flag that is not
            reviewed.
    """
    require(actor, "review")
    row, place = _check(only, policy, after)
    size = min(max(limit, 1), MAX_QUEUE_LIMIT)
    with reading(engine) as session:
        found = find_entries(session, actor=actor, only=only, policy=row, after=place, limit=size)
        ids = [entry.listing_id for entry in found]
        return _page(session, actor, found, ids, only, row, place, size)


def take_next(
    engine: sa.Engine,
    *,
    actor: Actor,
    only: QueueFilter,
    policy: str = DEFAULT_POLICY,
    after: str | None = None,
    limit: int = LEASE_WINDOW,
    lease_s: float = leases.LEASE_S,
) -> QueuePage:
    """Return the next listings and hold them for the actor; no two reviewers get the same one.

    Listings that are decided are shown and not held. Checks of the actor may come among the
    others (see ``core.services.checks``).

    Raises:
        ForbiddenError: The actor may not review.
        InvalidInputError: No such policy, or the filter names a state or a flag that is not
            reviewed.
    """
    require(actor, "review")
    row, place = _check(only, policy, after)
    size = min(max(limit, 1), PAGE_WINDOW)
    for _ in range(TRIES):
        with transaction(engine) as session:
            found = find_entries(
                session, actor=actor, only=only, policy=row, after=place, limit=size
            )
            ids = [entry.listing_id for entry in found]
            if only.state in leases.OPEN_STATES:
                taken = leases.take(session, actor=actor, listing_ids=ids, lease_s=lease_s)
                ids = checks.give_out(
                    session,
                    actor=actor,
                    listing_ids=[id_ for id_ in dict.fromkeys(ids) if id_ in taken],
                    only=only,
                    by_flag=only.flag is not None or row.group == "flag",
                    is_start=after is None,
                )
        if ids or not found:
            break
    with reading(engine) as session:
        return _page(session, actor, found, ids, only, row, place, size)


def count_left(engine: sa.Engine, *, actor: Actor, only: QueueFilter, policy: str) -> int:
    """Count what is left in the queue, up to 10,000.

    Raises:
        ForbiddenError: The actor may not review.
        InvalidInputError: As for ``list_next``.
    """
    require(actor, "review")
    row, _ = _check(only, policy, None)
    with reading(engine) as session:
        return _count(session, only, row)


def list_choices(engine: sa.Engine, *, actor: Actor, state: ListingState) -> Choices:
    """Return the suggested categories, by path, and the sellers that listings of the state have.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    with reading(engine) as session:
        ids = queries.list_present(
            session, column="suggested_category_id", state=state, limit=MAX_CHOICES
        )
        paths = review_queries.map_category_paths(session, ids=[int(id_) for id_ in ids])
        sellers = queries.list_present(session, column="seller", state=state, limit=MAX_CHOICES)
    categories = sorted((Category(*item) for item in paths.items()), key=lambda each: each.path)
    return Choices(tuple(categories), tuple(str(seller) for seller in sellers if seller))


def find_entries(
    session: Session,
    *,
    actor: Actor,
    only: QueueFilter,
    policy: Policy,
    after: Position,
    limit: int,
) -> Sequence[Entry]:
    """Return the next entries of the queue, read from indexes alone."""
    viewer = Viewer(actor.id, utc_now())
    if policy.group is not None:
        return queries.list_by_group(
            session,
            only=only,
            group=policy.group,
            viewer=viewer,
            after=after,
            limit=limit,
        )
    if policy.order == "value":
        seconds = priorities.read_seconds(session)
        return queries.list_by_value(
            session, only=only, seconds=seconds, viewer=viewer, after=after, limit=limit
        )
    return queries.list_slice(
        session, only=only, order=policy.order, viewer=viewer, after=after, limit=limit
    )


def move_on(policy: Policy, after: Position, found: Sequence[Entry]) -> Position:
    """Return the place behind the entries: of the last group only, or of every kind of work."""
    reached = {entry.part: (entry.value, entry.listing_id) for entry in found}
    if policy.group is not None:
        return {found[-1].part: reached[found[-1].part]}
    return {**after, **reached}


def _check(only: QueueFilter, policy: str, after: str | None) -> tuple[Policy, Position]:
    check_filter(only)
    if policy not in POLICIES:
        raise InvalidInputError(f"no order {policy!r}; there are {', '.join(POLICIES)}")
    return POLICIES[policy], {} if after is None else _read(POLICIES[policy], after)


def check_filter(only: QueueFilter) -> None:
    """Raise InvalidInputError for a state or a flag not reviewed, or a seller that cannot be."""
    refuse_nul(seller=only.seller)
    if only.seller is not None and len(only.seller) > MAX_SELLER_CHARACTERS:
        raise InvalidInputError(
            f"no seller {only.seller[:40]!r}… of {len(only.seller):,} characters; the longest has "
            f"{MAX_SELLER_CHARACTERS}"
        )
    if only.state not in REVIEW_STATES:
        known = ", ".join(sorted(REVIEW_STATES))
        raise InvalidInputError(f"listings that are {only.state} are not reviewed; use {known}")
    if only.flag is not None and only.flag not in FLAG_KINDS:
        raise InvalidInputError(f"no flag {only.flag!r}; there are {', '.join(sorted(FLAG_KINDS))}")


def _read(policy: Policy, after: str) -> Position:
    """Read a place, and refuse one of another policy."""
    place = read_position(after)
    if policy.group is not None:
        fits = len(place) == 1 and all(_is_group(policy.group, part) for part in place)
    else:
        fits = place.keys() <= (EFFORTS.keys() if policy.order == "value" else {""})
    if not fits:
        raise InvalidInputError(f"{after[:100]!r} is no place in {policy.label!r}; start anew")
    return place


def _is_group(group: Group, part: str) -> bool:
    if group == "flag":
        return part in FLAG_KINDS
    return part.isascii() and part.isdigit() and len(part) <= MAX_ID_DIGITS


def _page(
    session: Session,
    actor: Actor,
    found: Sequence[Entry],
    ids: Sequence[int],
    only: QueueFilter,
    policy: Policy,
    after: Position,
    size: int,
) -> QueuePage:
    once = list(dict.fromkeys(ids))  # flag by flag, a listing with two flags comes twice
    return QueuePage(
        listings=masks.mask(session, actor=actor, listings=load_listings(session, once)),
        remaining=None if after else _count(session, only, policy),
        after=write_position(move_on(policy, after, found)) if len(found) == size else None,
    )


def _count(session: Session, only: QueueFilter, policy: Policy) -> int:
    return queries.count_queue(session, only=only, flagged=policy.group == "flag")
