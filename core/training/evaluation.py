"""Measuring a trained network, once, on every split; the temperature comes from validation."""

import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import timm
import torch
from numpy.typing import NDArray

from core.evaluation.calibration import calibrated, expected_calibration_error, fit_temperature
from core.evaluation.metrics import (
    CalibrationError,
    Epoch,
    Metrics,
    count_confusions,
    measure_accuracy,
    measure_categories,
)
from core.evaluation.predictions import Predictions, predict
from core.training.arrangement import Arrangement
from core.training.bench import Bench
from core.training.datasets import Part

MAX_TRAIN_EVALUATED = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What was measured.

    Attributes:
        looked_at: By part, (N,) indices of the samples and what was said of them.
    """

    metrics: Metrics
    temperature: float
    looked_at: Mapping[Part, tuple[NDArray[np.int64], Predictions]]


def evaluate(
    bench: Bench, data: Arrangement, *, curve: tuple[Epoch, ...], training: Mapping[str, Any]
) -> Evaluation:
    """Measure the network on train, validation and, where there is one, the test split."""
    started = time.perf_counter()
    chosen = {part: _choose(bench, data, part) for part in data.parts}
    scores = {
        part: (bench.compute_logits(indices), data.targets[indices])
        for part, indices in chosen.items()
    }
    seconds = time.perf_counter() - started
    temperature = fit_temperature(*scores["validation"])
    measuring: Part = "test" if "test" in scores else "validation"
    logits, labels = scores[measuring]
    predicted = logits.argmax(axis=1)
    metrics = Metrics(
        splits={part: measure_accuracy(*score) for part, score in scores.items()},
        per_category=measure_categories(predicted, labels, data.categories),
        confusions=count_confusions(predicted, labels, data.categories),
        images_per_s=round(sum(len(labels) for _, labels in scores.values()) / seconds, 1),
        ece=_measure_calibration(logits, labels, temperature, measuring),
        curve=curve,
        train_counts=_count_training(data),
        training={**training, **_describe_machine(bench)},
    )
    looked_at = {
        part: (chosen[part], predict(*score, temperature=temperature))
        for part, score in scores.items()
    }
    return Evaluation(metrics, temperature, looked_at)


def _choose(bench: Bench, data: Arrangement, part: Part) -> NDArray[np.int64]:
    indices = data.parts[part]
    if part == "train" and len(indices) > MAX_TRAIN_EVALUATED:
        rng = np.random.default_rng(bench.recipe.seed)
        indices = np.sort(rng.choice(indices, MAX_TRAIN_EVALUATED, replace=False))
    return indices


def _count_training(data: Arrangement) -> list[int]:
    counts = np.bincount(data.targets[data.parts["train"]], minlength=len(data.categories))
    return [int(count) for count in counts]


def _measure_calibration(
    logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float, split: str
) -> CalibrationError:
    return CalibrationError(
        before=expected_calibration_error(calibrated(logits, 1.0), labels),
        after=expected_calibration_error(calibrated(logits, temperature), labels),
        split=split,
    )


def _describe_machine(bench: Bench) -> dict[str, Any]:
    return {
        "device": str(bench.device),
        "precision": str(bench.dtype).removeprefix("torch."),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "versions": {"torch": torch.__version__, "timm": timm.__version__},
    }
