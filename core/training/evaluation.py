"""Measuring a trained network, once, on every split; the temperature comes from validation."""

import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import timm
import torch

from core.evaluation.calibration import fit_cautiously
from core.evaluation.metrics import (
    CalibrationError,
    Epoch,
    Metrics,
    count_confusions,
    measure_accuracy,
    measure_categories,
)
from core.evaluation.predictions import Predictions, concatenate, predict
from core.evaluation.reliability import expected_calibration_error
from core.training.arrangement import Arrangement
from core.training.bench import Bench, Indices
from core.training.datasets import Part

MAX_TRAIN_EVALUATED = 2000
MAX_CALIBRATED = 2000
CALIBRATION_VIEWS = 4
_PICTURES_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What was measured.

    Attributes:
        looked_at: By part, (N,) indices of the samples and what was said of them.
    """

    metrics: Metrics
    temperature: float
    looked_at: Mapping[Part, tuple[Indices, Predictions]]


def evaluate(
    bench: Bench, data: Arrangement, *, curve: tuple[Epoch, ...], training: Mapping[str, Any]
) -> Evaluation:
    """Measure the network on train, validation and, where there is one, the test split."""
    chosen = _choose(bench, data)
    temperature = _find_temperature(bench, data, chosen["validation"])
    started = time.perf_counter()
    looked_at: dict[Part, tuple[Indices, Predictions]] = {
        part: (indices, _look(bench, data, indices, temperature))
        for part, indices in chosen.items()
    }
    seconds = time.perf_counter() - started
    measuring: Part = "test" if "test" in looked_at else "validation"
    said = looked_at[measuring][1]
    metrics = Metrics(
        splits={part: measure_accuracy(each) for part, (_, each) in looked_at.items()},
        per_category=measure_categories(said.predicted, said.targets, data.categories),
        confusions=count_confusions(said.predicted, said.targets, data.categories),
        images_per_s=round(sum(map(len, chosen.values())) / seconds, 1),
        ece=_measure_calibration(said, measuring),
        curve=curve,
        train_counts=_count_training(data),
        training={**training, **_describe_machine(bench)},
    )
    return Evaluation(metrics, temperature, looked_at)


def count_batches(bench: Bench, data: Arrangement) -> int:
    """Return how many batches ``evaluate`` looks at."""
    chosen = _choose(bench, data)
    views = CALIBRATION_VIEWS * bench.count_batches(_calibrating(chosen["validation"]))
    return views + sum(
        bench.count_batches(some) for indices in chosen.values() for some in _split(indices)
    )


def _find_temperature(bench: Bench, data: Arrangement, indices: Indices) -> float:
    """Return the temperature that validation asks for.

    It is fitted on the pictures as training would show them: those of validation were taken
    with the training's, those of use were not, and a network is too sure of itself there
    (Tomani et al., "Post-hoc Uncertainty Calibration for Domain Drift Scenarios", CVPR 2021).
    """
    some = _calibrating(indices)
    views = [bench.compute_view_logits(some, view) for view in range(1, CALIBRATION_VIEWS + 1)]
    return fit_cautiously(np.stack(views), data.targets[some])


def _look(bench: Bench, data: Arrangement, indices: Indices, temperature: float) -> Predictions:
    """Return what is said of the pictures; never more than some of their logits in memory."""
    return concatenate(
        [
            predict(bench.compute_logits(some), data.targets[some], temperature=temperature)
            for some in _split(indices)
        ]
    )


def _choose(bench: Bench, data: Arrangement) -> dict[Part, Indices]:
    """Return the pictures of each part that are looked at."""
    chosen = dict(data.parts)
    if len(chosen["train"]) > MAX_TRAIN_EVALUATED:
        rng = np.random.default_rng(bench.recipe.seed)
        some = rng.choice(chosen["train"], MAX_TRAIN_EVALUATED, replace=False)
        chosen["train"] = np.sort(some)
    return chosen


def _calibrating(indices: Indices) -> Indices:
    return indices[:: -(-len(indices) // MAX_CALIBRATED)] if len(indices) else indices


def _split(indices: Indices) -> list[Indices]:
    return np.split(indices, range(_PICTURES_AT_ONCE, len(indices), _PICTURES_AT_ONCE))


def _count_training(data: Arrangement) -> list[int]:
    counts = np.bincount(data.targets[data.parts["train"]], minlength=len(data.categories))
    return [int(count) for count in counts]


def _measure_calibration(said: Predictions, split: str) -> CalibrationError:
    return CalibrationError(
        before=expected_calibration_error(said.raw_confidences, said.correct),
        after=expected_calibration_error(said.confidences, said.correct),
        split=split,
    )


def _describe_machine(bench: Bench) -> dict[str, Any]:
    return {
        "device": str(bench.device),
        "precision": str(bench.dtype).removeprefix("torch."),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "versions": {"torch": torch.__version__, "timm": timm.__version__},
    }
