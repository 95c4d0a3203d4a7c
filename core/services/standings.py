"""The models side by side on one data set, the best first, and what that says.

No torch in here: the pages use it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from core.actors import Actor, require
from core.errors import InvalidInputError, NotFoundError
from core.evaluation.coverage import CoveragePoint, measure_coverage, widest
from core.evaluation.reliability import ReliabilityBin, measure_reliability
from core.model_names import model_name
from core.services import evaluations
from core.services.evaluation_comparison import Comparison, compare_evaluations
from core.services.evaluations import (
    ENSEMBLE,
    EvaluationFilter,
    EvaluationSummary,
    Narrowing,
    load_measured,
)
from core.services.models import ModelVersion, list_versions
from core.settings import Settings
from db.states import Split

SPLITS: Mapping[str, str] = {
    Split.TEST: "Test",
    Split.ALL: "All photos",
    Split.VALIDATION: "Validation",
    Split.TRAIN: "Train",
}
"""Labels of the splits, the most telling first."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A model version, or an ensemble of some, on one data set.

    Attributes:
        name: For people; no two of a data set are called alike.
        problem: Why the version cannot be used; None when it can.
        by_split: Its newest evaluation of each split.
        main: That of the split that was asked for.
    """

    name: str
    version_id: int | None
    problem: str | None
    by_split: Mapping[str, EvaluationSummary]
    main: EvaluationSummary

    @property
    def kind(self) -> str:
        """The architecture's name, which other versions may share."""
        return "Ensemble" if self.main.arch == ENSEMBLE else model_name(self.main.arch)

    @property
    def top1(self) -> float:
        return self.main.figures["top1"].value


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which model is best, and by how much.

    Attributes:
        comparison: Of the best with the runner-up; None where they saw no photo in common.
        coverage: Of the best.
    """

    best: Standing
    runner_up: Standing | None
    comparison: Comparison | None
    coverage: Sequence[CoveragePoint]

    def accept_alone(self, accuracy: float) -> CoveragePoint | None:
        """Return how many photos can do without a person if those shall be this accurate."""
        return widest(self.coverage, accuracy=accuracy)


@dataclass(frozen=True, slots=True)
class Trust:
    """Whether the probabilities of one evaluation hold, over the photos that count."""

    photos: int
    before: Sequence[ReliabilityBin]
    after: Sequence[ReliabilityBin]
    coverage: Sequence[CoveragePoint]


def list_standings(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    split: str,
    only: EvaluationFilter,
    narrowing: Narrowing | None = None,
) -> tuple[Standing, ...]:
    """Return who was measured on a split, the most accurate first.

    Args:
        only: Without a split of its own.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        NotFoundError: Narrowed, and a file of predictions is missing.
    """
    found = evaluations.list_evaluations(
        engine, settings, actor=actor, only=only, narrowing=narrowing
    )
    problems = {each.id: each.problem for each in list_versions(engine, actor=actor)}
    by_subject: dict[object, dict[str, EvaluationSummary]] = {}
    for summary in found:  # newest first
        if summary.pictures:
            by_subject.setdefault(_subject(summary), {}).setdefault(summary.split, summary)
    standings = [
        _standing(by_split, by_split[split], problems)
        for by_split in by_subject.values()
        if split in by_split
    ]
    return tuple(sorted(_named_apart(standings), key=lambda standing: -standing.top1))


def list_unmeasured(
    engine: sa.Engine, *, actor: Actor, standings: Sequence[Standing]
) -> tuple[ModelVersion, ...]:
    """Return the versions without an evaluation among these, newest first.

    Raises:
        ForbiddenError: The actor may not see dashboards.
    """
    measured = {standing.version_id for standing in standings}
    versions = list_versions(engine, actor=actor)
    return tuple(version for version in versions if version.id not in measured)


def judge(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    standings: Sequence[Standing],
    narrowing: Narrowing | None = None,
) -> Verdict | None:
    """Return which of these is best; None when none can be used.

    Args:
        narrowing: That of the standings.

    Raises:
        ForbiddenError: The actor may not see dashboards.
    """
    require(actor, "dashboards")
    usable = [standing for standing in standings if standing.problem is None]
    if not usable:
        return None
    best, runner_up = usable[0], next(iter(usable[1:]), None)
    trust = measure_trust(
        engine, settings, actor=actor, evaluation_id=best.main.id, narrowing=narrowing
    )
    comparison = None
    if runner_up is not None:
        comparison = _compare(engine, settings, actor, (best, runner_up), narrowing)
    return Verdict(best, runner_up, comparison, trust.coverage)


def measure_trust(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    evaluation_id: int,
    narrowing: Narrowing | None = None,
) -> Trust:
    """Return how far the probabilities of an evaluation hold, on the photos that count.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        NotFoundError: No such evaluation, or narrowed, and its file is missing.
    """
    if narrowing is None or narrowing.is_open:
        detail = evaluations.get_evaluation(engine, actor=actor, evaluation_id=evaluation_id)
        before, after = detail.reliability_before, detail.reliability_after
        return Trust(detail.summary.pictures, before, after, detail.coverage)
    require(actor, "dashboards")
    measured = load_measured(engine, settings, evaluation_id=evaluation_id)
    chosen = measured.predictions.take(measured.select(narrowing))
    return Trust(
        photos=len(chosen),
        before=measure_reliability(chosen.raw_confidences, chosen.correct),
        after=measure_reliability(chosen.confidences, chosen.correct),
        coverage=measure_coverage(chosen.confidences, chosen.correct),
    )


def _subject(summary: EvaluationSummary) -> object:
    return summary.version_id if summary.version_id is not None else summary.members


def _standing(
    by_split: Mapping[str, EvaluationSummary],
    main: EvaluationSummary,
    problems: Mapping[int, str | None],
) -> Standing:
    problem = problems.get(main.version_id) if main.version_id is not None else None
    return Standing(_name(main), main.version_id, problem, by_split, main)


def _name(summary: EvaluationSummary) -> str:
    if summary.arch == ENSEMBLE:
        return f"Ensemble of {len(summary.members)}"
    return f"{model_name(summary.arch)} {summary.name.rpartition(' ')[2]}"


def _named_apart(standings: Sequence[Standing]) -> list[Standing]:
    """Add the evaluation's number to names that are not unique: ensembles have no digest."""
    names = [standing.name for standing in standings]
    return [
        standing
        if names.count(standing.name) == 1
        else replace(standing, name=f"{standing.name} #{standing.main.id}")
        for standing in standings
    ]


def _compare(
    engine: sa.Engine,
    settings: Settings,
    actor: Actor,
    pair: tuple[Standing, Standing],
    narrowing: Narrowing | None,
) -> Comparison | None:
    first_id, second_id = (standing.main.id for standing in pair)
    try:
        return compare_evaluations(
            engine,
            settings,
            actor=actor,
            first_id=first_id,
            second_id=second_id,
            narrowing=narrowing,
        )
    except (InvalidInputError, NotFoundError):  # other photos, or the file is gone
        return None
