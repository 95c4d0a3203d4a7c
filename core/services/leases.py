"""Leases: a listing that one reviewer has before them is not given to another.

A lease is for a minute and is renewed while the listing is on screen. Who closes the laptop
stops renewing, so nobody waits longer than that.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import InvalidInputError, LeasedError
from db.base import utc_now
from db.engine import transaction
from db.queries import leases as queries
from db.rows import ListingRow

OPEN_STATES = queries.OPEN_STATES
LEASE_S = 60.0
MAX_LEASES = 50  # that one reviewer renews at once


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody else has the listing before them."""

    listing_id: int
    by: str


def renew(
    engine: sa.Engine, *, actor: Actor, listing_ids: Collection[int], lease_s: float = LEASE_S
) -> tuple[Holder, ...]:
    """Hold the listings for another minute; return those that somebody else holds.

    What is decided is not held.

    Raises:
        ForbiddenError: The actor may not review.
        InvalidInputError: They are more than ``MAX_LEASES``.
    """
    require(actor, "review")
    if len(listing_ids) > MAX_LEASES:
        raise InvalidInputError(
            f"{len(listing_ids)} listings are too many to hold; at most {MAX_LEASES} are held"
        )
    with transaction(engine) as session:
        take(session, actor=actor, listing_ids=listing_ids, lease_s=lease_s)
        holders = queries.map_holders(
            session, listing_ids=listing_ids, other_than=actor.id, now=utc_now()
        )
    return tuple(Holder(listing_id, by) for listing_id, by in holders.items())


def release(engine: sa.Engine, *, actor: Actor, listing_ids: Collection[int]) -> None:
    """Give listings back, so that others get them at once.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    with transaction(engine) as session:
        queries.release(session, listing_ids=listing_ids, user_id=actor.id)


def take(
    session: Session, *, actor: Actor, listing_ids: Collection[int], lease_s: float = LEASE_S
) -> set[int]:
    """Hold those of the listings that are open and that nobody else holds; return them."""
    now = utc_now()
    until = now + timedelta(seconds=lease_s)
    return queries.take(session, listing_ids=listing_ids, user_id=actor.id, now=now, until=until)


def end(session: Session, *, actor: Actor, listing: ListingRow) -> None:
    """End what the actor holds of a listing that is done with."""
    queries.release(session, listing_ids=[listing.id], user_id=actor.id)


def require_free(session: Session, *, actor: Actor, listing: ListingRow) -> None:
    """Raise LeasedError if somebody else has the listing before them."""
    holders = queries.map_holders(
        session, listing_ids=[listing.id], other_than=actor.id, now=utc_now()
    )
    if holders:
        raise LeasedError(
            f"{holders[listing.id]} is looking at {listing.sku!r} now; it comes back to you if "
            "they leave it undecided"
        )
