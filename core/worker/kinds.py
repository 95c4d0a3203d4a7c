"""The kinds of tasks: one table of where they are found and how they are run."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from core.services import (
    brand_checks,
    chunks,
    claims,
    classification,
    copies,
    evidence_checks,
    explanations,
    limits,
    lookups,
    renewals,
    replays,
    vector_spaces,
)
from core.services.chunks import Chunk
from core.worker.children import run_in_child
from core.worker.stopping import OUTAGES, StopCheck, WorkerStopping, through_outages
from core.worker.workplace import Workplace

log = logging.getLogger(__name__)

Work = Callable[[Workplace, Chunk], None]
Part = Callable[[Workplace, Chunk, str], None]


@dataclass(frozen=True, slots=True)
class TaskKind:
    """A kind of task, which has its own queue.

    Attributes:
        key: Name of the queue; for jobs also their kind. Stored, so never renamed.
        concurrency: How many of them one worker runs at once.
        find: Returns (item id, when it was asked for) of what waits, oldest first.
        run: Does one item; called again for the same item after a crash.
        fail: Stores why an item cannot be done.
        isolate: Does what an error that nobody foresaw leaves undone, without the photo that
            it came from; None when nothing can be saved.
        of_jobs: Its items are chunks of jobs, so while no job is unfinished none waits.
    """

    key: str
    concurrency: int
    find: Callable[[sa.Engine], Sequence[tuple[int, datetime]]]
    run: Callable[[Workplace, int], None]
    fail: Callable[[sa.Engine, int, str], None]
    isolate: Callable[[Workplace, int, str], None] | None = None
    of_jobs: bool = False


def _run_chunk(place: Workplace, chunk_id: int, *, work: Work, part: Part | None = None) -> None:
    """Count the start, then do the work; a worker that stops takes the count back.

    Args:
        part: Saves what can be saved of a chunk that took its worker along; None fails the job.
    """
    if place.stop.is_set():  # it waited for its turn until the worker stopped
        raise WorkerStopping
    begin = partial(chunks.begin, place.engine, chunk_id=chunk_id)
    chunk = through_outages(place.stop, begin)
    if chunk is None:
        return
    try:
        through_outages(place.stop, lambda: _do(place, chunk, work, part))
    except WorkerStopping:
        _hand_back(place, chunk)
        raise


def _do(place: Workplace, chunk: Chunk, work: Work, part: Part | None) -> None:
    """Do the work, or, when it took its worker along before, see to it that it stops doing so."""
    if not chunk.is_dangerous:
        work(place, chunk)
    elif part:
        part(place, chunk, f"the worker died {chunk.crashes} times while it worked on this photo")
    else:
        error = f"the worker died {chunk.crashes} times while it worked on this job"
        chunks.fail_job(place.engine, job_id=chunk.job_id, error=error)


def _part(place: Workplace, chunk: Chunk, reason: str) -> None:
    """Part the photos of the chunk; give up one that is alone already."""
    if len(chunk.items) > 1:
        chunks.split(place.engine, chunk=chunk)
    else:
        classification.give_up(
            place.engine, place.settings, chunk=chunk, reason=reason, models=place.models
        )


def _hand_back(place: Workplace, chunk: Chunk) -> None:
    try:
        chunks.hand_back(place.engine, chunk=chunk)
    except OUTAGES:  # then this start counts as a crash, which a chunk survives
        return


def _classify(place: Workplace, chunk_id: int) -> None:
    with place.turn:
        # Before the start is counted: a crash while they load speaks against no photo.
        through_outages(place.stop, place.models.current)
        _run_chunk(place, chunk_id, work=_with_models(classification.classify_chunk), part=_part)


def _isolate_photo(place: Workplace, chunk_id: int, error: str) -> None:
    """Part the photos of the chunk; one that had not begun was not the photos' fault."""

    def isolate() -> None:
        chunk = chunks.find_begun(place.engine, chunk_id=chunk_id)
        if chunk is None:
            chunks.fail(place.engine, chunk_id=chunk_id, error=error)
        else:
            _part(place, chunk, f"this photo could not be worked on: {error}")

    through_outages(place.stop, isolate)


def _stops(place: Workplace, chunk: Chunk) -> StopCheck:
    return StopCheck(place.engine, place.stop, chunk.job_id)


def _with_models(function: Callable[..., None]) -> Work:
    """Return the work of a function that looks at a chunk's photos by the networks in use."""

    def work(place: Workplace, chunk: Chunk) -> None:
        function(
            place.engine,
            place.settings,
            chunk=chunk,
            models=place.models,
            raise_if_stopped=_stops(place, chunk),
        )

    return work


def _renew_flags(place: Workplace, chunk_id: int) -> None:
    _run_chunk(place, chunk_id, work=lambda _, chunk: limits.renew_flags(place.engine, chunk=chunk))


def _recognise(place: Workplace, chunk_id: int) -> None:
    def renew(_: Workplace, chunk: Chunk) -> None:
        renewals.renew_chunk(place.engine, chunk=chunk, known=place.models.known)

    _run_chunk(place, chunk_id, work=renew)


def _replay(place: Workplace, chunk_id: int) -> None:
    with place.turn:
        _run_chunk(place, chunk_id, work=_with_models(replays.replay_chunk))


def _check_claims(place: Workplace, chunk_id: int) -> None:
    _run_chunk(place, chunk_id, work=lambda _, chunk: claims.renew_batch(place.engine, chunk=chunk))


def _check_brands(place: Workplace, chunk_id: int) -> None:
    def check(_: Workplace, chunk: Chunk) -> None:
        brand_checks.check_chunk(
            place.engine,
            place.settings,
            chunk=chunk,
            raise_if_stopped=_stops(place, chunk),
        )

    _run_chunk(place, chunk_id, work=check)


def _compare_maps(place: Workplace, chunk_id: int) -> None:
    with place.turn:
        _run_chunk(place, chunk_id, work=_with_models(evidence_checks.check_chunk))


def _work_in_child(place: Workplace, chunk: Chunk, *, grace_s: float) -> None:
    run_in_child(place, chunk.job_id, grace_s=grace_s)
    chunks.complete_single(place.engine, chunk=chunk)


def _draw(place: Workplace, explanation_id: int) -> None:
    begin = partial(explanations.begin, place.engine, explanation_id=explanation_id)
    subject = through_outages(place.stop, begin)
    if subject is None:
        return
    draw = partial(
        explanations.draw,
        place.engine,
        place.settings,
        explanation_id=explanation_id,
        subject=subject,
        models=place.models,
    )
    through_outages(place.stop, draw)


def _compare(place: Workplace, fingerprint_id: int) -> None:
    compare = partial(
        copies.compare,
        place.engine,
        place.settings,
        fingerprint_id=fingerprint_id,
        known=place.prints,
    )
    through_outages(place.stop, compare)


def _embed(place: Workplace, lookup_id: int) -> None:
    begun = through_outages(place.stop, partial(lookups.begin, place.engine, lookup_id=lookup_id))
    if begun is None:
        return
    embed = partial(
        lookups.embed,
        place.engine,
        place.settings,
        lookup_id=lookup_id,
        begun=begun,
        models=place.models,
    )
    through_outages(place.stop, embed)


def _prepare_space(place: Workplace, embedding_id: int) -> None:
    prepare = partial(vector_spaces.prepare, place.engine, embedding_id=embedding_id)
    through_outages(place.stop, prepare)


def _leave_space(_: sa.Engine, embedding_id: int, error: str) -> None:
    """Photos are searched outside the database, as before."""
    log.error("the space of embedding %d cannot be searched by pgvector: %s", embedding_id, error)


def _fail_chunk(engine: sa.Engine, chunk_id: int, error: str) -> None:
    chunks.fail(engine, chunk_id=chunk_id, error=error)


def _fail_explanation(engine: sa.Engine, explanation_id: int, error: str) -> None:
    explanations.fail(engine, explanation_id=explanation_id, error=error)


def _fail_comparison(engine: sa.Engine, fingerprint_id: int, error: str) -> None:
    copies.fail(engine, fingerprint_id=fingerprint_id, error=error)


def _fail_lookup(engine: sa.Engine, lookup_id: int, error: str) -> None:
    lookups.fail(engine, lookup_id=lookup_id, error=error)


def _job_kind(
    key: str,
    *,
    concurrency: int,
    run: Callable[[Workplace, int], None],
    isolate: Callable[[Workplace, int, str], None] | None = None,
) -> TaskKind:
    find = partial(chunks.list_unfinished, kind=key)
    return TaskKind(key, concurrency, find, run, _fail_chunk, isolate, of_jobs=True)


def _in_child(grace_s: float = 0.0) -> Callable[[Workplace, int], None]:
    return partial(_run_chunk, work=partial(_work_in_child, grace_s=grace_s))


# A cancelled training measures and registers its best epoch so far.
TRAINING_GRACE_S = 600.0

TASK_KINDS = {
    kind.key: kind
    for kind in (
        # Two, of which one works: the other has been taken from its queue when the turn comes.
        _job_kind("classification", concurrency=2, run=_classify, isolate=_isolate_photo),
        _job_kind("flags", concurrency=1, run=_renew_flags),
        _job_kind("recognition", concurrency=1, run=_recognise),
        _job_kind("replay", concurrency=1, run=_replay),
        _job_kind("claims", concurrency=1, run=_check_claims),
        _job_kind("brands", concurrency=1, run=_check_brands),
        TaskKind("evidence", 1, evidence_checks.list_due, _compare_maps, _fail_chunk, of_jobs=True),
        _job_kind("training", concurrency=1, run=_in_child(TRAINING_GRACE_S)),
        _job_kind("sample", concurrency=1, run=_in_child()),
        _job_kind("audit", concurrency=1, run=_in_child()),
        TaskKind("explanation", 1, explanations.list_pending, _draw, _fail_explanation),
        TaskKind("comparison", 1, copies.list_pending, _compare, _fail_comparison),
        TaskKind("lookup", 1, lookups.list_pending, _embed, _fail_lookup),
        TaskKind("space", 1, vector_spaces.list_unprepared, _prepare_space, _leave_space),
    )
}
