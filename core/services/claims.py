"""Claimed categories beside those that were reviewed: which are flagged, at which rate.

What was reviewed is learnt, and a batch's claims are judged, outside any transaction; what
follows is written some listings at a time. A batch is judged as a whole, since the rate is one
of all its flags.
"""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.flags import Evidence, raise_flags
from core.mislabel import (
    FALSE_ALARMS,
    MIN_CONFIRMED,
    JudgedClaim,
    conformal_p_values,
    false_alarm_rates,
)
from core.quality import ImageMeasures
from core.services import chunks, jobs, priorities
from core.services.batches import require_batch
from core.services.chunks import Chunk
from core.services.reviewed_claims import ReviewedClaims, learn
from core.services.states import UNDECIDED, JobState
from core.services.suggestions import list_predictions_by_photo
from db.engine import reading, transaction
from db.queries import claims as queries
from db.queries import embeddings as embedding_queries
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
class ClaimOutlook:
    """What can be said of how many of a batch's open flags are unfounded.

    Attributes:
        promised: Share of those that were raised together to expect to be unfounded at most.
        together: How many were raised together; ``remaining`` of them are open.
        unrated: Open flags of which no share was promised.
        confirmed: Reviewed claims that were right, counted up to ``needed``.
    """

    promised: float
    together: int
    remaining: int
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
            promised=max((detail["promised"] for detail in rated), default=FALSE_ALARMS),
            together=max((detail["flags"] for detail in rated), default=0),
            remaining=len(rated),
            unrated=len(details) - len(rated),
            confirmed=_count_confirmed(session),
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


def ask_checks(session: Session, *, actor: Actor) -> None:
    """Ask, in the caller's transaction, for every batch with open claims."""
    for batch_id in queries.list_claiming_batches(session, states=UNDECIDED):
        _add_job(session, batch_id=batch_id, user_id=actor.id)


def follow_classification(session: Session, *, chunk: Chunk) -> None:
    """Ask for the batch's claims to be judged once its last photo is classified.

    Too few reviewed claims ask for nothing: then the margin's flags are there already.
    """
    job = job_queries.find_job_for_update(session, job_id=chunk.job_id)
    if job is None or job.batch_id is None or job.state != JobState.DONE:
        return
    claiming = queries.list_claiming(session, states=UNDECIDED, batch_id=job.batch_id, limit=1)
    if claiming and _count_confirmed(session) >= MIN_CONFIRMED:
        _add_job(session, batch_id=job.batch_id, user_id=job.created_by)


def renew_batch(engine: sa.Engine, *, chunk: Chunk) -> None:
    """Judge the open claims of the chunk's batch and renew their flags."""
    assert chunk.batch_id is not None
    reviewed = learn(engine)
    judged = _judge(engine, reviewed, chunk.batch_id) if reviewed else {}
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
            _renew_flags(session, listing_ids, judged)
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
    engine: sa.Engine, reviewed: ReviewedClaims, batch_id: int
) -> Mapping[int, JudgedListing]:
    """Return by listing what is held of the batch's open claims."""
    found = list(_score(engine, reviewed, batch_id))
    if not found:
        return {}
    shares = false_alarm_rates(np.array([each.p_value for each in found]))
    flags = int(np.count_nonzero(shares <= FALSE_ALARMS))
    log.info("batch %d: %d of %d claims are flagged", batch_id, flags, len(found))
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
    session: Session, listing_ids: Collection[int], judged: Mapping[int, JudgedListing]
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
            for row, evidence in _evidence(session, undecided, measured, judged)
            for finding in raise_flags(evidence, only=KIND)
        ],
    )
    priorities.refresh(session, listing_ids=undecided)


def _evidence(
    session: Session,
    listing_ids: Collection[int],
    measured: Sequence[Measured],
    judged: Mapping[int, JudgedListing],
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
                claimed=row.category,  # the claimed one comes before the suggested
                claim=listing.claim if listing else None,
            ),
        )
