"""What one picture costs: multiply-accumulates, and time on this machine."""

import platform
import time
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from core.inference.classifier import Classifier, InferenceOptions
from core.models.checkpoint import LoadedModel

_LEAST_S = 0.5
_MOST_BATCHES = 20


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one picture.

    Attributes:
        macs: Multiply-accumulates of a forward pass.
        images_per_s: Through the network alone, decoded pictures, in batches.
        machine: What it was timed on.
    """

    macs: int
    images_per_s: float
    machine: str


def measure_cost(model: LoadedModel, options: InferenceOptions) -> Cost:
    """Count one forward pass, and time some for half a second."""
    classifier = Classifier([model], options)
    return Cost(
        macs=_count_macs(classifier),
        images_per_s=round(_time(classifier), 1),
        machine=_describe(classifier),
    )


def _count_macs(classifier: Classifier) -> int:
    """A multiply-accumulate is two of PyTorch's operations; additions alone do not count."""
    counter = FlopCounterMode(display=False)
    with counter:
        classifier.forward(classifier.example_batches(1))
    return int(counter.get_total_flops() // 2)


def _time(classifier: Classifier) -> float:
    """Return pictures a second of the fastest batch: what disturbs only ever slows down."""
    batches = classifier.example_batches(classifier.options.batch_size)
    classifier.forward(batches)  # the first one allocates
    classifier.synchronize()
    fastest, began = float("inf"), time.perf_counter()
    for _ in range(_MOST_BATCHES):
        started = time.perf_counter()
        classifier.forward(batches)
        classifier.synchronize()
        fastest = min(fastest, time.perf_counter() - started)
        if time.perf_counter() - began > _LEAST_S:
            break
    return classifier.options.batch_size / fastest


def _describe(classifier: Classifier) -> str:
    precision = str(classifier.dtype).removeprefix("torch.")
    threads = torch.get_num_threads()
    return f"{classifier.device}, {precision}, {platform.machine()}, {threads} threads"
