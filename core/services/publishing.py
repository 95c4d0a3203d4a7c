"""Publish what was decided. A listing with an open blocking flag stays behind.

The services refuse it with the flags by name; behind them the database refuses it too
(trigger ``listings_publish``), whoever asks. What is published stays so.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import ConflictError, NotFoundError
from core.flags import FLAG_KINDS
from core.services.batches import require_batch, sees
from db.engine import reading, transaction
from db.queries import publishing as queries
from db.queries import review as review_queries
from db.rows import BatchRow

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Readiness:
    """What of a batch may be published.

    Attributes:
        ready: Accepted and corrected listings that no flag holds back.
        blocked: Those that an open blocking flag holds back.
        blocked_by: Of those, how many each kind of flag holds back; one may have several.
    """

    ready: int
    blocked: int
    blocked_by: Mapping[str, int]

    @property
    def what_stays(self) -> str:
        """Say how many stay behind and why; empty when none does."""
        if not self.blocked:
            return ""
        verb = "listing stays" if self.blocked == 1 else "listings stay"
        kinds = (f"{FLAG_KINDS[kind].label} ({count:,})" for kind, count in self.blocked_by.items())
        return (
            f"{self.blocked:,} decided {verb} behind, with open flags that block: "
            f"{', '.join(kinds)}. Where a flag is wrong, say so on the review page."
        )


def get_readiness(engine: sa.Engine, *, actor: Actor, batch_id: int) -> Readiness:
    """Return what of the batch may be published.

    Raises:
        ForbiddenError: The actor may not look.
        NotFoundError: No batch has this id.
    """
    require(actor, "look")
    with reading(engine) as session:
        require_batch(session, actor, batch_id)
        return _readiness(session, batch_id)


def publish_batch(engine: sa.Engine, *, actor: Actor, batch_id: int) -> tuple[int, Readiness]:
    """Publish every listing of the batch that may be; return how many, and what is left.

    Raises:
        ForbiddenError: The actor may not publish.
        NotFoundError: No batch has this id.
    """
    require(actor, "publish")
    with transaction(engine) as session:
        require_batch(session, actor, batch_id)
        queries.lock_decided(session, batch_id=batch_id)
        published = queries.publish_ready(session, batch_id=batch_id, user_id=actor.id)
        left = _readiness(session, batch_id)
    log.info("%s published %d listings of batch %d", actor.name, published, batch_id)
    return published, left


def publish(engine: sa.Engine, *, actor: Actor, listing_id: int) -> None:
    """Publish one listing.

    Raises:
        ConflictError: It is not decided, or open flags, which are named, block it.
        ForbiddenError: The actor may not publish.
        NotFoundError: No listing has this id.
    """
    require(actor, "publish")
    with transaction(engine) as session:
        listing = review_queries.find_listing_for_update(session, listing_id=listing_id)
        batch = None if listing is None else session.get_one(BatchRow, listing.batch_id)
        if listing is None or batch is None or not sees(actor, batch):
            raise NotFoundError(f"no listing {listing_id}")
        if listing.state not in queries.PUBLISHABLE:
            raise ConflictError(
                f"{listing.sku!r} is {listing.state}; only what is accepted or corrected is "
                "published"
            )
        kinds = queries.list_blocking_kinds(session, listing_id=listing_id)
        if kinds:
            labels = ", ".join(FLAG_KINDS[kind].label for kind in kinds)
            raise ConflictError(
                f"{listing.sku!r} has open flags that block it: {labels}; where a flag is "
                "wrong, say so on the review page"
            )
        queries.publish_listing(session, listing_id=listing_id, user_id=actor.id)
    log.info("%s published listing %d", actor.name, listing_id)


def _readiness(session: Session, batch_id: int) -> Readiness:
    counts = dict(queries.count_blocking_kinds(session, batch_id=batch_id))
    return Readiness(
        ready=queries.count_ready(session, batch_id=batch_id),
        blocked=queries.count_blocked(session, batch_id=batch_id),
        blocked_by={kind: counts[kind] for kind in FLAG_KINDS if kind in counts},
    )
