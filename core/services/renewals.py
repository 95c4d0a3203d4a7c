"""Hold undecided listings against the known anew, from what is stored of their photos."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor
from core.flags import Evidence, raise_flags
from core.quality import ImageMeasures
from core.services import chunks, claims, jobs, recognition
from core.services.chunks import Chunk
from core.services.limits import list_undecided_chunks
from core.services.recognition import Findings, KnownCache
from core.services.states import UNDECIDED
from core.services.suggestions import suggest_listings, suggestion_rows
from db.engine import reading, transaction
from db.queries import embeddings as queries
from db.queries import limits as limit_queries
from db.queries import models as model_queries
from db.queries import predictions as prediction_queries
from db.queries.limits import Measured
from db.queries.predictions import Top

KIND = "unknown_product"


def ask_renewal(engine: sa.Engine, *, actor: Actor) -> int | None:
    """Ask the worker to hold what is undecided against what was decided meanwhile.

    That is to look for unknown and for recognised products, and to judge claims.

    Returns:
        The job for products, or None where no listing is undecided.

    Raises:
        ForbiddenError: The actor may not categorise.
    """
    with transaction(engine) as session:
        parts = list(list_undecided_chunks(session))
        if not parts:
            return None
        claims.ask_checks(session, actor=actor)
        return jobs.add_job(session, kind="recognition", actor=actor, params={}, chunks=parts)


def renew_chunk(engine: sa.Engine, *, chunk: Chunk, known: KnownCache) -> None:
    """Renew the flag and the suggestions by examples of the chunk's undecided listings."""
    with reading(engine) as session:
        space = queries.find_newest_space(session)
    catalog = known.current(space, may_lag=False)
    with transaction(engine) as session:
        if not chunks.lock(session, chunk=chunk):
            return
        measured = limit_queries.list_measured(session, photo_ids=chunk.items)
        undecided = prediction_queries.list_listings_in(
            session, listing_ids={row.listing_id for row in measured}, states=UNDECIDED
        )
        tops = prediction_queries.list_tops(
            session, listing_ids=undecided, version_ids=model_queries.list_usable_ids(session)
        )
        findings = recognition.hold_against(session, catalog, listing_ids=undecided, tops=tops)
        _renew_flags(session, [row for row in measured if row.listing_id in undecided], findings)
        _renew_suggestions(session, undecided, tops, findings)
        chunks.complete(session, chunk=chunk, done=len(chunk.items), failed=0)


def _renew_flags(session: Session, measured: Sequence[Measured], findings: Findings) -> None:
    prediction_queries.replace_open_flags(
        session,
        photo_ids=[row.photo_id for row in measured],
        kind=KIND,
        values=list(_flag_rows(measured, findings)),
    )


def _flag_rows(measured: Sequence[Measured], findings: Findings) -> Iterator[Mapping[str, Any]]:
    for row in measured:
        evidence = Evidence(
            measures=ImageMeasures.from_record(row.record),
            predictions={},
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
