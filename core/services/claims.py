"""Claimed categories beside those that were reviewed: which are flagged, at which rate.

What was reviewed is learnt, and a batch's claims are judged, outside any transaction; what
follows is written some listings at a time. The claims of a batch are judged together, since the
rate is one of all their flags; those of a branch with a limit of its own are judged by themselves.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.flags import FLAG_LIMITS, Evidence, raise_flags
from core.mislabel import (
    MIN_CONFIRMED,
    JudgedClaim,
    conformal_p_values,
    false_alarm_rates,
)
from core.quality import ImageMeasures, Limits
from core.services import chunks, jobs, priorities
from core.services.batches import require_batch
from core.services.chunks import Chunk
from core.services.held_limits import read_limits
from core.services.reviewed_claims import ReviewedClaims, learn
from core.services.states import UNDECIDED, JobState
from core.services.suggestions import list_predictions_by_photo
from db.engine import reading, transaction
from db.queries import claims as queries
from db.queries import embeddings as embedding_queries
from db.queries import flag_values
from db.queries import jobs as job_queries
from db.queries import limits as limit_queries
from db.queries import models as model_queries
from db.queries import predictions as prediction_queries
from db.queries.claims import ClaimPhoto
from db.queries.limits import Measured

log = logging.getLogger(__name__)

KIND = "claimed_mismatch"
JOB = "claims"
READ_AT_ONCE = 512
WRITTEN_AT_ONCE = 500


class Scored(NamedTuple):
    """An open claim beside ``confirmed`` ones that the same models spoke of."""

    photo: ClaimPhoto
    p_value: float
    likeliest: str
    confirmed: int


@dataclass(frozen=True, slots=True)
class JudgedListing:
    """A listing's claim; its main photo has the flag."""

    photo_id: int
    claim: JudgedClaim


@dataclass(frozen=True, slots=True)
class ClaimPromise:
    """Flags of a batch that were raised together.

    Attributes:
        branch: Category path at the top of the branch that has a limit of its own; None for all
            other claims.
        share: At most this share of them is to be expected to be unfounded.
        together: How many were raised; ``remaining`` of them are open.
    """

    branch: str | None
    share: float
    together: int
    remaining: int


@dataclass(frozen=True, slots=True)
class ClaimOutlook:
    """What can be said of how many of a batch's open flags are unfounded.

    Attributes:
        promises: One for all claims, and one for each branch with a limit of its own.
        unrated: Open flags of which no share was promised.
        confirmed: Reviewed claims that were right, counted up to ``needed``.
    """

    promises: tuple[ClaimPromise, ...]
    unrated: int
    confirmed: int
    needed: int = MIN_CONFIRMED

    @property
    def missing(self) -> int:
        """So many more claims must be found right until a rate can be promised."""
        return max(0, self.needed - self.confirmed)


def get_outlook(engine: sa.Engine, *, actor: Actor, batch_id: int) -> ClaimOutlook:
    """Return what can be promised of a batch's flags on claims.

    Raises:
        ForbiddenError: The actor may not look.
        NotFoundError: The actor sees no batch of this id.
    """
    require(actor, "look")
    with reading(engine) as session:
        require_batch(session, actor, batch_id)
        details = queries.list_open_details(session, batch_id=batch_id, kind=KIND)
        rated = [detail for detail in details if "p_value" in detail]
        return ClaimOutlook(
            promises=tuple(_list_promises(rated)),
            unrated=len(details) - len(rated),
            confirmed=_count_confirmed(session),
        )


def _list_promises(rated: Sequence[Mapping[str, Any]]) -> Iterator[ClaimPromise]:
    """Yield those of all claims first, then branch by branch."""
    raised: defaultdict[str | None, list[Mapping[str, Any]]] = defaultdict(list)
    for detail in rated:
        raised[detail.get("branch")].append(detail)
    for branch in sorted(raised, key=lambda path: path or ""):
        yield ClaimPromise(
            branch=branch,
            share=max(detail["promised"] for detail in raised[branch]),
            together=max(detail["flags"] for detail in raised[branch]),
            remaining=len(raised[branch]),
        )


def ask_check(engine: sa.Engine, *, actor: Actor, batch_id: int) -> int | None:
    """Ask the worker to judge the batch's claims anew; None where that is asked for already.

    Raises:
        ForbiddenError: The actor may not review.
        NotFoundError: The actor sees no batch of this id.
    """
    require(actor, jobs.JOB_PERMISSIONS[JOB])
    with transaction(engine) as session:
        require_batch(session, actor, batch_id)
        return _add_job(session, batch_id=batch_id, user_id=actor.id)


def ask_checks(session: Session, *, user_id: int) -> int | None:
    """Ask, in the caller's transaction, for every batch with open claims.

    Args:
        user_id: Who made it necessary.

    Returns:
        The last job; None where all that is open waits to be judged already.
    """
    batch_ids = queries.list_claiming_batches(session, states=UNDECIDED)
    asked = [_add_job(session, batch_id=batch_id, user_id=user_id) for batch_id in batch_ids]
    return next((job_id for job_id in reversed(asked) if job_id is not None), None)


def map_p_values(session: Session, *, batch_id: int) -> Mapping[int, float]:
    """Return by main photo what a batch's claims were judged by, but for those by a margin."""
    return flag_values.map_values(session, kind=KIND, batch_id=batch_id)


def follow_classification(session: Session, *, chunk: Chunk) -> None:
    """Ask for the batch's claims to be judged once its last photo is classified.

    Too few reviewed claims ask for nothing: then the margin's flags are there already.
    """
    job = job_queries.find_job_for_update(session, job_id=chunk.job_id)
    if job is None or job.batch_id is None or job.state != JobState.DONE:
        return
    claiming = queries.list_claiming(session, states=UNDECIDED, batch_id=job.batch_id, limit=1)
    if claiming and can_promise(session):
        _add_job(session, batch_id=job.batch_id, user_id=job.created_by)


def can_promise(session: Session) -> bool:
    """Whether enough claims were reviewed and found right."""
    return _count_confirmed(session) >= MIN_CONFIRMED


def renew_batch(engine: sa.Engine, *, chunk: Chunk) -> None:
    """Judge the open claims of the chunk's batch and renew their flags."""
    assert chunk.batch_id is not None
    with reading(engine) as session:
        limits = read_limits(session)
    reviewed = learn(engine)
    judged = _judge(engine, reviewed, chunk.batch_id, limits) if reviewed else {}
    after_id = 0
    while True:
        with transaction(engine) as session:
            if not chunks.lock(session, chunk=chunk):
                return
            listing_ids = queries.list_claiming(
                session,
                states=UNDECIDED,
                batch_id=chunk.batch_id,
                after_id=after_id,
                limit=WRITTEN_AT_ONCE,
            )
            if not listing_ids:
                chunks.complete(session, chunk=chunk, done=1, failed=0)
                return
            _renew_flags(session, listing_ids, judged, limits)
            after_id = listing_ids[-1]


def _add_job(session: Session, *, batch_id: int, user_id: int) -> int | None:
    """Add the job, for whoever made it necessary, unless one waits that sees the same."""
    if job_queries.is_queued(session, kind=JOB, batch_id=batch_id):
        return None
    return job_queries.insert_job(
        session,
        kind=JOB,
        created_by=user_id,
        params={},
        batch_id=batch_id,
        total=1,
        chunks=((),),
    )


def _count_confirmed(session: Session) -> int:
    space = embedding_queries.find_newest_space(session)
    if space is None:
        return 0
    return queries.count_confirmed(session, space=space, limit=MIN_CONFIRMED)


def _judge(
    engine: sa.Engine, reviewed: ReviewedClaims, batch_id: int, limits: Limits
) -> Mapping[int, JudgedListing]:
    """Return by listing what is held of the batch's open claims.

    Those for which one limit holds are judged together: a choice of flags out of a larger
    family would not keep what was promised of that.
    """
    families: defaultdict[str | None, list[Scored]] = defaultdict(list)
    for each in _score(engine, reviewed, batch_id):
        families[limits.find_branch(KIND, reviewed.path(each.photo.claimed_id))].append(each)
    judged: dict[int, JudgedListing] = {}
    for branch, family in families.items():
        found = limits.find(KIND, branch)
        limit = FLAG_LIMITS[KIND].limit if found is None else found
        judged |= _judge_together(reviewed, family, limit)
        log.info("batch %d, %s: judged %d claims", batch_id, branch or "all", len(family))
    return judged


def _judge_together(
    reviewed: ReviewedClaims, found: Sequence[Scored], limit: float
) -> Mapping[int, JudgedListing]:
    shares = false_alarm_rates(np.array([each.p_value for each in found]))
    flags = sum(FLAG_LIMITS[KIND].is_beyond(float(share), limit) for share in shares)
    return {
        each.photo.listing_id: JudgedListing(
            each.photo.photo_id,
            JudgedClaim(
                claimed=reviewed.path(each.photo.claimed_id),
                likeliest=each.likeliest,
                p_value=each.p_value,
                share=float(share),
                flags=flags,
                confirmed=each.confirmed,
            ),
        )
        for each, share in zip(found, shares, strict=True)
    }


def _score(engine: sa.Engine, reviewed: ReviewedClaims, batch_id: int) -> Iterator[Scored]:
    """Yield the batch's open claims."""
    after_id = 0
    while True:
        with reading(engine) as session:
            photos = queries.list_open(
                session,
                batch_id=batch_id,
                space=reviewed.space,
                states=UNDECIDED,
                after_id=after_id,
                limit=READ_AT_ONCE,
            )
            if not photos:
                return
            claims = reviewed.witness(session, photos)
        for group in reviewed.score(claims):
            p_values = conformal_p_values(group.scores, group.confirmed)
            for row, p_value, path in zip(group.members, p_values, group.likeliest, strict=True):
                yield Scored(photos[row], float(p_value), path, len(group.confirmed))
        after_id = photos[-1].listing_id


def _renew_flags(
    session: Session,
    listing_ids: Collection[int],
    judged: Mapping[int, JudgedListing],
    limits: Limits,
) -> None:
    undecided = prediction_queries.list_listings_in(
        session, listing_ids=listing_ids, states=UNDECIDED
    )
    siblings = prediction_queries.list_siblings(session, listing_ids=undecided)
    measured = limit_queries.list_measured(
        session, photo_ids=[photo_id for _, photo_id in siblings]
    )
    prediction_queries.replace_open_flags(
        session,
        photo_ids=[row.photo_id for row in measured],
        kind=KIND,
        values=[
            {"listing_id": row.listing_id, "listing_image_id": row.photo_id, **asdict(finding)}
            for row, evidence in _evidence(session, undecided, measured, judged, limits)
            for finding in raise_flags(evidence, only=KIND)
        ],
    )
    flag_values.replace_values(
        session,
        kind=KIND,
        photo_ids=[photo_id for _, photo_id in siblings],
        values={
            judged[listing_id].photo_id: judged[listing_id].claim.p_value
            for listing_id in undecided
            if listing_id in judged
        },
    )
    priorities.refresh(session, listing_ids=undecided)


def _evidence(
    session: Session,
    listing_ids: Collection[int],
    measured: Sequence[Measured],
    judged: Mapping[int, JudgedListing],
    limits: Limits,
) -> Iterator[tuple[Measured, Evidence]]:
    """Yield the photos that speak: the main one of a judged claim, else each by the margin."""
    tops = prediction_queries.list_tops(
        session, listing_ids=listing_ids, version_ids=model_queries.list_usable_ids(session)
    )
    predictions = list_predictions_by_photo(session, tops)
    for row in measured:
        listing = judged.get(row.listing_id)
        if listing is not None and listing.photo_id != row.photo_id:
            continue
        yield (
            row,
            Evidence(
                measures=ImageMeasures.from_record(row.record),
                predictions=predictions.get(row.photo_id, {}),
                claimed=row.claimed,
                category=row.category,
                limits=limits,
                claim=listing.claim if listing else None,
            ),
        )
