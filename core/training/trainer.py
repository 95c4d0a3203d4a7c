"""One training, from labels on the disk to a measured network."""

import hashlib
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from core.evaluation import Picture, Predictions
from core.evaluation.metrics import Epoch
from core.imaging import ImageLimits
from core.models.architectures import NetworkOptions, get_architecture
from core.models.checkpoint import LoadedModel, ModelCard
from core.models.devices import Precision, choose_device, choose_dtype
from core.models.preprocessing import Geometry, Preprocessing
from core.models.weights import begin_stem, build_network
from core.training import distributed, snapshots
from core.training.arrangement import Arrangement, Scanned, arrange
from core.training.bench import Bench, Indices
from core.training.data.samples import Dataset, Part
from core.training.evaluation import count_batches, evaluate
from core.training.fitting import Fitting
from core.training.pictures import DEFAULT_MEMORY_BYTES, Pictures
from core.training.progress import OnProgress, Reporter, ShouldStop, Stage
from core.training.recipe import Recipe
from core.training.request import TrainingRequest
from core.training.teaching import Teacher
from core.training.transfer import fit_classifier

_SNAPSHOT_FORMAT = 1
# Added to the recipe later, with what was done before: trainings begun before go on.
_LATER_FIELDS = {
    ("blocks", 1),
    ("teacher_features", 0.0),
    ("teacher_size_px", 0),
    ("batch_statistics", True),
    ("end_size_px", 0),
    ("stem", "patches"),
    ("stem_from", ""),
}


@dataclass(frozen=True, slots=True)
class Resources:
    """What a training may use.

    Attributes:
        snapshots_dir: Where trainings are kept that were killed, and pictures that do not fit
            into memory, and what teachers say; None keeps none, and no teacher can teach.
    """

    limits: ImageLimits
    device: str = "auto"
    precision: Precision = "auto"
    decode_threads: int = 2
    memory_bytes: int = DEFAULT_MEMORY_BYTES
    snapshots_dir: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A network in evaluation mode and the card to save it with.

    Attributes:
        stopped: Why the training ended early, if it did: it was cancelled, or got no better.
        folder: Of its snapshot; may be deleted when the network is safe.
        looked_at: By part, the pictures that measured the network and what it said of them.
    """

    network: nn.Module
    card: ModelCard
    stopped: str | None
    folder: Path | None
    looked_at: Mapping[Part, tuple[Sequence[Picture], Predictions]]


def train(
    request: TrainingRequest,
    dataset: Dataset,
    *,
    resources: Resources,
    on_progress: OnProgress,
    should_stop: ShouldStop,
    teacher: LoadedModel | None = None,
    stem_from: LoadedModel | None = None,
    resume: bool = False,
) -> Trained:
    """Train and measure a network. The same request on the same machine gives the same one.

    Args:
        teacher: The model that the recipe's ``teacher`` names.
        stem_from: The one that its ``stem_from`` names.
        resume: Go on where a training of the same recipe and data was killed, to the same
            result; False begins again.

    Raises:
        InvalidInputError: The request or the data cannot be used.
        WeightsUnavailableError: The first weights could not be had.
        JobCancelledError: ``should_stop``, asked at each batch, said so before the first epoch
            was done, or the classifier fitted. Later the best so far is measured and returned.
    """
    recipe = request.resolve()
    report = Reporter(recipe.epochs, on_progress, should_stop)
    device = distributed.own_device(choose_device(resources.device))
    paths = [sample.path for sample in dataset.samples]
    pictures = _open_pictures(paths, _preprocessing(recipe).geometry, resources)
    with closing(pictures), distributed.joined(device):
        scanned = _read(pictures, report)
        data = arrange(dataset, scanned, seed=recipe.seed)
        bench = _set_up(recipe, resources, pictures, data, report.check)
        if stem_from:
            begin_stem(bench.network, stem_from)
        models = {"teacher": teacher, "stem_from": stem_from}
        folder = _choose_folder(resources, recipe, data, scanned, models)
        training = _Training(request, dataset, data, bench, report, resources, folder, models)
        return training.run(resume=resume)


def _open_pictures(paths: Sequence[Path], geometry: Geometry, resources: Resources) -> Pictures:
    return Pictures(
        paths,
        geometry,
        limits=resources.limits,
        threads=resources.decode_threads,
        memory_bytes=resources.memory_bytes,
        cache_dir=resources.snapshots_dir,
    )


def _preprocessing(recipe: Recipe) -> Preprocessing:
    """Return how pictures reach the network."""
    own = get_architecture(recipe.arch).preprocessing(recipe.image_size_px)
    if recipe.scaling == "unit":
        return replace(own, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    return own


def _read(pictures: Pictures, report: Reporter) -> list[Scanned]:
    report.check()
    report.begin("reading")

    def on_read(done: int) -> None:
        report.check()
        report.report("reading", done, len(pictures))

    return pictures.scan(on_read)


def _set_up(
    recipe: Recipe,
    resources: Resources,
    pictures: Pictures,
    data: Arrangement,
    check: Callable[[], None],
) -> Bench:
    device = distributed.own_device(choose_device(resources.device))
    torch.manual_seed(recipe.seed)
    network = build_network(
        get_architecture(recipe.arch),
        num_classes=len(data.categories),
        image_size_px=recipe.image_size_px,
        weights=recipe.weights,
        options=NetworkOptions(
            recipe.drop_rate, recipe.drop_path_rate, recipe.attention, recipe.blocks, recipe.stem
        ),
    )
    return Bench(
        network=network.to(device, memory_format=torch.channels_last),  # type: ignore[call-overload]
        device=device,
        dtype=choose_dtype(device, resources.precision),
        recipe=recipe,
        preprocessing=_preprocessing(recipe),
        pictures=pictures,
        check=check,
    )


def _choose_folder(
    resources: Resources,
    recipe: Recipe,
    data: Arrangement,
    scanned: Sequence[Scanned],
    models: Mapping[str, LoadedModel | None],
) -> Path | None:
    """Return the folder of this recipe on this data."""
    if resources.snapshots_dir is None:
        return None
    what = {
        "format": _SNAPSHOT_FORMAT,
        "recipe": {
            name: value
            for name, value in recipe.to_dict().items()
            if (name, value) not in _LATER_FIELDS
        },
        "categories": data.categories,
        "parts": {part: indices.tolist() for part, indices in data.parts.items()},
        "content": [str(each) for each in scanned],
        "targets": data.targets.tolist(),
    } | {name: model.digest for name, model in models.items() if model}
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
    return resources.snapshots_dir / digest[:16]


@dataclass(frozen=True, slots=True, eq=False)
class _Training:
    request: TrainingRequest
    dataset: Dataset
    data: Arrangement
    bench: Bench
    report: Reporter
    resources: Resources
    folder: Path | None
    models: Mapping[str, LoadedModel | None]

    def run(self, *, resume: bool) -> Trained:
        started = time.monotonic()
        fitting = self._fit(snapshots.find(self.folder) if resume and self.folder else None)
        curve = fitting.curve if fitting else ()
        stopped = fitting.stopped if fitting else None
        self.report.begin("measuring", curve)
        record = self._describe(time.monotonic() - started, stopped)
        # No look whether it is cancelled: what is trained shall not be lost.
        steps = self._count("measuring", count_batches(self.bench, self.data), curve)
        bench = replace(self.bench, check=steps)
        evaluation = evaluate(bench, self.data, curve=curve, training=record)
        card = ModelCard(
            arch=bench.recipe.arch,
            labels=self.data.categories,
            preprocessing=bench.preprocessing,
            temperature=evaluation.temperature,
            mirrored=bench.recipe.mirrored,
            attention=bench.recipe.attention,
            blocks=bench.recipe.blocks,
            stem=bench.recipe.stem,
            metrics=evaluation.metrics.to_dict(),
        )
        looked_at = {
            part: (self._list_pictures(indices), predictions)
            for part, (indices, predictions) in evaluation.looked_at.items()
        }
        return Trained(bench.network.eval(), card, stopped, self.folder, looked_at)

    def _list_pictures(self, indices: Indices) -> list[Picture]:
        samples, digests = self.dataset.samples, self.data.digests
        return [
            Picture(str(samples[at].path.resolve()), digests[at], samples[at].label)
            for at in indices.tolist()
        ]

    def _fit(self, snapshot: snapshots.Snapshot | None) -> Fitting | None:
        """Train the classifier, then all; return None where the classifier was enough."""
        self.report.begin("training")
        recipe, bench = self.bench.recipe, self.bench
        is_fitted = recipe.weights != "none" and recipe.head_first and snapshot is None
        if is_fitted:
            fit_classifier(bench, self.data, partial(self.report.report, "training"))
        if not _trains_everything(bench):
            return None
        with self._call_teacher() as teacher:
            fitting = Fitting(bench, self.data, teacher, is_fitted=is_fitted)
            if snapshot:
                fitting.restore(snapshot)
            done = len(fitting.curve) * fitting.batches_an_epoch
            self.report.begin("training", fitting.curve, done)
            fitting.run(
                lambda done, total, loss, curve: self.report.report(
                    "training", done, total, loss=loss, curve=curve
                ),
                self.folder,
            )
        return fitting

    @contextmanager
    def _call_teacher(self) -> Iterator[Teacher | None]:
        """Give the teacher a place beside the student; None without one."""
        teacher = self.models["teacher"]
        if teacher is None:
            yield None
            return
        with closing(self._open_for_teacher(teacher.preprocessing.geometry)) as pictures:
            yield Teacher(teacher, self.bench, self.data, pictures)

    def _open_for_teacher(self, geometry: Geometry) -> Pictures:
        """Return the training pictures, read already."""
        samples = self.dataset.samples
        paths = [samples[index].path for index in self.data.parts["train"].tolist()]
        pictures = _open_pictures(paths, geometry, self.resources)
        _read(pictures, self.report)
        return pictures

    def _count(self, stage: Stage, total: int, curve: tuple[Epoch, ...]) -> Callable[[], None]:
        """Return what reports one step more of a stage whenever a step begins."""
        begun = itertools.count()
        return lambda: self.report.report(stage, next(begun), total, curve=curve)

    def _describe(self, seconds: float, stopped: str | None) -> dict[str, Any]:
        return {
            "request": self.request.to_dict(),
            "recipe": self.bench.recipe.to_dict(),
            "seed": self.bench.recipe.seed,
            **{name: model.digest if model else None for name, model in self.models.items()},
            "data": self.data.to_record(),
            "seconds": round(seconds, 1),
            "stopped": stopped,
        }


def _trains_everything(bench: Bench) -> bool:
    """Random weights and who has a teacher always; else if asked to, or where there is a GPU."""
    recipe = bench.recipe
    if recipe.weights == "none" or recipe.teacher:
        return True
    return bench.device.type != "cpu" if recipe.full is None else recipe.full
