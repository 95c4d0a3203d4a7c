"""Limits of the flags: what they would catch, who set them, and what follows."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import InvalidInputError
from core.flags import FLAG_LIMITS, FlagLimit, raise_flags
from core.quality.limits import branches_of
from core.services import chunks, jobs, priorities
from core.services.batches import require_batch
from core.services.chunks import Chunk
from core.services.held_limits import read_limits
from core.services.limit_sources import SOURCES, ask, gather, read
from core.services.states import UNDECIDED
from db.engine import reading, transaction
from db.queries import limits as queries
from db.queries import predictions as prediction_queries
from db.queries.limits import Measured

MAX_CHANGES = 50


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A limit as somebody set it.

    Attributes:
        category: Top of the branch that it is for; None for all categories.
        value: None goes back to the limit of the wider branch, in the end to the flag's own.
    """

    changed_at: datetime
    changed_by: str
    category: str | None
    value: float | None


@dataclass(frozen=True, slots=True)
class MeasuredPhoto:
    """A photo with what is held against the limit."""

    listing_id: int
    sku: str
    sha256: str
    value: float


@dataclass(frozen=True, slots=True)
class LimitView:
    """What a limit catches in a batch, as it is and at any other value.

    Attributes:
        key: Of ``FLAG_LIMITS``.
        limit: The one that holds for the branch asked for.
        photos: Those for which it holds and that have something to compare, the worst first.
        listings: How many listings were looked at.
        elsewhere: Listings of the branch for which the limit of a smaller branch holds.
        job: Kind of the job that renews the flags when the limit moves.
        changes: The newest first.
    """

    key: str
    limit: float
    photos: tuple[MeasuredPhoto, ...]
    listings: int
    elsewhere: int
    job: str
    changes: tuple[LimitChange, ...]

    def list_beyond(self, limit: float) -> tuple[MeasuredPhoto, ...]:
        """Return the photos that this limit would flag, those nearest to it last."""
        row = FLAG_LIMITS[self.key]
        return tuple(photo for photo in self.photos if row.is_beyond(photo.value, limit))


def get_limit(
    engine: sa.Engine,
    *,
    actor: Actor,
    key: str,
    batch_id: int,
    branch: str | None = None,
) -> LimitView:
    """Return what a limit catches in the batch, or in a branch of its categories.

    Raises:
        ForbiddenError: The actor may not look.
        InvalidInputError: No limit has this key.
        NotFoundError: The actor sees no batch of this id.
    """
    require(actor, "look")
    row = _require_limit(key)
    with reading(engine) as session:
        require_batch(session, actor, batch_id)
        measured = queries.list_measured(session, batch_id=batch_id)
        limits = read_limits(session)
        changes = queries.list_changes(session, kind=key, limit=MAX_CHANGES)
        inside = [
            each for each in measured if branch is None or branch in branches_of(each.category)
        ]
        wider = {*branches_of(branch), None}
        mine = [each for each in inside if limits.find_branch(key, each.category) in wider]
        values = read(session, row, batch_id=batch_id, measured=mine)
    found = limits.find(key, branch)
    return LimitView(
        key=key,
        limit=row.limit if found is None else found,
        photos=_sort_photos(row, mine, values),
        listings=len({each.listing_id for each in mine if each.photo_id in values}),
        elsewhere=len({each.listing_id for each in inside} - {each.listing_id for each in mine}),
        job=SOURCES[row.source].job,
        changes=tuple(LimitChange(*change) for change in changes),
    )


def list_branches(engine: sa.Engine, *, actor: Actor, batch_id: int) -> tuple[str, ...]:
    """Return the category paths for which a limit of their own makes sense in the batch.

    Raises:
        ForbiddenError: The actor may not look.
        NotFoundError: The actor sees no batch of this id.
    """
    require(actor, "look")
    with reading(engine) as session:
        require_batch(session, actor, batch_id)
        paths = queries.list_category_paths(session, batch_id=batch_id)
    return tuple(sorted({branch for path in paths for branch in branches_of(path)}))


def set_limit(
    engine: sa.Engine, *, actor: Actor, key: str, value: float | None, branch: str | None = None
) -> int | None:
    """Set a limit, and have the flags of undecided listings renewed by it.

    Args:
        value: None goes back to the limit of the wider branch, in the end to the flag's own.
        branch: Category path at the top of the branch it is for; None for all categories.

    Returns:
        The job that renews the flags; None where nothing is left to renew.

    Raises:
        ForbiddenError: The actor may not set thresholds.
        InvalidInputError: No such limit or category, or the value is out of its range.
    """
    require(actor, "tune")
    row = _require_limit(key)
    if value is not None:
        _require_in_range(row, value)
    with transaction(engine) as session:
        category_id = _find_branch(session, branch)
        queries.insert_limit(
            session, kind=key, category_id=category_id, value=value, user_id=actor.id
        )
        return ask(session, row, actor=actor)


def ask_values(engine: sa.Engine, *, actor: Actor, key: str) -> int | None:
    """Ask the worker to judge anew what is held against the limit, as when it is moved.

    Returns:
        The job; None where nothing is left to judge.

    Raises:
        ForbiddenError: The actor may not set thresholds.
        InvalidInputError: No limit has this key.
    """
    require(actor, "tune")
    row = _require_limit(key)
    with transaction(engine) as session:
        return ask(session, row, actor=actor)


def renew_flags(engine: sa.Engine, *, chunk: Chunk) -> None:
    """Raise one kind of flag anew on the chunk's photos, from what is stored of them."""
    (job,) = jobs.list_progress(engine, job_ids=[chunk.job_id])
    with transaction(engine) as session:
        if chunks.lock(session, chunk=chunk):
            raise_anew(session, flag=job.params["flag"], photo_ids=chunk.items)
            chunks.complete(session, chunk=chunk, done=len(chunk.items), failed=0)


def raise_anew(session: Session, *, flag: str, photo_ids: Collection[int]) -> None:
    """Raise one kind of flag anew on the photos of undecided listings, from what is stored."""
    found = queries.list_measured(session, photo_ids=photo_ids)
    undecided = prediction_queries.list_listings_in(
        session, listing_ids={row.listing_id for row in found}, states=UNDECIDED
    )
    measured = [row for row in found if row.listing_id in undecided]
    limits = read_limits(session)
    prediction_queries.replace_open_flags(
        session,
        photo_ids=[row.photo_id for row in measured],
        kind=flag,
        values=[
            {"listing_id": row.listing_id, "listing_image_id": row.photo_id, **asdict(finding)}
            for row, evidence in gather(session, FLAG_LIMITS[flag], measured)
            for finding in raise_flags(replace(evidence, limits=limits), only=flag)
        ],
    )
    priorities.refresh(session, listing_ids=undecided)


def _sort_photos(
    row: FlagLimit, measured: Sequence[Measured], values: Mapping[int, float]
) -> tuple[MeasuredPhoto, ...]:
    photos = (
        MeasuredPhoto(each.listing_id, each.sku, each.sha256, value)
        for each in measured
        if not math.isnan(value := values.get(each.photo_id, math.nan))
    )
    return tuple(sorted(photos, key=lambda photo: photo.value, reverse=row.is_worse_above))


def _find_branch(session: Session, branch: str | None) -> int | None:
    if branch is None:
        return None
    found = queries.find_category(session, path=branch)
    if found is None:
        raise InvalidInputError(f"no category {branch!r}; choose one that the batch has")
    return found


def _require_limit(key: str) -> FlagLimit:
    if key not in FLAG_LIMITS:
        raise InvalidInputError(f"no limit {key!r}; there are {', '.join(FLAG_LIMITS)}")
    return FLAG_LIMITS[key]


def _require_in_range(row: FlagLimit, value: float) -> None:
    if not row.lowest <= value <= row.highest:  # NaN is in no range
        raise InvalidInputError(
            f"the limit of {row.label!r} is {value:g}; it must be from {row.lowest:g} to "
            f"{row.highest:g} ({row.unit})"
        )
