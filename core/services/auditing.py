"""Go through labelled data for wrong labels, and keep what was found; also as a job."""

import os
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from core.actors import Actor, require
from core.audit.files import AuditedPhoto, write_photos
from core.audit.judging import Judged, bytes_needed, find_alike, judge
from core.audit.looking import Eye, Looked
from core.errors import InvalidInputError, JobCancelledError, NotFoundError
from core.evaluation.grouping import SEPARATOR
from core.imaging import ImageLimits
from core.services.audits import JOB_KIND, AuditRequest, AuditSummary, Skipped, get_audit
from core.services.datasets import open_dataset
from core.services.jobs import JOB_PERMISSIONS
from core.services.outside_photos import hash_file
from core.settings import Settings
from core.training.data.likeness import find_pairs
from core.training.data.samples import Dataset, Sample
from core.training.data.scanning import Fingerprint, Unusable
from core.training.data.splitting import group_samples
from db.engine import reading, transaction
from db.queries import audits as queries
from db.queries import jobs as job_queries
from db.rows import UserRow

READING, JUDGING = "looking at photos", "comparing labels"
MAX_FINDINGS = 10_000
LEAST_KEPT_RATE = 0.5  # findings beyond the share asked for are kept as well, to look further
_MAX_SKIPPED = 1000
_MAX_NAME, _MAX_PATH = 200, 4000  # as AuditRow holds them
_SINGLE = "it is the only photo of its category, or all others show the same"
_READING_SHARE = 0.7
_REPORT_EVERY_S = 0.5

OnProgress = Callable[[str, int, int], None]
"""Called with the stage, steps done and steps in all; may raise to stop."""


@dataclass(frozen=True, slots=True, eq=False)
class _Material:
    """The photos of a catalogue and what was seen of them.

    Attributes:
        groups: Of what shows the same, (N,).
        problems: Why a photo is not judged; empty for the others.
    """

    samples: tuple[Sample, ...]
    looked: Looked
    groups: NDArray[np.int64]
    problems: tuple[str, ...]

    @property
    def judged(self) -> NDArray[np.int64]:
        """Rows of the photos that are judged."""
        return np.flatnonzero([not problem for problem in self.problems])

    def digest(self, row: int) -> str:
        found = self.looked.scanned[row]
        return found.sha256 if isinstance(found, Fingerprint) else ""


def audit_labels(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    request: AuditRequest,
    on_progress: OnProgress,
    name: str = "",
) -> AuditSummary:
    """Judge every claimed category of the data by what the other photos teach.

    Args:
        name: Of the audit's file, without its ending; one of chance without it.

    Raises:
        ForbiddenError: The actor may not train.
        InvalidInputError: The data cannot be used, or is too large for the memory.
        WeightsUnavailableError: The packaged weights are not installed.
    """
    require(actor, JOB_PERMISSIONS[JOB_KIND])
    request.check()
    dataset = open_dataset(
        engine, settings, actor=actor, data=request.data, to_train=False, may_lack_files=True
    )
    confirmed = _list_confirmed(engine, settings, actor, request)
    material = _look(settings, dataset, request, on_progress)
    rows = material.judged
    labels, claimed = _index_labels(material, rows, dataset.name)
    trusted = np.array(
        [(material.digest(row), material.samples[row].label) in confirmed for row in rows.tolist()]
    )
    _require_trusted(request, trusted)
    judged = judge(
        material.looked.features[rows],
        claimed,
        material.groups[rows].tolist(),
        trusted,
        lambda done, total: on_progress(JUDGING, done, total),
    )
    file_name = f"{name or uuid.uuid4().hex}.parquet"
    write_photos(settings.audits_dir / file_name, _describe_photos(material, labels, judged))
    findings = _list_findings(material, labels, claimed, judged, trusted, request)
    values = _describe(material, request, dataset.name) | {
        "user_id": actor.id,
        "categories": len(labels),
        "trusted": int(trusted.sum()),
        "file_name": file_name,
    }
    with transaction(engine) as session:
        audit_id = queries.insert_audit(session, values=values, findings=findings)
    return get_audit(engine, actor=actor, audit_id=audit_id)


def _describe(material: _Material, request: AuditRequest, data_name: str) -> dict[str, Any]:
    """Return what an audit keeps of what it looked at."""
    return {
        "data_name": data_name[:_MAX_NAME],
        "data": request.data[:_MAX_PATH],
        "photos": len(material.judged),
        "false_alarms": request.false_alarms,
        "skipped_photos": len(material.samples) - len(material.judged),
        "skipped": _list_skipped(material),
    }


def run_audit_job(engine: sa.Engine, settings: Settings, job_id: int) -> None:
    """Do the audit that a job asks for; one that was killed goes on where it was.

    Progress: step, fraction, seconds_left.

    Raises:
        NotFoundError: No job has this id.
        JobCancelledError: The job was cancelled; and whatever ``audit_labels`` raises.
    """
    name = f"job-{job_id}"
    with reading(engine) as session:
        job = job_queries.find_job(session, job_id=job_id)
        if job is None:
            raise NotFoundError(f"no job {job_id}")
        if queries.find_by_file(session, file_name=f"{name}.parquet") is not None:
            return
        request = AuditRequest(**job.params)
        user = session.get_one(UserRow, job.created_by)
        actor = Actor(id=user.id, name=user.name, role=user.role)
    report = _Report(engine, job_id)
    audit_labels(engine, settings, actor=actor, request=request, on_progress=report, name=name)


class _Report:
    """Writes the job's progress, and asks whether it was cancelled, twice a second at most."""

    def __init__(self, engine: sa.Engine, job_id: int) -> None:
        self._engine, self._job_id = engine, job_id
        self._started_at = time.monotonic()
        self._last: tuple[str, float] = ("", 0.0)

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage == self._last[0] and now - self._last[1] < _REPORT_EVERY_S:
            return
        self._last = (stage, now)
        share = done / max(total, 1)
        fraction = (
            _READING_SHARE * share
            if stage == READING
            else _READING_SHARE + (1 - _READING_SHARE) * share
        )
        left = (now - self._started_at) * (1 - fraction) / fraction if fraction > 0.02 else None
        progress = {"step": stage, "fraction": fraction, "seconds_left": left}
        with transaction(self._engine) as session:
            if job_queries.is_cancelled(session, job_id=self._job_id):
                raise JobCancelledError(f"job {self._job_id} was cancelled")
            job_queries.set_progress(session, job_id=self._job_id, progress=progress)


def _list_confirmed(
    engine: sa.Engine, settings: Settings, actor: Actor, request: AuditRequest
) -> frozenset[tuple[str, str]]:
    """Return (SHA-256, category) of what a person has confirmed."""
    if not request.trusted:
        return frozenset()
    found = open_dataset(engine, settings, actor=actor, data=request.trusted, to_train=False)
    return frozenset((hash_file(sample.path), sample.label) for sample in found.samples)


def _require_trusted(request: AuditRequest, trusted: NDArray[np.bool_]) -> None:
    if request.trusted and not trusted.any():
        raise InvalidInputError(
            f"no photo of {request.data} has the content and the category of one in "
            f"{request.trusted}; confirmed photos must be among those that are audited"
        )


def _look(
    settings: Settings, dataset: Dataset, request: AuditRequest, on_progress: OnProgress
) -> _Material:
    samples = tuple(s for s in dataset.samples if _is_within(s.label, request.branch))
    if not samples:
        raise InvalidInputError(f"{dataset.name} has no category {request.branch!r} or below it")
    eye = Eye(
        settings.cache_dir / "features",
        ImageLimits.of(settings),
        device=settings.device,
        threads=settings.decode_threads,
    )
    looked = eye.look_at(
        [sample.path for sample in samples], lambda done, total: on_progress(READING, done, total)
    )
    prints = [each if isinstance(each, Fingerprint) else None for each in looked.scanned]
    names = [sample.label for sample in samples]
    digests = [each.sha256 if each else "" for each in prints]
    items = [sample.item for sample in samples]
    groups = np.array(group_samples(names, digests, items, find_pairs(prints, names)))
    return _Material(samples, looked, groups, _list_problems(samples, looked, groups))


def _is_within(label: str, branch: str) -> bool:
    return not branch or label == branch or label.startswith(f"{branch}{SEPARATOR}")


def _list_problems(
    samples: Sequence[Sample], looked: Looked, groups: NDArray[np.int64]
) -> tuple[str, ...]:
    """Return for each photo why it cannot be judged, or nothing."""
    seen: defaultdict[str, set[int]] = defaultdict(set)
    for sample, found, group in zip(samples, looked.scanned, groups.tolist(), strict=True):
        if isinstance(found, Fingerprint):
            seen[sample.label].add(group)
    return tuple(
        found.message if isinstance(found, Unusable) else _SINGLE * (len(seen[sample.label]) < 2)
        for sample, found in zip(samples, looked.scanned, strict=True)
    )


def _index_labels(
    material: _Material, rows: NDArray[np.int64], name: str
) -> tuple[list[str], NDArray[np.int64]]:
    """Return the categories that are judged, and which of them each photo claims.

    Raises:
        InvalidInputError: There are fewer than two, or too many for the memory.
    """
    names = [material.samples[row].label for row in rows.tolist()]
    labels = sorted(set(names))
    if len(labels) < 2:
        found = f" ({labels[0]!r})" if labels else ""
        raise InvalidInputError(
            f"{name} has {len(labels)} categories with at least two different photos that can be "
            f"read{found}; an audit compares categories and needs at least 2"
        )
    needed, there = bytes_needed(len(rows), len(labels)), _memory_bytes() // 2
    if needed > there:
        raise InvalidInputError(
            f"{len(rows):,} photos of {len(labels):,} categories take about {needed / 1e9:,.1f} GB "
            f"of memory at once, and this machine gives {there / 1e9:,.1f} GB; audit one branch of "
            "categories at a time (--branch)"
        )
    index_of = {label: at for at, label in enumerate(labels)}
    return labels, np.array([index_of[each] for each in names], np.int64)


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _describe_photos(
    material: _Material, labels: Sequence[str], judged: Judged
) -> list[AuditedPhoto]:
    place = {row: at for at, row in enumerate(material.judged.tolist())}
    photos = []
    for row, sample in enumerate(material.samples):
        at = place.get(row)
        photos.append(
            AuditedPhoto(
                path=str(sample.path.resolve()),
                sha256=material.digest(row),
                claimed=sample.label,
                suggested=sample.label if at is None else labels[judged.suggested[at]],
                wrong=None if at is None else float(judged.wrong[at]),
                problem=material.problems[row],
            )
        )
    return photos


def _list_findings(
    material: _Material,
    labels: Sequence[str],
    claimed: NDArray[np.int64],
    judged: Judged,
    trusted: NDArray[np.bool_],
    request: AuditRequest,
) -> list[Mapping[str, Any]]:
    """Return the findings as they are stored, the most suspect first."""
    kept = judged.rates <= max(request.false_alarms, LEAST_KEPT_RATE)
    flagged = np.flatnonzero(kept & ~trusted & (judged.suggested != claimed))
    order = flagged[np.argsort(-judged.wrong[flagged], kind="stable")][:MAX_FINDINGS]
    rows = material.judged
    seen = (material.looked.features[rows], order.tolist(), claimed)
    groups = material.groups[rows]
    alike = [find_alike(*seen, each[order], groups) for each in (claimed, judged.suggested)]
    return [
        {
            "rank": rank,
            "photo": int(rows[at]),
            "claimed": labels[claimed[at]],
            "suggested": labels[judged.suggested[at]],
            "wrong": float(judged.wrong[at].clip(0.0, 1.0)),
            "rate": float(judged.rates[at]),
            "alike": {
                "claimed": rows[np.array(alike[0][rank - 1], np.int64)].tolist(),
                "suggested": rows[np.array(alike[1][rank - 1], np.int64)].tolist(),
            },
        }
        for rank, at in enumerate(order.tolist(), start=1)
    ]


def _list_skipped(material: _Material) -> list[dict[str, Any]]:
    found = (
        Skipped(str(sample.path), problem)
        for sample, problem in zip(material.samples, material.problems, strict=True)
        if problem
    )
    return [asdict(each) for _, each in zip(range(_MAX_SKIPPED), found, strict=False)]
