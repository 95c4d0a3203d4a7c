"""One training, from labels on the disk to a measured network."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import nn

from core.errors import JobCancelledError
from core.evaluation.metrics import Epoch
from core.imaging import ImageLimits
from core.models.architectures import get_architecture
from core.models.checkpoint import ModelCard
from core.models.devices import Precision, choose_device, choose_dtype
from core.models.weights import build_network
from core.training.arrangement import Arrangement, arrange
from core.training.bench import Bench
from core.training.datasets import Dataset, read_dataset
from core.training.evaluation import evaluate
from core.training.fitting import fit
from core.training.pictures import DEFAULT_MEMORY_BYTES, Pictures
from core.training.request import Recipe, TrainingRequest, resolve
from core.training.transfer import fit_classifier

Stage = Literal["reading", "training", "measuring"]


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """How far a training is.

    Attributes:
        done: Pictures read, or steps done, of ``total``.
        seconds_left: Of this stage; None while nothing can be said.
        val_accuracy: Top-1 of the last epoch.
    """

    stage: Stage
    done: int
    total: int
    epoch: int
    epochs: int
    loss: float | None = None
    val_accuracy: float | None = None
    seconds_left: float | None = None
    curve: tuple[Epoch, ...] = ()


@dataclass(frozen=True, slots=True)
class Resources:
    """What a training may use."""

    limits: ImageLimits
    device: str = "auto"
    precision: Precision = "auto"
    decode_threads: int = 2
    memory_bytes: int = DEFAULT_MEMORY_BYTES


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A network in evaluation mode and the card to save it with."""

    network: nn.Module
    card: ModelCard


OnProgress = Callable[[TrainingProgress], None]
ShouldStop = Callable[[], bool]


def train(
    request: TrainingRequest,
    *,
    resources: Resources,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> Trained:
    """Train and measure a network. The same request on the same machine gives the same one.

    Raises:
        InvalidInputError: The request or the data cannot be used.
        WeightsUnavailableError: The first weights could not be had.
        JobCancelledError: ``should_stop`` said so; it is asked at each batch.
    """
    recipe = resolve(request)
    dataset = read_dataset(request.data)
    report = _Reporter(recipe.epochs, on_progress, should_stop)
    geometry = get_architecture(recipe.arch).preprocessing(recipe.image_size_px).geometry
    pictures = Pictures(
        [sample.path for sample in dataset.samples],
        geometry,
        limits=resources.limits,
        threads=resources.decode_threads,
        memory_bytes=resources.memory_bytes,
    )
    with closing(pictures):
        scanned = pictures.scan(report.reading(len(pictures)))
        data = arrange(dataset, scanned, seed=recipe.seed)
        bench = _set_up(recipe, resources, pictures, data, report.check)
        return _train(bench, data, request, dataset, report)


def _set_up(
    recipe: Recipe,
    resources: Resources,
    pictures: Pictures,
    data: Arrangement,
    check: Callable[[], None],
) -> Bench:
    row = get_architecture(recipe.arch)
    device = choose_device(resources.device)
    torch.manual_seed(recipe.seed)
    network = build_network(
        row,
        num_classes=len(data.categories),
        image_size_px=recipe.image_size_px,
        drop_rate=recipe.drop_rate,
        weights=recipe.weights,
    )
    return Bench(
        network=network.to(device, memory_format=torch.channels_last),  # type: ignore[call-overload]
        device=device,
        dtype=choose_dtype(device, resources.precision),
        recipe=recipe,
        preprocessing=row.preprocessing(recipe.image_size_px),
        pictures=pictures,
        check=check,
    )


def _train(
    bench: Bench, data: Arrangement, request: TrainingRequest, dataset: Dataset, report: "_Reporter"
) -> Trained:
    started = time.monotonic()
    curve: tuple[Epoch, ...] = ()
    if bench.recipe.weights != "none":
        report.stage("training")
        fit_classifier(bench, data)
    if _trains_everything(bench):
        curve = fit(bench, data, report.training())
    report.stage("measuring", curve)
    record = {
        "request": request.to_dict(),
        "recipe": bench.recipe.to_dict(),
        "seed": bench.recipe.seed,
        "data": {
            "name": dataset.name,
            "format": dataset.format,
            "counts": {part: len(indices) for part, indices in data.parts.items()},
            "left_out": dict(data.left_out),
        },
        "seconds": round(time.monotonic() - started, 1),
    }
    evaluation = evaluate(bench, data, curve=curve, training=record)
    card = ModelCard(
        arch=bench.recipe.arch,
        labels=data.categories,
        preprocessing=bench.preprocessing,
        temperature=evaluation.temperature,
        metrics=evaluation.metrics.to_dict(),
    )
    return Trained(bench.network.eval(), card)


def _trains_everything(bench: Bench) -> bool:
    """Random weights always; pretrained ones if asked to, or where there is a GPU."""
    if bench.recipe.weights == "none":
        return True
    return bench.device.type != "cpu" if bench.recipe.full is None else bench.recipe.full


@dataclass(slots=True)
class _Reporter:
    """Turns steps into progress, with the time left at the rate so far."""

    epochs: int
    on_progress: OnProgress
    should_stop: ShouldStop
    started: float = field(default_factory=time.monotonic)

    def check(self) -> None:
        if self.should_stop():
            raise JobCancelledError("the training was cancelled")

    def stage(self, stage: Stage, curve: tuple[Epoch, ...] = ()) -> None:
        self.check()
        self.started = time.monotonic()
        self._report(stage, 0, 1, None, curve)

    def reading(self, total: int) -> Callable[[int], None]:
        self.stage("reading")

        def on_read(done: int) -> None:
            self.check()
            self._report("reading", done, total, None, ())

        return on_read

    def training(self) -> Callable[[int, int, float, tuple[Epoch, ...]], None]:
        self.stage("training")

        def on_step(done: int, total: int, loss: float, curve: tuple[Epoch, ...]) -> None:
            self._report("training", done, total, loss, curve)

        return on_step

    def _report(
        self, stage: Stage, done: int, total: int, loss: float | None, curve: tuple[Epoch, ...]
    ) -> None:
        elapsed = time.monotonic() - self.started
        self.on_progress(
            TrainingProgress(
                stage=stage,
                done=done,
                total=total,
                epoch=min(len(curve) + 1, self.epochs),
                epochs=self.epochs,
                loss=loss,
                val_accuracy=curve[-1].val_top1 if curve else None,
                seconds_left=elapsed / done * (total - done) if done else None,
                curve=curve,
            )
        )
