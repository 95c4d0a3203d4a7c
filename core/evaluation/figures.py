"""The figures of one evaluation, each with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.evaluation.bootstrap import (
    Floats,
    Interval,
    Statistic,
    bootstrap,
    mean_of,
    wilson,
)
from core.evaluation.coverage import area_under_risk
from core.evaluation.grouping import SHOTS, Groups, shot_of
from core.evaluation.predictions import TOP, Predictions
from core.evaluation.reliability import calibration_error

_LEAST = 1e-12  # stands for a probability of 0 in a logarithm


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure that an evaluation may hold.

    Attributes:
        key: Stored, so never renamed.
        better: Whether higher or lower is better.
        unit: ``fraction`` of 1, or ``nats``.
        text: What it means, in plain words.
    """

    key: str
    label: str
    better: str
    unit: str
    text: str


FIGURES: Mapping[str, Figure] = {
    row.key: row
    for row in (
        Figure("top1", "Accuracy", "high", "fraction", "The likeliest category is the right one."),
        Figure("top5", "Top 5", "high", "fraction", "The right one is among the five likeliest."),
        Figure("macro", "By category", "high", "fraction", "The mean of all categories' accuracy."),
        Figure("coarse_top1", "Group", "high", "fraction", "The likeliest is of the right group."),
        Figure(
            "coarse_mass_top1",
            "Group, summed",
            "high",
            "fraction",
            "The group whose categories together are likeliest is the right one.",
        ),
        *(
            Figure(
                f"{shot.key}_shot", f"{shot.key.capitalize()}-shot", "high", "fraction", shot.label
            )
            for shot in SHOTS
        ),
        Figure("ece", "Calibration error", "low", "fraction", "Gap of confidence and accuracy."),
        Figure("ece_before", "Before calibration", "low", "fraction", "The same without scaling."),
        Figure("aurc", "Area under risk", "low", "fraction", "Mean error over all coverages."),
        Figure("nll", "Log loss", "low", "nats", "Mean of -log of the right one's probability."),
    )
}


def measure_figures(
    predictions: Predictions,
    groups: Groups,
    train_counts: Sequence[int] | None,
    *,
    likely_groups: NDArray[np.int64] | None = None,
    resamples: int = 1000,
) -> dict[str, Interval]:
    """Return the figures, by key of ``FIGURES``, of pictures whose labels are all known.

    Where all pictures are right, or all wrong, every resample is alike; such an accuracy has
    Wilson's interval instead.

    Args:
        train_counts: Training pictures of each label; None leaves the shots out.
        likely_groups: (N,) the likeliest by the sum of their labels
            (``PredictionFile.read_likely_groups``); None leaves that figure out.
    """
    shots = _find_shots(predictions, train_counts) if train_counts else {}
    accuracies = _accuracies(predictions) | _groups(predictions, groups, likely_groups)
    accuracies |= {key: mean_of(predictions.correct, among) for key, among in shots.items()}
    measured = bootstrap(accuracies | _honesty(predictions), len(predictions), resamples=resamples)
    sizes = dict.fromkeys(accuracies, len(predictions))
    sizes |= {key: int(among.sum()) for key, among in shots.items()}
    return {
        key: _widen(interval, sizes[key]) if key in sizes else interval
        for key, interval in measured.items()
    }


@dataclass(frozen=True, slots=True)
class Part:
    """The accuracy on the pictures of one category or one group.

    Attributes:
        interval: Wilson's; a resample says little about a handful of pictures.
    """

    name: str
    count: int
    hits: int
    interval: Interval


def measure_parts(
    parts: NDArray[np.integer], correct: NDArray[np.bool_], names: Sequence[str]
) -> list[Part]:
    """Return the accuracy of each part that has pictures, in the order of the names.

    Args:
        parts: (N,) index of each picture's part.
        correct: (N,).
    """
    counts = np.bincount(parts, minlength=len(names))
    hits = np.bincount(parts, weights=correct, minlength=len(names)).astype(np.int64)
    return [
        Part(names[at], int(counts[at]), int(hits[at]), wilson(int(hits[at]), int(counts[at])))
        for at in np.flatnonzero(counts).tolist()
    ]


def mean_over_parts(parts: NDArray[np.integer], correct: NDArray[np.bool_]) -> Statistic:
    """Return the statistic: the mean of the parts' accuracies, parts without pictures left out."""
    size = int(parts.max(initial=0)) + 1
    parts_of_hits = parts[correct]

    def mean(weights: Floats) -> float:
        counts = np.bincount(parts, weights=weights, minlength=size)
        hits = np.bincount(parts_of_hits, weights=weights[correct], minlength=size)
        return float((hits[counts > 0] / counts[counts > 0]).mean())

    return lambda weights: np.array([mean(row) for row in weights])


def _widen(interval: Interval, count: int) -> Interval:
    if 0 < interval.value < 1:
        return interval
    return wilson(round(interval.value) * count, count)


def _accuracies(predictions: Predictions) -> dict[str, Statistic]:
    return {
        "top1": mean_of(predictions.correct),
        "top5": mean_of(predictions.ranks < TOP),
        "macro": mean_over_parts(predictions.targets, predictions.correct),
    }


def _groups(
    predictions: Predictions, groups: Groups, likely_groups: NDArray[np.int64] | None
) -> dict[str, Statistic]:
    if not groups.are_coarser:
        return {}
    true = groups.of(predictions.targets)
    figures = {"coarse_top1": mean_of(groups.of(predictions.predicted) == true)}
    if likely_groups is not None:
        figures["coarse_mass_top1"] = mean_of(likely_groups == true)
    return figures


def _find_shots(
    predictions: Predictions, train_counts: Sequence[int]
) -> dict[str, NDArray[np.bool_]]:
    """Return which pictures are of each row of ``SHOTS``, (N,), by the figure's key."""
    of_picture = shot_of(train_counts)[predictions.targets]
    return {f"{shot.key}_shot": of_picture == at for at, shot in enumerate(SHOTS)}


def _honesty(predictions: Predictions) -> dict[str, Statistic]:
    correct = predictions.correct
    likelihoods = np.maximum(predictions.true_probabilities.astype(np.float64), _LEAST)
    return {
        "ece": calibration_error(predictions.confidences, correct),
        "ece_before": calibration_error(predictions.raw_confidences, correct),
        "aurc": area_under_risk(predictions.confidences, correct),
        "nll": mean_of(-np.log(likelihoods)),
    }
