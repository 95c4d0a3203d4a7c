"""What a shopper of the shop liked and viewed: kept for a year, or until they want it gone.

A shopper is known by what the shop calls them, and by nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from core.actors import Actor, require
from core.errors import InvalidInputError, NotFoundError
from core.recommendation.profile import INTERACTION_KINDS, MAX_AGE_DAYS
from db.engine import erasing, reading, transaction
from db.queries import interactions as queries

MAX_SHOPPER_CHARACTERS = 200

KEPT_FOR = timedelta(days=MAX_AGE_DAYS)
"""What is older counts no more, and is deleted by the worker."""

CLOCK_SKEW = timedelta(minutes=5)
"""The shop's clock may be ahead of ours by so much."""

_DELETED_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class NewInteraction:
    """Something that a shopper did; ``at`` None is now."""

    listing_id: int
    kind: str
    at: datetime | None = None


def record(
    engine: sa.Engine, *, actor: Actor, shopper: str, interactions: Sequence[NewInteraction]
) -> int:
    """Keep what a shopper did; return how much of it was new. Sent again, it changes nothing.

    What is older than ``KEPT_FOR`` is not kept.

    Raises:
        ForbiddenError: The actor may not recommend.
        InvalidInputError: There is no such kind or time, it is yet to come, or the shopper has no
            name or too long a one.
        NotFoundError: No listing has one of the ids; then nothing is kept.
    """
    require(actor, "recommend")
    require_shopper(shopper)
    now = datetime.now(UTC)
    dated = [(each, _require_past(each.at or now, now)) for each in interactions]
    values = [
        {
            "shopper": shopper,
            "listing_id": each.listing_id,
            "kind": _require_kind(each.kind),
            "at": at,
        }
        for each, at in dated
        if at >= now - KEPT_FOR
    ]
    wanted = {each.listing_id for each in interactions}
    with transaction(engine) as session:
        unknown = wanted - queries.list_listings(session, listing_ids=wanted)
        if unknown:
            raise NotFoundError(f"no listing {min(unknown)}; nothing was kept")
        return queries.insert_interactions(session, values=values)


def wipe(engine: sa.Engine, *, actor: Actor, shopper: str) -> int:
    """Delete everything that is kept of a shopper; return how much that was.

    Raises:
        ForbiddenError: The actor may not recommend.
        InvalidInputError: The shopper's name is none that can be.
    """
    require(actor, "recommend")
    require_shopper(shopper)
    with erasing(engine) as session:
        return queries.delete_shopper(session, shopper=shopper)


def forget_old(engine: sa.Engine) -> int:
    """Delete some of what nobody is to know any more; return how much. The worker asks for it.

    That is what is older than ``KEPT_FOR``, or was said to be of a future day before that was
    refused.
    """
    now = datetime.now(UTC)
    since, until = now - KEPT_FOR, now + CLOCK_SKEW
    with reading(engine) as session:
        if not queries.has_outside(session, since=since, until=until):
            return 0
    with erasing(engine) as session:
        return queries.delete_outside(session, since=since, until=until, limit=_DELETED_AT_ONCE)


def require_shopper(shopper: str) -> None:
    """Raise InvalidInputError when no shopper can be called so."""
    if not 0 < len(shopper) <= MAX_SHOPPER_CHARACTERS or not shopper.isprintable():
        raise InvalidInputError(
            f"a shopper called {shopper!r}; give 1 to {MAX_SHOPPER_CHARACTERS} printable characters"
        )


def _require_past(at: datetime, now: datetime) -> datetime:
    try:
        found = at.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInputError(f"{at.isoformat()} is no time in UTC; correct it") from error
    if found > now + CLOCK_SKEW:
        raise InvalidInputError(
            f"{at.isoformat()} is yet to come: here it is {now.isoformat(timespec='seconds')};"
            " send what a shopper did, or set the clock"
        )
    return found


def _require_kind(kind: str) -> str:
    if kind not in INTERACTION_KINDS:
        raise InvalidInputError(
            f"no interaction is of the kind {kind!r}; there are {', '.join(INTERACTION_KINDS)}"
        )
    return kind
