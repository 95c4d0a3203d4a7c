"""The chain of decisions: each new one is linked to the one before, and all can be checked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import InvalidInputError
from core.ledger import BEGINNING, Chain, link
from db.base import utc_now
from db.engine import reading
from db.queries import ledger as queries
from db.rows import DecisionRow

_PAGE_SIZE = 1000
_HEAD_LENGTH = 64


@dataclass(frozen=True, slots=True)
class BrokenDecision:
    """The first decision that is not as it was made, or does not follow the one before it."""

    id: int
    key: str
    kind: str
    listing_id: int
    sku: str
    by: str
    at: datetime

    def __str__(self) -> str:
        return (
            f"decision {self.id} ({self.kind} of {self.sku or 'a listing that is gone'}, "
            f"listing {self.listing_id}, by {self.by or 'a user who is gone'}, "
            f"{self.at:%Y-%m-%d %H:%M:%S} UTC, key {self.key})"
        )


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of the chain found.

    Attributes:
        sound: Decisions from the first on that are as they were made.
        head: Digest of the last of them. Written down elsewhere, it proves later that none of
            them was changed, taken out or made anew.
        broken: The first one that is not; None while all are sound.
        missing: Of the digests asked for, those that no sound decision has.
    """

    sound: int
    head: str
    broken: BrokenDecision | None
    missing: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        return self.broken is None and not self.missing


def append(session: Session, row: DecisionRow) -> None:
    """Add a decision, linked to the last one; nobody else adds one before the transaction ends."""
    queries.lock_chain(session)
    row.created_at = utc_now()
    row.digest = link(queries.find_last_digest(session) or BEGINNING, _entry(row))
    session.add(row)
    session.flush()


def verify(
    engine: sa.Engine,
    *,
    actor: Actor,
    heads: Iterable[str] = (),
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Verification:
    """Follow the chain from the first decision to the last, or to the first that is broken.

    Args:
        heads: Digests that earlier checks gave.
        on_progress: Called with decisions checked and decisions in all.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        InvalidInputError: A head is no digest.
    """
    require(actor, "dashboards")
    wanted = {head.strip().lower() for head in heads}
    for head in wanted:
        _check_head(head)
    chain = Chain(missing=wanted)
    with reading(engine) as session:
        total, last, done = queries.count_links(session), 0, 0
        while rows := queries.list_links(session, after_id=last, limit=_PAGE_SIZE):
            if not chain.follow((_entry(row), row.digest) for row in rows):
                break
            last, done = rows[-1].id, done + len(rows)
            on_progress(done, max(total, done))
            session.expunge_all()
        broken = _describe(session, rows[chain.count - done]) if chain.broken else None
    return Verification(chain.count, chain.head, broken, tuple(sorted(chain.missing)))


def _check_head(head: str) -> None:
    if len(head) != _HEAD_LENGTH or not set(head) <= set("0123456789abcdef"):
        raise InvalidInputError(
            f"{head!r} is no digest of a decision; it has {_HEAD_LENGTH} hexadecimal digits"
        )


def _entry(row: DecisionRow) -> dict[str, Any]:
    """Return all that a decision says; migrations/versions/0011 has a copy of it."""
    return {
        "key": row.key,
        "listing_id": row.listing_id,
        "listing_version": row.listing_version,
        "user_id": row.user_id,
        "kind": str(row.kind),
        "category_id": row.category_id,
        "undoes_id": row.undoes_id,
        "shown": row.shown or {},
        "active_ms": row.active_ms or 0,
        "at": row.created_at.isoformat(timespec="microseconds"),
    }


def _describe(session: Session, row: DecisionRow) -> BrokenDecision:
    sku, by = queries.find_names(session, decision=row)
    return BrokenDecision(row.id, row.key, row.kind, row.listing_id, sku, by, row.created_at)
