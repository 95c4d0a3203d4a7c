"""Where the values come from that limits are held against, and what follows when one moves.

Most are read from what is stored of a photo anyway, and then its flags are raised anew from the
same rows. What takes a judging against all that was decided is kept when that is done
(``FlagValueRow``), and a moved limit asks for it again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from sqlalchemy.orm import Session

from core.actors import Actor
from core.flags import Evidence, FlagLimit
from core.mislabel import false_alarm_rates
from core.quality import ImageMeasures
from core.services import chunks, claims, copy_flags, jobs, renewals
from core.services.states import UNDECIDED
from core.services.suggestions import list_predictions_by_photo
from db.queries import flag_values
from db.queries import models as model_queries
from db.queries import predictions as prediction_queries
from db.queries.limits import Measured

READ_AT_ONCE = 2_000

Gather = Callable[[Session, Sequence[Measured]], Iterable[tuple[Measured, Evidence]]]
"""Yields the photos with the evidence that is stored of them, without limits."""


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Photos of a batch for which one limit holds."""

    session: Session
    row: FlagLimit
    batch_id: int
    measured: Sequence[Measured]


class Ask(Protocol):
    """Asks for a job in the caller's transaction; returns it, None where nothing is undecided."""

    def __call__(self, session: Session, *, user_id: int) -> int | None: ...


@dataclass(frozen=True, slots=True)
class LimitSource:
    """One row of ``SOURCES``; of ``gather`` and ``ask`` it has one.

    Attributes:
        job: Kind of the job that follows a move.
        read: Returns by photo id what the limit is held against, NaN where there is nothing to
            compare; leaves out what the limit says nothing of.
        gather: The evidence that a job of the kind ``flags`` raises the flags from anew.
        ask: Asks for the job that judges the photos anew.
    """

    job: str
    read: Callable[[Held], Mapping[int, float]]
    gather: Gather | None = None
    ask: Ask | None = None


def read(
    session: Session, row: FlagLimit, *, batch_id: int, measured: Sequence[Measured]
) -> Mapping[int, float]:
    """Return by photo id what the limit is held against, as ``LimitSource.read`` does."""
    return SOURCES[row.source].read(Held(session, row, batch_id, measured))


def ask(session: Session, row: FlagLimit, *, actor: Actor) -> int | None:
    """Ask for the limit's flags to be raised anew; None where nothing is left to renew."""
    source = SOURCES[row.source]
    if source.ask is not None:
        return source.ask(session, user_id=actor.id)
    parts = list(chunks.list_undecided(session))
    if not parts:
        return None
    params = {"flag": row.flag}
    return jobs.add_job(session, kind=source.job, actor=actor, params=params, chunks=parts)


def gather(
    session: Session, row: FlagLimit, measured: Sequence[Measured]
) -> Iterator[tuple[Measured, Evidence]]:
    """Yield the photos with what is stored of them that the limit is held against."""
    found = SOURCES[row.source].gather
    assert found is not None, row.key
    yield from _gather_by_parts(session, found, measured)


def _gather_by_parts(
    session: Session, gather: Gather, measured: Sequence[Measured]
) -> Iterator[tuple[Measured, Evidence]]:
    for start in range(0, len(measured), READ_AT_ONCE):
        yield from gather(session, measured[start : start + READ_AT_ONCE])


def _gather_measures(
    _: Session, measured: Sequence[Measured]
) -> Iterator[tuple[Measured, Evidence]]:
    for row in measured:
        yield row, Evidence(ImageMeasures.from_record(row.record), {}, category=row.category)


def _gather_opinions(
    session: Session, measured: Sequence[Measured]
) -> Iterator[tuple[Measured, Evidence]]:
    tops = prediction_queries.list_tops(
        session,
        listing_ids={row.listing_id for row in measured},
        version_ids=model_queries.list_usable_ids(session),
    )
    said = list_predictions_by_photo(session, tops)
    for row in measured:
        yield (
            row,
            Evidence(
                measures=ImageMeasures.from_record(row.record),
                predictions=said.get(row.photo_id, {}),
                claimed=row.claimed,
                category=row.category,
            ),
        )


def _gather_maps(
    session: Session, measured: Sequence[Measured]
) -> Iterator[tuple[Measured, Evidence]]:
    overlaps = flag_values.map_current(
        session,
        kind="evidence_differs",
        photo_ids=[row.photo_id for row in measured],
        version_ids=model_queries.list_usable_ids(session),
    )
    for row, evidence in _gather_opinions(session, measured):
        yield row, replace(evidence, overlap=overlaps.get(row.photo_id))


def _gather_copies(
    session: Session, measured: Sequence[Measured]
) -> Iterator[tuple[Measured, Evidence]]:
    sharers = copy_flags.find_sharers(session, image_ids={row.image_id for row in measured})
    for row in measured:
        yield row, copy_flags.make_evidence(row, sharers[row.image_id])


def _read_gathered(held: Held) -> Mapping[int, float]:
    found = gather(held.session, held.row, held.measured)
    return {photo.photo_id: held.row.value(evidence) for photo, evidence in found}


def _read_margins(held: Held) -> Mapping[int, float]:
    """Leave out listings without a claim, and those that are judged by a rate."""
    rated = claims.map_p_values(held.session, batch_id=held.batch_id)
    by_rate = {photo.listing_id for photo in held.measured if photo.photo_id in rated}
    mine = [each for each in held.measured if each.claimed and each.listing_id not in by_rate]
    found = _gather_by_parts(held.session, _gather_opinions, mine)
    return {photo.photo_id: held.row.value(evidence) for photo, evidence in found}


def _read_claims(held: Held) -> Mapping[int, float]:
    """Claims for which one limit holds are judged together, so their rates are read together."""
    p_values = claims.map_p_values(held.session, batch_id=held.batch_id)
    judged = [
        photo.photo_id
        for photo in held.measured
        if photo.photo_id in p_values and photo.state in UNDECIDED
    ]
    if not judged:
        return {}
    rates = false_alarm_rates(np.array([p_values[photo_id] for photo_id in judged]))
    return dict(zip(judged, rates.tolist(), strict=True))


def _read_kept(held: Held) -> Mapping[int, float]:
    kept = flag_values.map_values(held.session, kind=held.row.key, batch_id=held.batch_id)
    mine = {photo.photo_id for photo in held.measured}
    return {photo_id: value for photo_id, value in kept.items() if photo_id in mine}


SOURCES: Mapping[str, LimitSource] = {
    "measures": LimitSource("flags", _read_gathered, gather=_gather_measures),
    "opinions": LimitSource("flags", _read_gathered, gather=_gather_opinions),
    "copies": LimitSource("flags", _read_gathered, gather=_gather_copies),
    "maps": LimitSource("flags", _read_gathered, gather=_gather_maps),
    "margins": LimitSource(claims.JOB, _read_margins, ask=claims.ask_checks),
    "claims": LimitSource(claims.JOB, _read_claims, ask=claims.ask_checks),
    "known": LimitSource(renewals.JOB, _read_kept, ask=renewals.ask),
}
"""By ``FlagLimit.source``."""
