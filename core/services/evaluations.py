"""What was measured of the models: read from the database and the files beside the models.

No torch in here: the pages use it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import NotFoundError
from core.evaluation import Interval, Pictures, PredictionFile, Predictions, group_labels
from core.evaluation.bootstrap import RESAMPLES
from core.evaluation.coverage import CoveragePoint
from core.evaluation.figures import Part, measure_figures
from core.evaluation.grouping import Groups
from core.evaluation.reliability import ReliabilityBin
from core.evaluation.report import ShotCount
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
_FILES_IN_MEMORY = 16
_NARROWED_IN_MEMORY = 256
_FEWEST_RESAMPLES = 100
_WEIGHTS_WHILE_ONE_WAITS = 2_000_000  # a third of a second for each evaluation


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which pictures count, by their true category; empty takes all of them.

    Attributes:
        words: Parts of the category path, in any order, whatever their case.
        group: The coarse category (``core.evaluation.group_of``).
    """

    words: str = ""
    group: str | None = None

    @property
    def is_open(self) -> bool:
        return not self.words.strip() and self.group is None


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
        file_names = {row.id: row.file_name for row, _ in found}
    if narrowing is None or narrowing.is_open:
        return tuple(summaries)
    narrowed = (
        _narrow(settings, summary, file_names[summary.id], narrowing) for summary in summaries
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


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The file of an evaluation, in memory: the likeliest label of each picture.

    Attributes:
        labels: The model's category paths.
        of_label: Index of each label.
    """

    labels: tuple[str, ...]
    groups: Groups
    predictions: Predictions
    pictures: Pictures
    of_label: Mapping[str, int] = field(repr=False)

    def select(self, narrowing: Narrowing) -> NDArray[np.bool_]:
        """Return which pictures have a label that the model knows and that counts, (N,)."""
        allowed = np.array([_counts(label, group, narrowing) for label, group in self._pairs()])
        chosen: NDArray[np.bool_] = self.predictions.known & allowed[self.predictions.targets]
        return chosen

    def _pairs(self) -> Sequence[tuple[str, str]]:
        names = self.groups.names
        return [
            (label, names[at])
            for label, at in zip(self.labels, self.groups.of_label.tolist(), strict=True)
        ]


def find_rows(session: Session, evaluation_id: int) -> tuple[EvaluationRow, ModelVersionRow | None]:
    """Return the evaluation and its version.

    Raises:
        NotFoundError: No evaluation has this id.
    """
    found = queries.find_with_version(session, evaluation_id=evaluation_id)
    if found is None:
        raise NotFoundError(f"no evaluation {evaluation_id}")
    return found


def load_measured(engine: sa.Engine, settings: Settings, *, evaluation_id: int) -> Measured:
    """Return the predictions of an evaluation.

    Raises:
        NotFoundError: No evaluation has this id, or its file is missing.
    """
    with reading(engine) as session:
        row, _ = find_rows(session, evaluation_id)
        return read_measured(settings, row.file_name)


def read_measured(settings: Settings, file_name: str) -> Measured:
    """Return the predictions of a file.

    Raises:
        NotFoundError: It is missing or damaged.
    """
    return _read_measured(str(settings.evaluations_dir / file_name))


@lru_cache(maxsize=_FILES_IN_MEMORY)
def _read_measured(path: str) -> Measured:
    """A file never changes under its name, so it is read once a process."""
    file = PredictionFile(Path(path))
    labels = file.header.labels
    return Measured(
        labels=labels,
        groups=group_labels(labels),
        predictions=file.read_predictions(),
        pictures=file.read_pictures(),
        of_label={label: at for at, label in enumerate(labels)},
    )


def _counts(label: str, group: str, narrowing: Narrowing) -> bool:
    found = label.casefold()
    in_group = narrowing.group is None or group == narrowing.group
    return in_group and all(word in found for word in narrowing.words.casefold().split())


def _narrow(
    settings: Settings, summary: EvaluationSummary, file_name: str, narrowing: Narrowing
) -> EvaluationSummary:
    count, figures = _measure_narrowed(read_measured(settings, file_name), narrowing)
    return replace(summary, pictures=count, unknown_pictures=0, figures=figures)


@lru_cache(maxsize=_NARROWED_IN_MEMORY)
def _measure_narrowed(
    measured: Measured, narrowing: Narrowing
) -> tuple[int, Mapping[str, Interval]]:
    """Return how many pictures count, and their figures; somebody waits for it on a page."""
    chosen = measured.predictions.take(measured.select(narrowing))
    affordable = _WEIGHTS_WHILE_ONE_WAITS // max(1, len(chosen))
    resamples = min(RESAMPLES, max(_FEWEST_RESAMPLES, affordable))
    return len(chosen), measure_figures(chosen, measured.groups, None, resamples=resamples)


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
