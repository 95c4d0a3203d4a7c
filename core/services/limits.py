"""Limits of the quality checks: what they would catch, who set them, and what follows."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import InvalidInputError
from core.flags import Evidence, raise_flags
from core.quality import QUALITY_CHECKS, ImageMeasures, Limits
from core.quality.limits import branches_of
from core.services import chunks, jobs, priorities
from core.services.batches import require_batch
from core.services.chunks import Chunk
from core.services.states import UNDECIDED
from db.engine import reading, transaction
from db.queries import limits as queries
from db.queries import predictions as prediction_queries
from db.queries.limits import Measured

MAX_CHANGES = 50
PHOTOS_A_CHUNK = 500


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A limit as somebody set it.

    Attributes:
        category: Top of the branch that it is for; None for all categories.
        value: None goes back to the limit of the wider branch, in the end to the check's own.
    """

    changed_at: datetime
    changed_by: str
    category: str | None
    value: float | None


@dataclass(frozen=True, slots=True)
class MeasuredPhoto:
    listing_id: int
    sku: str
    sha256: str
    value: float


@dataclass(frozen=True, slots=True)
class CheckView:
    """What a check finds in a batch, at its limit and at any other.

    Attributes:
        limit: The one that holds for the branch asked for.
        photos: Those of the branch that have the measure, the worst first.
        listings: How many listings of the branch were measured.
        changes: The newest first.
    """

    kind: str
    limit: float
    photos: tuple[MeasuredPhoto, ...]
    listings: int
    changes: tuple[LimitChange, ...]

    def list_beyond(self, limit: float) -> tuple[MeasuredPhoto, ...]:
        """Return the photos that this limit would flag, those nearest to it last."""
        check = QUALITY_CHECKS[self.kind]
        return tuple(photo for photo in self.photos if check.is_beyond(photo.value, limit))


def get_check(
    engine: sa.Engine,
    *,
    actor: Actor,
    kind: str,
    batch_id: int,
    branch: str | None = None,
) -> CheckView:
    """Return what a quality check finds in the batch, or in a branch of its categories.

    Raises:
        ForbiddenError: The actor may not look.
        InvalidInputError: No quality check has this key.
        NotFoundError: The actor sees no batch of this id.
    """
    require(actor, "look")
    _require_check(kind)
    with reading(engine) as session:
        require_batch(session, actor, batch_id)
        measured = queries.list_measured(session, batch_id=batch_id)
        limits = read_limits(session)
        changes = queries.list_changes(session, kind=kind, limit=MAX_CHANGES)
    inside = [row for row in measured if branch is None or branch in branches_of(row.category)]
    found = limits.find(kind, branch)
    return CheckView(
        kind=kind,
        limit=QUALITY_CHECKS[kind].limit if found is None else found,
        photos=_sort_photos(kind, inside),
        listings=len({row.listing_id for row in inside}),
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
    engine: sa.Engine, *, actor: Actor, kind: str, value: float | None, branch: str | None = None
) -> int | None:
    """Set a limit, and have the flags of undecided listings renewed by it.

    Args:
        value: None goes back to the limit of the wider branch, in the end to the check's own.
        branch: Category path at the top of the branch it is for; None for all categories.

    Returns:
        The job that renews the flags; None where no listing is undecided.

    Raises:
        ForbiddenError: The actor may not set thresholds.
        InvalidInputError: No such check or category, or the value is no number.
    """
    require(actor, "tune")
    _require_check(kind)
    if value is not None and not math.isfinite(value):
        raise InvalidInputError(f"the limit is {value}; it must be a number")
    with transaction(engine) as session:
        category_id = _find_branch(session, branch)
        queries.insert_limit(
            session, kind=kind, category_id=category_id, value=value, user_id=actor.id
        )
        parts = list(list_undecided_chunks(session))
        if not parts:
            return None
        params = {"flag": kind}
        return jobs.add_job(session, kind="flags", actor=actor, params=params, chunks=parts)


def renew_flags(engine: sa.Engine, *, chunk: Chunk) -> None:
    """Raise one kind of flag anew on the chunk's photos, from what was measured on them."""
    (job,) = jobs.list_progress(engine, job_ids=[chunk.job_id])
    kind = job.params["flag"]
    with transaction(engine) as session:
        if not chunks.lock(session, chunk=chunk):
            return
        found = queries.list_measured(session, photo_ids=chunk.items)
        undecided = prediction_queries.list_listings_in(
            session, listing_ids={row.listing_id for row in found}, states=UNDECIDED
        )
        measured = [row for row in found if row.listing_id in undecided]
        limits = read_limits(session)
        prediction_queries.replace_open_flags(
            session,
            photo_ids=[row.photo_id for row in measured],
            kind=kind,
            values=[
                {"listing_id": row.listing_id, "listing_image_id": row.photo_id, **asdict(finding)}
                for row in measured
                for finding in raise_flags(_evidence(row, limits), only=kind)
            ],
        )
        priorities.refresh(session, listing_ids=undecided)
        chunks.complete(session, chunk=chunk, done=len(chunk.items), failed=0)


def read_limits(session: Session) -> Limits:
    """Return the limits that somebody set, as they hold now."""
    return Limits({(kind, path): value for kind, path, value in queries.list_limits(session)})


def _evidence(row: Measured, limits: Limits) -> Evidence:
    measures = ImageMeasures.from_record(row.record)
    return Evidence(measures=measures, predictions={}, category=row.category, limits=limits)


def _sort_photos(kind: str, measured: Sequence[Measured]) -> tuple[MeasuredPhoto, ...]:
    check = QUALITY_CHECKS[kind]
    photos = (
        MeasuredPhoto(row.listing_id, row.sku, row.sha256, value)
        for row in measured
        if not math.isnan(value := check.value(ImageMeasures.from_record(row.record)))
    )
    return tuple(sorted(photos, key=lambda photo: photo.value, reverse=check.side == "above"))


def list_undecided_chunks(session: Session) -> Iterator[Sequence[int]]:
    """Return the photos of undecided listings, in pieces of a job."""
    photo_ids = queries.list_photo_ids(session, states=UNDECIDED)
    for start in range(0, len(photo_ids), PHOTOS_A_CHUNK):
        yield photo_ids[start : start + PHOTOS_A_CHUNK]


def _find_branch(session: Session, branch: str | None) -> int | None:
    if branch is None:
        return None
    found = queries.find_category(session, path=branch)
    if found is None:
        raise InvalidInputError(f"no category {branch!r}; choose one that the batch has")
    return found


def _require_check(kind: str) -> None:
    if kind not in QUALITY_CHECKS:
        raise InvalidInputError(f"no quality check {kind!r}; there are {', '.join(QUALITY_CHECKS)}")
