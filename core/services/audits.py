"""Label audits: what they found, and what people make of it. No torch: the pages use it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.audit.files import AuditedPhoto, read_photos
from core.errors import InvalidInputError, NotFoundError
from core.services import jobs
from core.settings import Settings
from db.engine import reading, transaction
from db.queries import audits as queries
from db.queries.audits import FindingFilter, FoundAudit, FoundFinding, Tally
from db.rows import AuditVerdictRow

__all__ = ["AuditRequest", "AuditSummary", "Finding", "FindingFilter", "Tally"]

JOB_KIND = "audit"
DEFAULT_FALSE_ALARMS = 0.1
_FILES_IN_MEMORY = 4


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """What is to be gone through.

    Attributes:
        data: ``reviewed``, or the path of labelled data in any layout.
        branch: Only categories of this path and below it; empty for all.
        trusted: Labelled data that a person has confirmed, or empty: photos of the same content
            and category count as right.
        false_alarms: Share of unfounded findings to allow, above 0, below 1.
    """

    data: str
    branch: str = ""
    trusted: str = ""
    false_alarms: float = DEFAULT_FALSE_ALARMS

    def check(self) -> None:
        """Raise InvalidInputError unless it can be used."""
        if not self.data:
            raise InvalidInputError("say where the photos are: a folder or a file on this server")
        if not 0 < self.false_alarms < 1:
            raise InvalidInputError(
                f"false alarms are a share above 0 and below 1, such as 0.1, "
                f"not {self.false_alarms:g}"
            )


@dataclass(frozen=True, slots=True)
class Skipped:
    """A photo that was not judged, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """A catalogue that was gone through.

    Attributes:
        findings: At the share of false alarms that was asked for; ``settled`` of these.
        trusted: Photos confirmed by a person that the share rests on; 0 where it is an estimate.
        skipped: The first of the ``skipped_photos``.
    """

    id: int
    data_name: str
    data: str
    created_at: datetime
    created_by: str
    photos: int
    categories: int
    false_alarms: float
    trusted: int
    findings: int
    settled: int
    skipped_photos: int
    skipped: tuple[Skipped, ...]

    def promise(self, findings: int, rate: float) -> str:
        """Return how many of so many findings to expect to be unfounded, as a sentence."""
        if not findings:
            return f"Nothing can be flagged with at most {rate:.0%} unfounded."
        what = "this 1 finding" if findings == 1 else f"these {findings:,} findings"
        most = f"Of {what}, expect at most {rate:.0%} to be unfounded"
        if self.trusted:
            return f"{most}: that is measured on {self.trusted:,} photos that a person confirmed."
        return f"{most}: an estimate from the scores, since no photo was given as confirmed."


@dataclass(frozen=True, slots=True)
class AlikePhoto:
    """A photo of an audit, by its row."""

    index: int
    path: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A photo whose claimed category is likely wrong.

    Attributes:
        photo: Row of the audit's photos.
        wrong: Estimated probability that the claim is wrong.
        rate: Share to expect to be unfounded of all findings down to this one.
        label: The category that somebody gave it, and who; None while it is open.
        alike_claimed: The nearest photos of the claimed category; so with the suggested one.
    """

    id: int
    rank: int
    photo: int
    path: str
    claimed: str
    suggested: str
    wrong: float
    rate: float
    label: str | None
    settled_by: str | None
    alike_claimed: tuple[AlikePhoto, ...]
    alike_suggested: tuple[AlikePhoto, ...]


def start_audit(engine: sa.Engine, *, actor: Actor, request: AuditRequest) -> int:
    """Ask the worker for an audit; return the job's id.

    Raises:
        ForbiddenError: The actor may not train, which shows any file of the server too.
        InvalidInputError: The request cannot be used.
    """
    require(actor, jobs.JOB_PERMISSIONS[JOB_KIND])
    request.check()
    placed = replace(request, data=_place(request.data), trusted=_place(request.trusted))
    params = asdict(placed)
    with transaction(engine) as session:
        return jobs.add_job(session, kind=JOB_KIND, actor=actor, params=params)


def _place(data: str) -> str:
    """Return the whole path: the worker may stand in another folder."""
    return str(Path(data).resolve()) if data and Path(data).exists() else data


def list_audits(engine: sa.Engine, *, actor: Actor, limit: int = 100) -> tuple[AuditSummary, ...]:
    """Return audits, newest first.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    with reading(engine) as session:
        return tuple(map(_summary, queries.list_audits(session, limit=limit)))


def get_audit(engine: sa.Engine, *, actor: Actor, audit_id: int) -> AuditSummary:
    """Return one audit.

    Raises:
        ForbiddenError: The actor may not review.
        NotFoundError: No audit has this id.
    """
    require(actor, "review")
    with reading(engine) as session:
        return _summary(_find(session, audit_id))


def get_newest(engine: sa.Engine, *, actor: Actor) -> AuditSummary:
    """Return the newest audit; raises NotFoundError where there is none."""
    found = list_audits(engine, actor=actor, limit=1)
    if not found:
        raise NotFoundError("there is no audit yet; first run: catalens audit-labels --data PATH")
    return found[0]


def list_findings(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    audit_id: int,
    only: FindingFilter,
    limit: int,
    after_rank: int = 0,
) -> tuple[Finding, ...]:
    """Return findings of an audit, the most suspect first.

    Args:
        after_rank: Last rank of the page before; 0 starts over.

    Raises:
        ForbiddenError: The actor may not review.
        NotFoundError: No audit has this id, or its file is gone.
    """
    require(actor, "review")
    with reading(engine) as session:
        photos = _read(settings.audits_dir / _find(session, audit_id).row.file_name)
        found = queries.list_findings(
            session, audit_id=audit_id, only=only, limit=limit, after_rank=after_rank
        )
        return tuple(_finding(each, photos) for each in found)


def tally(engine: sa.Engine, *, actor: Actor, audit_id: int, only: FindingFilter) -> Tally:
    """Count the findings that the filter leaves, and those of them that are settled."""
    require(actor, "review")
    with reading(engine) as session:
        return queries.tally(session, audit_id=audit_id, only=only)


def count_claimed(
    engine: sa.Engine, *, actor: Actor, audit_id: int, rate: float
) -> tuple[tuple[str, int], ...]:
    """Return the claimed categories of findings of at most this rate, with how many each has."""
    require(actor, "review")
    with reading(engine) as session:
        return tuple(queries.count_claimed(session, audit_id=audit_id, rate=rate))


def list_audited(
    engine: sa.Engine, settings: Settings, *, actor: Actor, audit_id: int
) -> Sequence[AuditedPhoto]:
    """Return the photos of an audit by their rows.

    Raises:
        ForbiddenError: The actor may not review.
        NotFoundError: No audit has this id, or its file is gone.
    """
    require(actor, "review")
    with reading(engine) as session:
        return _read(settings.audits_dir / _find(session, audit_id).row.file_name)


def list_labels(
    engine: sa.Engine, settings: Settings, *, actor: Actor, audit_id: int
) -> tuple[str, ...]:
    """Return the categories of the audited catalogue, sorted; raises as ``list_audited``."""
    require(actor, "review")
    with reading(engine) as session:
        return _labels(settings.audits_dir / _find(session, audit_id).row.file_name)


def settle(
    engine: sa.Engine, settings: Settings, *, actor: Actor, finding_id: int, label: str
) -> None:
    """Keep which category a finding's photo has; the same word again changes nothing.

    Raises:
        ForbiddenError: The actor may not review.
        InvalidInputError: The audited catalogue has no such category.
        NotFoundError: No finding has this id.
    """
    require(actor, "review")
    with transaction(engine) as session:
        row, before = _lock(session, finding_id)
        labels = _labels(settings.audits_dir / _find(session, row.audit_id).row.file_name)
        if label not in labels:
            raise InvalidInputError(
                f"the audited catalogue has no category {label!r}; choose one of its "
                f"{len(labels):,}, such as {labels[0]!r}"
            )
        if label != before:
            session.add(AuditVerdictRow(finding_id=finding_id, label=label, user_id=actor.id))


def take_back(engine: sa.Engine, *, actor: Actor, finding_id: int) -> None:
    """Open a settled finding again; what was said stays on record.

    Raises:
        ForbiddenError: The actor may not review.
        NotFoundError: No finding has this id.
    """
    require(actor, "review")
    with transaction(engine) as session:
        _, before = _lock(session, finding_id)
        if before is not None:
            session.add(AuditVerdictRow(finding_id=finding_id, label=None, user_id=actor.id))


@lru_cache(maxsize=_FILES_IN_MEMORY)
def _read(path: Path) -> tuple[AuditedPhoto, ...]:
    """Read a file, which never changes."""
    return read_photos(path)


@lru_cache(maxsize=_FILES_IN_MEMORY)
def _labels(path: Path) -> tuple[str, ...]:
    return tuple(sorted({photo.claimed for photo in _read(path)}))


def _find(session: Session, audit_id: int) -> FoundAudit:
    found = queries.find_audit(session, audit_id=audit_id)
    if found is None:
        raise NotFoundError(f"no audit {audit_id}")
    return found


def _lock(session: Session, finding_id: int) -> tuple[Any, str | None]:
    found = queries.find_finding_for_update(session, finding_id=finding_id)
    if found is None:
        raise NotFoundError(f"no finding {finding_id}; reload the page")
    return found


def _summary(found: FoundAudit) -> AuditSummary:
    row = found.row
    return AuditSummary(
        id=row.id,
        data_name=row.data_name,
        data=row.data,
        created_at=row.created_at,
        created_by=found.user,
        photos=row.photos,
        categories=row.categories,
        false_alarms=row.false_alarms,
        trusted=row.trusted,
        findings=found.findings,
        settled=found.settled,
        skipped_photos=row.skipped_photos,
        skipped=tuple(Skipped(**each) for each in row.skipped),
    )


def _finding(found: FoundFinding, photos: Sequence[AuditedPhoto]) -> Finding:
    row = found.row
    claimed, suggested = (
        tuple(AlikePhoto(index, photos[index].path) for index in row.alike[side])
        for side in ("claimed", "suggested")
    )
    return Finding(
        id=row.id,
        rank=row.rank,
        photo=row.photo,
        path=photos[row.photo].path,
        claimed=row.claimed,
        suggested=row.suggested,
        wrong=row.wrong,
        rate=row.rate,
        label=found.label,
        settled_by=found.user if found.label is not None else None,
        alike_claimed=claimed,
        alike_suggested=suggested,
    )
