"""All that an evaluation says in numbers, in the one shape that is stored and drawn."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.evaluation.bootstrap import RESAMPLES, Interval
from core.evaluation.coverage import CoveragePoint, measure_coverage
from core.evaluation.figures import Part, measure_figures, measure_parts
from core.evaluation.grouping import SHOTS, group_labels, shot_of
from core.evaluation.metrics import Confusion, count_confusions
from core.evaluation.predictions import Predictions
from core.evaluation.reliability import ReliabilityBin, measure_reliability

MAX_UNKNOWN_LISTED = 100


@dataclass(frozen=True, slots=True)
class ShotCount:
    """How many categories and pictures of the split a row of ``SHOTS`` has."""

    key: str
    label: str
    categories: int
    pictures: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """Before and after temperature scaling."""

    before: Sequence[ReliabilityBin]
    after: Sequence[ReliabilityBin]


@dataclass(frozen=True, slots=True)
class Report:
    """The evaluation of one model on one split; stored, so its keys are never renamed.

    Attributes:
        pictures: Looked at, of labels known and unknown.
        categories: Known categories that the split has pictures of.
        unknown: Pictures whose label the model does not know, by label, the most frequent
            first, at most ``MAX_UNKNOWN_LISTED``; they are in no other figure.
        figures: By key of ``FIGURES``, over the pictures of known labels.
        shots: Empty where the training counts are not known.
    """

    pictures: int
    unknown_pictures: int
    categories: int
    temperature: float
    figures: Mapping[str, Interval]
    groups: Sequence[Part]
    shots: Sequence[ShotCount]
    confusions: Sequence[Confusion]
    reliability: Reliability
    coverage: Sequence[CoveragePoint]
    unknown: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it; the keys are the attributes' names."""
        return asdict(self)


def measure(
    predictions: Predictions,
    true_labels: Sequence[str],
    labels: Sequence[str],
    *,
    temperature: float,
    train_counts: Sequence[int] | None = None,
    likely_groups: NDArray[np.int64] | None = None,
    resamples: int = RESAMPLES,
) -> Report:
    """Measure predictions of N pictures.

    Args:
        true_labels: N category paths, known to the model or not.
        labels: The model's.
        train_counts: Training pictures of each label; None leaves the shots out.
        likely_groups: (N,) the likeliest by the sum of their labels; None leaves that out.
    """
    known = predictions.take(predictions.known)
    groups = group_labels(labels)
    correct_group = groups.of(known.predicted) == groups.of(known.targets)
    unknown = Counter(
        label
        for label, is_known in zip(true_labels, predictions.known, strict=True)
        if not is_known
    )
    return Report(
        pictures=len(predictions),
        unknown_pictures=len(predictions) - len(known),
        categories=len(set(known.targets.tolist())),
        temperature=temperature,
        figures=measure_figures(
            known,
            groups,
            train_counts,
            likely_groups=None if likely_groups is None else likely_groups[predictions.known],
            resamples=resamples,
        ),
        groups=measure_parts(groups.of(known.targets), correct_group, groups.names),
        shots=_count_shots(known, train_counts) if train_counts else (),
        confusions=count_confusions(known.predicted, known.targets, labels),
        reliability=Reliability(
            measure_reliability(known.raw_confidences, known.correct),
            measure_reliability(known.confidences, known.correct),
        ),
        coverage=measure_coverage(known.confidences, known.correct),
        unknown=dict(unknown.most_common(MAX_UNKNOWN_LISTED)),
    )


def _count_shots(predictions: Predictions, train_counts: Sequence[int]) -> list[ShotCount]:
    of_label = shot_of(train_counts)
    of_picture = of_label[predictions.targets]
    return [
        ShotCount(
            shot.key,
            shot.label,
            categories=len(set(predictions.targets[of_picture == at].tolist())),
            pictures=int((of_picture == at).sum()),
        )
        for at, shot in enumerate(SHOTS)
    ]
