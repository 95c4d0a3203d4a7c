"""The models, each trained by its recipe from its seed, and read once on the test split.

Every training is ``catalens train`` with a preset of ``core.training.presets``. What is done
stands in a data directory of its own, by data and kind of run, so that a run that was cut
short goes on where it was, and one that was done only prints. Data without a test split
gives a fifth of each category to one, by a fixed seed.
"""

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import sqlalchemy as sa

from benchmarks import harness
from benchmarks.harness import BENCHMARKS_DIR, Figures, Options
from core.actors import Actor
from core.services import database, models
from core.services.ensembles import evaluate_ensemble
from core.services.evaluations import EvaluationFilter, EvaluationSummary, list_evaluations
from core.services.models import ModelVersion
from core.services.training import train_and_register
from core.settings import Settings
from core.training.data.samples import Sample
from core.training.datasets import read_labels
from core.training.progress import TrainingProgress
from core.training.recipe import Recipe
from core.training.request import TrainingRequest
from db.states import Split

TEST_FRACTION = 0.2
TEST_SEED = 0
DEFAULTS: Mapping[str, Any] = {each.name: each.default for each in fields(Recipe)}


@dataclass(frozen=True, slots=True)
class Run:
    """A model of the comparison: how it is trained.

    Attributes:
        learns_from: Keys of runs before it, by the field of the recipe that names their version.
    """

    key: str
    arch: str
    preset: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    learns_from: Mapping[str, str] = field(default_factory=dict)

    def request(self, data: Path, ids: Mapping[str, int], *, quick: bool) -> TrainingRequest:
        """Return the training; a quick one takes the same ways in a few small epochs.

        Args:
            ids: Of the versions of the runs before it, by their keys.
        """
        named = {name: str(ids[key]) for name, key in self.learns_from.items()}
        changes = {**self.changes, **named}
        if not quick:
            return TrainingRequest(self.arch, str(data), self.preset, changes)
        if self.preset == DISTILLED:
            return TrainingRequest(self.arch, str(data), DISTILLED, {**changes, **QUICK_DISTILLED})
        return TrainingRequest(self.arch, str(data), "quick", QUICK)


DISTILLED = "distilled"
QUICK: Mapping[str, Any] = {"epochs": 2}
QUICK_DISTILLED: Mapping[str, Any] = {
    "epochs": 2,
    "image_size_px": 64,
    "start_size_px": 32,
    "end_size_px": 48,
    "teacher_size_px": 64,
}

TAUGHT: Mapping[str, str] = {"teacher": "efficientnet_lite0"}
FROM_CUSTOM_CNN: Mapping[str, str] = {**TAUGHT, "stem_from": "custom_cnn_distilled"}

# The preset has more epochs than the two large ones, which take two hours of a core so.
RUNS = (
    Run("efficientnet_lite0", "efficientnet_lite0", "default", {"full": True}),
    Run("custom_cnn", "custom_cnn", "default"),
    Run("custom_cnn_distilled", "custom_cnn", DISTILLED, learns_from=TAUGHT),
    Run("resnet50", "resnet50", DISTILLED, {"epochs": 60}, TAUGHT),
    Run("vit", "vit", DISTILLED, {"epochs": 18}, FROM_CUSTOM_CNN),
)
MEASURED = {
    "test_top1": "top1",
    "test_coarse_top1": "coarse_top1",
    "test_macro": "macro",
    "ece": "ece",
}
ENSEMBLE = "ensemble"
MEMBERS = ("custom_cnn_distilled", "resnet50", "vit")


def measure(options: Options) -> Figures:
    """Return those of ``MEASURED``, params_m and images_per_s of each and of three together."""
    laboratory = Laboratory.open(options, name="training")
    versions: dict[str, ModelVersion] = {}
    for run in RUNS:
        before = {key: version.id for key, version in versions.items()}
        request = run.request(laboratory.data, before, quick=options.quick)
        versions[run.key] = laboratory.train(request, run.key)
    figures: Figures = {}
    for key, version in versions.items():
        figures |= _figures(key, laboratory.find_test(version))
    members = [versions[key].id for key in MEMBERS]
    together = evaluate_ensemble(
        laboratory.engine, laboratory.settings, actor=laboratory.actor, version_ids=members
    )
    return figures | _figures(ENSEMBLE, together.summary)


@dataclass(frozen=True, slots=True)
class Laboratory:
    """A data directory of a benchmark's own, where what was trained before is found again."""

    data: Path
    engine: sa.Engine
    settings: Settings
    actor: Actor

    @classmethod
    def open(cls, options: Options, *, name: str) -> Self:
        """Return the one of this benchmark, data and kind of run."""
        photos = options.labelled_photos().resolve()
        digest = hashlib.sha256(str(photos).encode()).hexdigest()[:12]
        home = BENCHMARKS_DIR / f"{name}-{digest}{'-quick' if options.quick else ''}"
        settings = Settings(data_dir=home, database_url="")
        engine = database.open_engine(settings)
        database.upgrade(engine)
        data = _with_test_split(photos, home / "split")
        return cls(data, engine, settings, database.local_actor(engine))

    def train(self, request: TrainingRequest, key: str) -> ModelVersion:
        """Return the version of this very recipe; train it where there is none yet.

        One that was killed while it was measured is measured again, from its last snapshot.
        """
        wanted = request.resolve().to_dict()
        for version in models.list_versions(self.engine, actor=self.actor):
            stored = DEFAULTS | version.metrics["training"]["recipe"]  # maybe of another version
            if {name: stored[name] for name in wanted} == wanted and self._list_test(version):
                return version
        trained = train_and_register(
            self.engine,
            self.settings,
            actor=self.actor,
            request=request,
            on_progress=_Log(key),
            should_stop=lambda: False,
            resume=True,
        )
        if trained is None:
            raise RuntimeError("a benchmark runs in one process, not under torchrun")
        return trained

    def find_test(self, version: ModelVersion) -> EvaluationSummary:
        """Return what the training measured at its end; the test split is not read again."""
        (found,) = self._list_test(version)
        return found

    def _list_test(self, version: ModelVersion) -> tuple[EvaluationSummary, ...]:
        only = EvaluationFilter(version_ids=(version.id,), split=Split.TEST)
        return tuple(list_evaluations(self.engine, self.settings, actor=self.actor, only=only))


def _figures(key: str, found: EvaluationSummary) -> Figures:
    figures = {
        name: found.figures[measured].value
        for name, measured in MEASURED.items()
        if measured in found.figures  # data without groups has no coarse categories
    }
    figures["params_m"] = (found.parameters or 0) / 1e6
    figures["images_per_s"] = found.images_per_s or 0.0
    return {f"{key}.{name}": value for name, value in figures.items()}


# --- data without a test split -------------------------------------------------------------------


def _with_test_split(data: Path, root: Path) -> Path:
    """Return the data, or the same pictures in folders that set a test split aside."""
    samples = read_labels(data).samples
    if any(sample.part == "test" for sample in samples):
        return data
    rng = np.random.default_rng(TEST_SEED)
    for label in sorted({sample.label for sample in samples}):
        of_label = [sample for sample in samples if sample.label == label]
        count = min(len(of_label) - 1, max(1, round(TEST_FRACTION * len(of_label))))
        tested = set(rng.permutation(len(of_label))[:count].tolist())
        for index, sample in enumerate(of_label):
            _link(root / ("test" if index in tested else "train"), index, sample)
    return root


def _link(root: Path, index: int, sample: Sample) -> None:
    folder = root.joinpath(*sample.label.split(" > "))
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / f"{index:06}{sample.path.suffix}"
    if not link.exists():
        link.symlink_to(sample.path.resolve())


class _Log:
    """Tells on standard error, epoch by epoch, how far a training is."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last: tuple[str, int] = ("", 0)

    def __call__(self, progress: TrainingProgress) -> None:
        at = (progress.stage, progress.epoch)
        if at == self._last:
            return
        self._last = at
        left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
        accuracy = "" if progress.val_accuracy is None else f", val {progress.val_accuracy:.3f}"
        print(
            f"{self._name}: {progress.stage}, epoch {progress.epoch} of {progress.epochs}"
            f"{accuracy}{left}",
            file=sys.stderr,
            flush=True,
        )


if __name__ == "__main__":
    harness.main("training", measure)
