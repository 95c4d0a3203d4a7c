"""Which claimed categories of a catalogue are likely wrong, and what they should be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from core.audit.folding import FOLDS, choose_folds
from core.evaluation.calibration import calibrated, fit_temperature
from core.mislabel import conformal_p_values, false_alarm_rates, score_labels
from core.training.transfer import regress

# The ridge of benchmarks.mislabel: scikit-learn's C = 0.01, for regress times the photos.
_PENALTY = 100.0
_UNSEEN = -30.0  # logit of a category that the other folds do not hold

Floats = NDArray[np.float64]
OnFold = Callable[[int, int], None]
"""Called with steps done and steps in all; may raise to stop."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What is held of N photos.

    Attributes:
        wrong: (N,) estimated probability that the claimed category is wrong, 0 to 1.
        suggested: (N,) the likeliest category, be it the claimed one.
        rates: (N,) of all photos at least as suspect, the share to expect to be unfounded, 0 to
            1; 1 for a trusted photo.
    """

    wrong: Floats
    suggested: NDArray[np.int64]
    rates: Floats


def bytes_needed(photos: int, categories: int, dimensions: int = 1280) -> int:
    """Return about how much memory ``judge`` takes at its peak: tables in double precision."""
    return 8 * photos * (9 * categories + 3 * dimensions)


def judge(
    features: NDArray[np.floating],
    claimed: NDArray[np.int64],
    groups: Sequence[int],
    trusted: NDArray[np.bool_],
    on_fold: OnFold,
) -> Judged:
    """Judge N photos, each by what the others teach.

    Args:
        features: (N, D).
        claimed: (N,) indices below C, each of them there, in at least two groups.
        groups: Of what shows the same.
        trusted: (N,) whether a person has confirmed the claimed category. With any, the rates
            are those of conformal p-values, which need no belief in the scores; without, those
            that the scores estimate.
    """
    folds = choose_folds(claimed, groups)
    probabilities = _classify(features, claimed, folds, on_fold)
    found = score_labels([probabilities], features, claimed, folds)
    on_fold(FOLDS + 1, FOLDS + 1)
    rates = np.ones(len(claimed))
    if trusted.any():
        others = found.wrong[~trusted]
        rates[~trusted] = false_alarm_rates(conformal_p_values(others, found.wrong[trusted]))
    else:
        rates = estimate_rates(found.wrong)
    return Judged(found.wrong, found.suggested, rates)


def estimate_rates(wrong: Floats) -> Floats:
    """Return for each photo the mean chance of being right of those at least as suspect, (N,)."""
    order = np.argsort(-wrong, kind="stable")
    rates = np.empty(len(wrong))
    rates[order] = np.cumsum(1 - wrong[order]) / np.arange(1, len(wrong) + 1)
    return rates.clip(0.0, 1.0)


def find_alike(
    features: NDArray[np.floating],
    rows: Sequence[int],
    claimed: NDArray[np.int64],
    wanted: NDArray[np.int64],
    groups: NDArray[np.int64],
    *,
    count: int = 3,
) -> list[list[int]]:
    """Return for each of the rows the likest photos of the category wanted for it.

    What shows the same as the photo is left out, and so is a second photo of one group.

    Args:
        features: (N, D).
        claimed: (N,) category of each photo.
        wanted: One category for each of the rows.
        groups: (N,) of what shows the same.
    """
    centred = features.astype(np.float32) - features.mean(axis=0, dtype=np.float32)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
    found: list[list[int]] = []
    for row, category in zip(rows, wanted.tolist(), strict=True):
        there = np.flatnonzero((claimed == category) & (groups != groups[row]))
        nearest = there[np.argsort(-(centred[there] @ centred[row]), kind="stable")]
        _, first = np.unique(groups[nearest], return_index=True)
        found.append(nearest[np.sort(first)][:count].tolist())
    return found


def _classify(
    features: NDArray[np.floating],
    claimed: NDArray[np.int64],
    folds: NDArray[np.int64],
    on_fold: OnFold,
) -> NDArray[np.float32]:
    """Return calibrated probabilities, (N, C), each photo's from the other folds."""
    spread = features.astype(np.float32) - features.mean(axis=0, dtype=np.float32)
    known = torch.from_numpy(spread / (spread.std() + 1e-6))
    targets = torch.from_numpy(claimed)
    classes = int(claimed.max()) + 1
    logits = np.full((len(claimed), classes), _UNSEEN, np.float32)
    for fold in range(FOLDS):
        on_fold(fold, FOLDS + 1)
        own, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        head = regress(known[rest], targets[rest], classes, _PENALTY / len(rest))
        seen = np.unique(claimed[rest])
        logits[np.ix_(own, seen)] = head(known[own]).numpy()[:, seen]
    on_fold(FOLDS, FOLDS + 1)
    return calibrated(logits, fit_temperature(logits, claimed))
