"""What was measured of the models: read from the database and the files beside the models.

No torch in here: the pages use it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import NotFoundError
from core.evaluation import Interval
from core.evaluation.coverage import CoveragePoint
from core.evaluation.figures import Part
from core.evaluation.reliability import ReliabilityBin
from core.evaluation.report import ShotCount
from core.services.narrowing import Measured, Narrowing, measure_narrowed, read_measured
from core.settings import Settings
from db.engine import reading
from db.queries import evaluations as queries
from db.queries import models as model_queries
from db.queries.evaluations import DataSet, EvaluationFilter
from db.rows import EvaluationRow, ModelVersionRow
from db.states import ModelState

__all__ = [
    "DataSet",
    "EvaluationDetail",
    "EvaluationFilter",
    "EvaluationSummary",
    "Measured",
    "Member",
    "Narrowing",
    "ShotCount",
    "get_evaluation",
    "list_data_sets",
    "list_evaluations",
    "list_groups",
    "resolve_model",
]

ENSEMBLE = "ensemble"
MAX_EVALUATIONS = 500


@dataclass(frozen=True, slots=True)
class Member:
    """A model version in an ensemble."""

    version_id: int
    weight: float


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """One subject on one split of one data set.

    Attributes:
        name: Architecture and digest of the version, or ``ensemble`` and its members.
        arch: ``ensemble`` for an ensemble.
        pictures: Whose labels are known, after the narrowing.
        unknown_pictures: Whose label the model does not know; in no figure.
        unreadable_pictures: Which could not be decoded.
        figures: By key of ``core.evaluation.FIGURES``.
        test_reads: How often the version was shown this test split; honest is 1.
        macs: Multiply-accumulates of one picture; None where it was not measured.
        images_per_s: Through the network, on the machine of the evaluation.
    """

    id: int
    name: str
    arch: str
    version_id: int | None
    version_state: str | None
    members: tuple[Member, ...]
    data_name: str
    data_digest: str
    split: str
    created_at: datetime
    pictures: int
    unknown_pictures: int
    unreadable_pictures: int
    temperature: float
    figures: Mapping[str, Interval]
    parameters: int | None
    file_bytes: int | None
    macs: int | None
    images_per_s: float | None
    machine: str
    test_reads: int


@dataclass(frozen=True, slots=True)
class EvaluationDetail:
    """One evaluation with all that is drawn of it.

    Attributes:
        reliability_before: Without temperature scaling.
        unknown: Pictures by label that the model does not know.
    """

    summary: EvaluationSummary
    groups: tuple[Part, ...]
    shots: tuple[ShotCount, ...]
    reliability_before: tuple[ReliabilityBin, ...]
    reliability_after: tuple[ReliabilityBin, ...]
    coverage: tuple[CoveragePoint, ...]
    unknown: Mapping[str, int]


def list_evaluations(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    only: EvaluationFilter | None = None,
    narrowing: Narrowing | None = None,
) -> tuple[EvaluationSummary, ...]:
    """Return the evaluations that match, newest first, at most ``MAX_EVALUATIONS``.

    Narrowed, their figures are measured anew over the pictures that count; an evaluation
    without such pictures is left out.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        NotFoundError: Narrowed, and a file of predictions is missing.
    """
    require(actor, "dashboards")
    with reading(engine) as session:
        found = queries.list_evaluations(
            session, only=only or EvaluationFilter(), limit=MAX_EVALUATIONS
        )
        reads = queries.count_test_reads(
            session, version_ids=[version.id for _, version in found if version]
        )
        summaries = [_summary(row, version, reads) for row, version in found]
        if narrowing is None or narrowing.is_open:
            return tuple(summaries)
        taught = [count_training(session, row, version) for row, version in found]
        file_names = [row.file_name for row, _ in found]
    narrowed = (
        _narrow(settings, summary, file_name, counts, narrowing)
        for summary, file_name, counts in zip(summaries, file_names, taught, strict=True)
    )
    return tuple(summary for summary in narrowed if summary.pictures)


def get_evaluation(engine: sa.Engine, *, actor: Actor, evaluation_id: int) -> EvaluationDetail:
    """Return one evaluation.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        NotFoundError: No evaluation has this id.
    """
    require(actor, "dashboards")
    with reading(engine) as session:
        row, version = find_rows(session, evaluation_id)
        reads = queries.count_test_reads(session, version_ids=[version.id] if version else [])
        return _detail(row.metrics, _summary(row, version, reads))


def list_data_sets(engine: sa.Engine, *, actor: Actor) -> tuple[DataSet, ...]:
    """Return the splits of data sets that something was measured on, the latest first.

    Raises:
        ForbiddenError: The actor may not see dashboards.
    """
    require(actor, "dashboards")
    with reading(engine) as session:
        return tuple(queries.list_data_sets(session))


def list_groups(engine: sa.Engine, *, actor: Actor, evaluation_id: int) -> tuple[str, ...]:
    """Return the coarse categories that an evaluation has pictures of, sorted.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        NotFoundError: No evaluation has this id.
    """
    detail = get_evaluation(engine, actor=actor, evaluation_id=evaluation_id)
    return tuple(part.name for part in detail.groups)


def resolve_model(engine: sa.Engine, *, actor: Actor, model: str) -> int | None:
    """Return the version that a person means: by id, or by architecture the one in use.

    Of an architecture without an active version it is the newest; None is ``ensemble``.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        NotFoundError: There is none.
    """
    require(actor, "dashboards")
    if model == ENSEMBLE:
        return None
    with reading(engine) as session:
        versions = model_queries.list_versions(session)
        named = [row for row in versions if model in (row.arch, str(row.id))]
        named.sort(key=lambda row: row.state != ModelState.ACTIVE)
        if not named:
            known = ", ".join(f"{row.id} ({row.arch})" for row in versions) or "none yet"
            raise NotFoundError(f"no model version has the id or architecture {model!r}: {known}")
        return named[0].id


# --- for the other services of evaluations -----------------------------------------------------


def find_rows(session: Session, evaluation_id: int) -> tuple[EvaluationRow, ModelVersionRow | None]:
    """Return the evaluation and its version.

    Raises:
        NotFoundError: No evaluation has this id.
    """
    found = queries.find_with_version(session, evaluation_id=evaluation_id)
    if found is None:
        raise NotFoundError(f"no evaluation {evaluation_id}")
    return found


def count_training(
    session: Session, row: EvaluationRow, version: ModelVersionRow | None
) -> Mapping[str, int]:
    """Return the training pictures of each label: of the version, or of the ensemble's members."""
    members = [version] if version else [_find_member(session, member) for member in row.members]
    return merge_train_counts([each for each in members if each])


def merge_train_counts(versions: Sequence[ModelVersionRow]) -> Mapping[str, int]:
    """Return the training pictures of each label that a version knows; the last one's word."""
    counts: dict[str, int] = {}
    for version in versions:
        trained = version.metrics.get("train_counts", ())
        counts |= dict(zip(version.labels, trained, strict=False))
    return counts


def _find_member(session: Session, member: Mapping[str, Any]) -> ModelVersionRow | None:
    return model_queries.find_version(session, version_id=member["version_id"])


def load_measured(engine: sa.Engine, settings: Settings, *, evaluation_id: int) -> Measured:
    """Return the predictions of an evaluation.

    Raises:
        NotFoundError: No evaluation has this id, or its file is missing.
    """
    with reading(engine) as session:
        row, _ = find_rows(session, evaluation_id)
        return read_measured(settings, row.file_name)


def _narrow(
    settings: Settings,
    summary: EvaluationSummary,
    file_name: str,
    taught: Mapping[str, int],
    narrowing: Narrowing,
) -> EvaluationSummary:
    count, figures = measure_narrowed(settings, file_name, taught, narrowing)
    return replace(summary, pictures=count, unknown_pictures=0, figures=figures)


def _summary(
    row: EvaluationRow, version: ModelVersionRow | None, reads: Mapping[tuple[int, str], int]
) -> EvaluationSummary:
    metrics = row.metrics
    model = metrics.get("model", {})
    return EvaluationSummary(
        id=row.id,
        name=f"{version.arch} {version.digest[:8]}" if version else ENSEMBLE,
        arch=version.arch if version else ENSEMBLE,
        version_id=row.model_version_id,
        version_state=version.state if version else None,
        members=tuple(Member(**member) for member in row.members),
        data_name=row.data_name,
        data_digest=row.data_digest,
        split=row.split,
        created_at=row.created_at,
        pictures=row.pictures - metrics["unknown_pictures"],
        unknown_pictures=metrics["unknown_pictures"],
        unreadable_pictures=metrics.get("unreadable_pictures", 0),
        temperature=metrics["temperature"],
        figures={key: Interval(**value) for key, value in metrics["figures"].items()},
        parameters=model.get("parameters"),
        file_bytes=model.get("file_bytes"),
        macs=model.get("macs"),
        images_per_s=model.get("images_per_s"),
        machine=model.get("machine", ""),
        test_reads=reads.get((row.model_version_id or 0, row.data_digest), 0),
    )


def _detail(metrics: Mapping[str, Any], summary: EvaluationSummary) -> EvaluationDetail:
    reliability = metrics["reliability"]
    return EvaluationDetail(
        summary=summary,
        groups=tuple(_part(part) for part in metrics["groups"]),
        shots=tuple(ShotCount(**shot) for shot in metrics["shots"]),
        reliability_before=tuple(ReliabilityBin(**each) for each in reliability["before"]),
        reliability_after=tuple(ReliabilityBin(**each) for each in reliability["after"]),
        coverage=tuple(CoveragePoint(**point) for point in metrics["coverage"]),
        unknown=metrics["unknown"],
    )


def _part(stored: Mapping[str, Any]) -> Part:
    return Part(**{**stored, "interval": Interval(**stored["interval"])})
