"""Hold undecided listings against the known anew, from what is stored of their photos.

People ask for it, and the worker does so by itself once enough was decided. Each job keeps how
much was known when it was asked for (``params``), so that holds across restarts.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.flags import Evidence, raise_flags
from core.quality import ImageMeasures, Limits
from core.services import chunks, claims, jobs, recognition
from core.services.chunks import Chunk
from core.services.held_limits import read_limits
from core.services.recognition import KIND, Findings, KnownCache
from core.services.states import UNDECIDED
from core.services.suggestions import suggest_listings, suggestion_rows
from db.engine import reading, transaction
from db.queries import embeddings as queries
from db.queries import jobs as job_queries
from db.queries import limits as limit_queries
from db.queries import models as model_queries
from db.queries import predictions as prediction_queries
from db.queries.limits import Measured
from db.queries.predictions import Top

JOB = "recognition"

# Between two renewals that nobody asked for: so many more reviewed listings, and so much time.
MORE_REVIEWED = 50
MORE_SHARE = 0.2
PAUSE = timedelta(minutes=10)


def ask_renewal(engine: sa.Engine, *, actor: Actor) -> int | None:
    """Ask the worker to hold what is undecided against what was decided meanwhile.

    That is to look for unknown and for recognised products, and to judge claims.

    Returns:
        The job for products, or None where no listing is undecided.

    Raises:
        ForbiddenError: The actor may not categorise.
    """
    require(actor, jobs.JOB_PERMISSIONS[JOB])
    with transaction(engine) as session:
        return ask(session, user_id=actor.id)


def ask(session: Session, *, user_id: int) -> int | None:
    """Do as ``ask_renewal`` in the caller's transaction, for whoever made it necessary."""
    parts = list(chunks.list_undecided(session))
    if not parts:
        return None
    claims.ask_checks(session, user_id=user_id)
    decision, _ = queries.find_last_ids(session)
    return job_queries.insert_job(
        session,
        kind=JOB,
        created_by=user_id,
        params={"reviewed": queries.count_decided(session), "decision": decision},
        batch_id=None,
        total=sum(map(len, parts)),
        chunks=parts,
    )


def ask_when_due(engine: sa.Engine) -> int | None:
    """Ask for what ``ask_renewal`` asks for, in the name of who decided last, if it is due.

    That is once a fifth more listings are reviewed than when it was last asked for, at least
    ``MORE_REVIEWED``, and ``PAUSE`` has passed.
    """
    now = datetime.now(UTC)
    with reading(engine) as session:
        if not _is_due(session, now):
            return None
    with transaction(engine) as session:
        user_id = queries.lock_last_decision(session)  # of two workers, one asks
        if user_id is None or not _is_due(session, now):
            return None
        return ask(session, user_id=user_id)


def _is_due(session: Session, now: datetime) -> bool:
    last = job_queries.find_newest(session, kind=JOB)
    if last is not None and (
        now - last.created_at < PAUSE or last.state in job_queries.UNFINISHED_JOB
    ):
        return False
    before = last.params if last is not None else {}
    reviewed = before.get("reviewed", 0)
    enough = max(MORE_REVIEWED, MORE_SHARE * reviewed)
    decision, _ = queries.find_last_ids(session)
    # Each reviewed listing takes a decision; to compare ids is cheaper than to count.
    if (decision or 0) - (before.get("decision") or 0) < enough:
        return False
    has_open = limit_queries.has_photos(session, states=UNDECIDED)
    return has_open and queries.count_decided(session) - reviewed >= enough


def renew_chunk(engine: sa.Engine, *, chunk: Chunk, known: KnownCache) -> None:
    """Renew the flag and the suggestions by examples of the chunk's undecided listings."""
    with reading(engine) as session:
        space = queries.find_newest_space(session)
    catalog = known.current(space, may_lag=False)
    with transaction(engine) as session:
        if not chunks.lock(session, chunk=chunk):
            return
        photos = prediction_queries.list_photos(session, photo_ids=chunk.items)
        undecided = prediction_queries.list_listings_in(
            session, listing_ids={photo.listing_id for photo in photos}, states=UNDECIDED
        )
        tops = prediction_queries.list_tops(
            session, listing_ids=undecided, version_ids=model_queries.list_usable_ids(session)
        )
        findings = recognition.hold_against(session, catalog, listing_ids=undecided, tops=tops)
        _renew_suggestions(session, undecided, tops, findings)
        measured = limit_queries.list_measured(  # by the new suggestions, which limits go by
            session, photo_ids=[photo.id for photo in photos if photo.listing_id in undecided]
        )
        _renew_flags(session, measured, findings)
        chunks.complete(session, chunk=chunk, done=len(chunk.items), failed=0)


def _renew_flags(session: Session, measured: Sequence[Measured], findings: Findings) -> None:
    prediction_queries.replace_open_flags(
        session,
        photo_ids=[row.photo_id for row in measured],
        kind=KIND,
        values=list(_flag_rows(measured, findings, read_limits(session))),
    )
    recognition.keep_values(session, findings, photo_ids={row.photo_id for row in measured})


def _flag_rows(
    measured: Sequence[Measured], findings: Findings, limits: Limits
) -> Iterator[Mapping[str, Any]]:
    for row in measured:
        evidence = Evidence(
            measures=ImageMeasures.from_record(row.record),
            predictions={},
            category=row.category,
            limits=limits,
            novelty=findings.assessments.get(row.photo_id),
        )
        for finding in raise_flags(evidence, only=KIND):
            yield {
                "listing_id": row.listing_id,
                "listing_image_id": row.photo_id,
                **asdict(finding),
            }


def _renew_suggestions(
    session: Session, listing_ids: Collection[int], tops: Sequence[Top], findings: Findings
) -> None:
    """Write those that examples speak for, and take back those that they spoke for before."""
    before = prediction_queries.list_suggested_by_examples(session, listing_ids=listing_ids)
    suggestions = suggest_listings(tops, findings.suggestions)
    changed = before | findings.suggestions.keys()
    prediction_queries.set_suggestions(session, values=list(suggestion_rows(changed, suggestions)))
