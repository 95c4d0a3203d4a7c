"""Overview and batches: counts of what stands where."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import NotFoundError
from core.flags import FLAG_KINDS
from core.services.batches import owner_seen_by, sees
from db.engine import reading
from db.queries import dashboard as queries
from db.rows import BatchRow
from db.states import ListingState

MAX_BATCHES = 500
PHOTOS_A_FLAG = 8

WAITING = (ListingState.RECEIVED, ListingState.PROCESSING)


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """A batch in numbers.

    Attributes:
        states: Listings in each state; states without any are left out.
        flags: Listings with each open flag, by its key, in the order of the flag table.
        refused: Files that did not come in.
    """

    id: int
    name: str
    source: str
    created_at: datetime
    created_by: str
    states: Mapping[ListingState, int]
    flags: Mapping[str, int]
    refused: int

    @property
    def listings(self) -> int:
        return sum(self.states.values())

    @property
    def waiting(self) -> int:
        """Listings that the models have not seen yet."""
        return sum(self.states.get(state, 0) for state in WAITING)

    @property
    def to_review(self) -> int:
        return self.states.get(ListingState.NEEDS_REVIEW, 0)

    @property
    def decided(self) -> int:
        return self.listings - self.waiting - self.to_review


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that did not come in, and why."""

    name: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class FlaggedPhoto:
    listing_id: int
    sku: str
    sha256: str


@dataclass(frozen=True, slots=True)
class BatchDetail:
    """One batch.

    Attributes:
        flagged: The worst photos of each open flag, by its key.
    """

    summary: BatchSummary
    refusals: tuple[Refusal, ...]
    flagged: Mapping[str, tuple[FlaggedPhoto, ...]]


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything together: listings in each state, over all batches."""

    batches: int
    states: Mapping[ListingState, int]

    @property
    def is_empty(self) -> bool:
        return self.batches == 0


def get_overview(engine: sa.Engine, *, actor: Actor) -> Overview:
    """Return what stands where, over all batches that the actor sees.

    Raises:
        ForbiddenError: The actor may not look.
    """
    require(actor, "look")
    with reading(engine) as session:
        counts = queries.count_states(session, owner=owner_seen_by(actor))
    states: Counter[ListingState] = Counter()
    for _, state, count in counts:
        states[ListingState(state)] += count
    return Overview(batches=len({batch_id for batch_id, _, _ in counts}), states=states)


def list_batches(
    engine: sa.Engine, *, actor: Actor, limit: int = MAX_BATCHES
) -> tuple[BatchSummary, ...]:
    """Return the batches that the actor sees, the newest first.

    Raises:
        ForbiddenError: The actor may not look.
    """
    require(actor, "look")
    with reading(engine) as session:
        found = queries.list_batches(session, owner=owner_seen_by(actor), limit=limit)
        return _summaries(session, found)


def list_batch_names(
    engine: sa.Engine, *, actor: Actor, limit: int = MAX_BATCHES
) -> Mapping[int, str]:
    """Return names by batch id, of those that the actor sees, the newest first.

    Raises:
        ForbiddenError: The actor may not look.
    """
    require(actor, "look")
    with reading(engine) as session:
        found = queries.list_batches(session, owner=owner_seen_by(actor), limit=limit)
        return {batch.id: batch.name for batch, _ in found}


def get_batch(engine: sa.Engine, *, actor: Actor, batch_id: int) -> BatchDetail:
    """Return one batch.

    Raises:
        ForbiddenError: The actor may not look.
        NotFoundError: The actor sees no batch of this id.
    """
    require(actor, "look")
    with reading(engine) as session:
        found = queries.find_batch(session, batch_id=batch_id)
        if found is None or not sees(actor, found[0]):
            raise NotFoundError(f"no batch {batch_id}")
        summary = _summaries(session, [found])[0]
        return BatchDetail(
            summary=summary,
            refusals=tuple(Refusal(**refusal) for refusal in found[0].refusals),
            flagged={kind: _flagged(session, batch_id, kind) for kind in summary.flags},
        )


def _summaries(
    session: Session, batches: Sequence[tuple[BatchRow, str]]
) -> tuple[BatchSummary, ...]:
    ids = [batch.id for batch, _ in batches]
    states: dict[int, dict[ListingState, int]] = defaultdict(dict)
    for batch_id, state, count in queries.count_states(session, batch_ids=ids):
        states[batch_id][ListingState(state)] = count
    flags: dict[int, dict[str, int]] = defaultdict(dict)
    for batch_id, kind, count in queries.count_flags(session, batch_ids=ids):
        flags[batch_id][kind] = count
    return tuple(
        _summary(batch, name, states[batch.id], flags[batch.id]) for batch, name in batches
    )


def _summary(
    batch: BatchRow, created_by: str, states: Mapping[ListingState, int], flags: Mapping[str, int]
) -> BatchSummary:
    return BatchSummary(
        id=batch.id,
        name=batch.name,
        source=batch.source,
        created_at=batch.created_at,
        created_by=created_by,
        states=states,
        flags={kind: flags[kind] for kind in FLAG_KINDS if kind in flags},
        refused=len(batch.refusals),
    )


def _flagged(session: Session, batch_id: int, kind: str) -> tuple[FlaggedPhoto, ...]:
    photos = queries.list_flagged_photos(session, batch_id=batch_id, kind=kind, limit=PHOTOS_A_FLAG)
    return tuple(FlaggedPhoto(*photo) for photo in photos)
