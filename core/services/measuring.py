"""Show a model version labelled pictures, and keep what it said of each.

A test split is read once: what was measured on the same pictures is returned from the
store. Each reading is recorded before it begins, whatever comes of it; that of a training with
what came of it, so that one which was killed meanwhile counts once.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import InvalidInputError, NotFoundError
from core.evaluation import (
    Header,
    Picture,
    PredictionFile,
    Predictions,
    group_labels,
    measure,
    writing,
)
from core.evaluation.predictions import predict
from core.services.evaluations import EvaluationDetail, get_evaluation
from core.services.outside_photos import hash_file, read_file
from core.settings import Settings
from db.engine import reading, transaction
from db.queries import evaluations as queries
from db.queries import models as model_queries
from db.rows import ModelVersionRow
from db.states import Split

if TYPE_CHECKING:
    from core.inference import Scored
    from core.models import LoadedModel
    from core.training.data.samples import Dataset, Part

log = logging.getLogger(__name__)

_ROWS_AT_ONCE = 1024
_MAX_NAME_CHARACTERS = 200

OnProgress = Callable[[int, int], None]
"""Called with pictures done and in all."""

Batches = Iterable[tuple[Sequence[Picture], Predictions]]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """The pictures of one split.

    Attributes:
        digest: SHA-256 over contents and labels, whatever the order and the folders.
        tests: How many of them are of the data's own test split.
    """

    name: str
    split: str
    pictures: tuple[Picture, ...]
    digest: str
    tests: int


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: a model version or an ensemble of some.

    Attributes:
        digest: Of the checkpoint, or of the ensemble's members.
        labels: Category paths in the order of the indices.
        train_counts: Training pictures of each label, where they are known.
        members: As in ``EvaluationRow``.
        cost: What one picture costs: parameters, macs, file_bytes, images_per_s, machine.
    """

    name: str
    digest: str
    labels: tuple[str, ...]
    temperature: float
    version_id: int | None = None
    train_counts: Sequence[int] | None = None
    members: Sequence[Mapping[str, Any]] = ()
    cost: Mapping[str, Any] | None = None


def evaluate_version(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    version_id: int,
    data: str,
    split: str | None = None,
    on_progress: OnProgress = lambda done, total: None,
) -> EvaluationDetail:
    """Measure a registered version on labelled data, or return what is known of it already.

    Args:
        data: ``reviewed``, or the path of labelled data in any layout.
        split: ``train``, ``validation``, ``test`` or ``all``; by default the data's own test
            split, and all of data without one.

    Raises:
        CheckpointError: The version's file is missing or damaged.
        ForbiddenError: The actor may not train.
        InvalidInputError: The data cannot be used, or has no such split.
        NotFoundError: No version has this id.
    """
    require(actor, "train")
    from core.services.datasets import open_dataset
    from core.services.models import load_version

    with reading(engine) as session:
        digest = _find_version(session, version_id).digest
    dataset = open_dataset(engine, settings, actor=actor, data=data, to_train=False)
    material = choose_material(dataset, split)
    known = find_stored(engine, settings, digest, material)
    if known is None:
        model = load_version(engine, settings, version_id=version_id).model
        record_test_read(engine, actor, version_id, material)
        known = _measure_version(engine, settings, version_id, model, material, on_progress)
    return get_evaluation(engine, actor=actor, evaluation_id=known)


def choose_material(dataset: "Dataset", split: str | None) -> Material:
    """Return the pictures of a split, each file read once for its digest.

    Raises:
        InvalidInputError: The data has no such split.
    """
    parts = {sample.part for sample in dataset.samples} - {None}
    wanted = split or (Split.TEST if Split.TEST in parts else Split.ALL)
    chosen = [s for s in dataset.samples if wanted in (Split.ALL, s.part)]
    if not chosen:
        there = ", ".join(sorted(filter(None, parts))) or "none of its own"
        raise InvalidInputError(
            f"{dataset.name} has no split {wanted!r}; it has {there}, and all of it is 'all'"
        )
    pictures = [Picture(str(s.path.resolve()), hash_file(s.path), s.label) for s in chosen]
    tests = sum(s.part == Split.TEST.value for s in chosen)
    return make_material(dataset.name, wanted, pictures, tests=tests)


def make_material(
    name: str, split: str, pictures: Sequence[Picture], *, tests: int = 0
) -> Material:
    """Return the pictures with their digest; there must be at least one."""
    digest = hashlib.sha256()
    for line in sorted(f"{picture.sha256} {picture.label}\n" for picture in pictures):
        digest.update(line.encode())
    name = name[:_MAX_NAME_CHARACTERS]
    return Material(name, split, tuple(pictures), digest.hexdigest(), tests)


def find_stored(
    engine: sa.Engine, settings: Settings, subject_digest: str, material: Material
) -> int | None:
    """Return the id of the evaluation of this subject on these pictures, if it is whole."""
    with reading(engine) as session:
        row = queries.find_evaluation(
            session,
            subject=subject_digest,
            data_digest=material.digest,
            split=material.split,
        )
        whole = row is not None and (settings.evaluations_dir / row.file_name).is_file()
        return row.id if row and whole else None


def record_training(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    version_id: int,
    data_name: str,
    looked_at: Mapping["Part", tuple[Sequence[Picture], Predictions]],
) -> None:
    """Keep what a training measured at its end, so that no picture is read a second time.

    Args:
        looked_at: By split, the pictures and what the network said of them.

    Raises:
        ForbiddenError: The actor may not train.
        NotFoundError: No version has this id.
    """
    require(actor, "train")
    from core.services.models import load_version

    model = load_version(engine, settings, version_id=version_id).model
    subject = _describe(engine, settings, version_id, model)
    for split, (pictures, predictions) in looked_at.items():
        tests = len(pictures) if split == Split.TEST.value else 0
        material = make_material(data_name, split, pictures, tests=tests)
        if find_stored(engine, settings, subject.digest, material) is None:
            record_test_read(engine, actor, version_id, material)
            store(engine, settings, subject, material, [(pictures, predictions)])


def store(
    engine: sa.Engine,
    settings: Settings,
    subject: Subject,
    material: Material,
    batches: Batches,
    *,
    unreadable: Callable[[], int] = lambda: 0,
) -> int:
    """Write the predictions beside the models and the figures to the database; return the id.

    Args:
        unreadable: Asked at the end how many pictures could not be read.

    Raises:
        InvalidInputError: No picture could be read.
    """
    file_name = f"{subject.name}-{material.split}-{material.digest[:12]}.parquet"
    path = settings.evaluations_dir / file_name
    header = Header(subject.labels, material.split, subject.temperature)
    with writing(path, header) as writer:
        for pictures, predictions in batches:
            writer.append(pictures, predictions)
    values = {
        "subject": subject.digest,
        "model_version_id": subject.version_id,
        "members": list(subject.members),
        "data_name": material.name,
        "data_digest": material.digest,
        "split": material.split,
        "file_name": file_name,
        **_measure(path, subject, unreadable()),
    }
    with transaction(engine) as session:
        return queries.ensure_evaluation(session, values=values).id


def _measure(path: Path, subject: Subject, unreadable: int) -> dict[str, Any]:
    file = PredictionFile(path)
    if len(file) == 0:
        raise InvalidInputError(f"none of the {unreadable} pictures could be read")
    report = measure(
        file.read_predictions(),
        file.read_pictures().column("label"),
        subject.labels,
        temperature=subject.temperature,
        train_counts=subject.train_counts,
        likely_groups=file.read_likely_groups(group_labels(subject.labels)),
    )
    metrics = report.to_dict() | {"unreadable_pictures": unreadable, "model": subject.cost or {}}
    return {"pictures": len(file), "metrics": metrics}


def _measure_version(
    engine: sa.Engine,
    settings: Settings,
    version_id: int,
    model: "LoadedModel",
    material: Material,
    on_progress: OnProgress,
) -> int:
    subject = _describe(engine, settings, version_id, model)
    looking = _Looking(settings, model, material, on_progress)
    return store(
        engine, settings, subject, material, looking.batches(), unreadable=lambda: looking.failed
    )


def _describe(
    engine: sa.Engine, settings: Settings, version_id: int, model: "LoadedModel"
) -> Subject:
    from core.inference import measure_cost
    from core.services.active_models import inference_options

    cost = asdict(measure_cost(model, inference_options(settings)))
    with reading(engine) as session:
        row = _find_version(session, version_id)
        cost |= {"parameters": row.parameters, "file_bytes": row.file_bytes}
    return Subject(
        name=f"{model.arch}-{model.digest[:12]}",
        digest=model.digest,
        labels=model.labels,
        temperature=model.temperature,
        version_id=version_id,
        train_counts=model.card.metrics.get("train_counts"),
        cost=cost,
    )


class _Looking:
    """A model looking at pictures, some rows at a time.

    Attributes:
        failed: Pictures that could not be read, so far.
    """

    def __init__(
        self, settings: Settings, model: "LoadedModel", material: Material, on_progress: OnProgress
    ) -> None:
        self.failed = 0
        self._settings, self._model, self._pictures = settings, model, material.pictures
        self._on_progress = on_progress
        self._index_of = {label: at for at, label in enumerate(model.labels)}

    def batches(self) -> Iterator[tuple[Sequence[Picture], Predictions]]:
        scored = self._score()
        done = 0
        while rows := list(islice(scored, _ROWS_AT_ONCE)):
            pictures = [self._pictures[row.key] for row in rows]
            targets = [self._index_of.get(picture.label, -1) for picture in pictures]
            yield (
                pictures,
                predict(
                    np.stack([row.logits for row in rows if row.logits is not None]),
                    np.array(targets, np.int64),
                    temperature=self._model.temperature,
                ),
            )
            done += len(rows)
            self._on_progress(done + self.failed, len(self._pictures))

    def _score(self) -> Iterator["Scored[int]"]:
        from core.inference import score
        from core.services.active_models import inference_options

        items = ((at, partial(read_file, each.path)) for at, each in enumerate(self._pictures))
        for scored in score(self._model, inference_options(self._settings), items):
            if scored.error is None:
                yield scored
            else:
                self.failed += 1
                log.warning("%s: %s", self._pictures[scored.key].path, scored.error)


def record_test_read(engine: sa.Engine, actor: Actor, version_id: int, material: Material) -> None:
    """Record and log that a version is about to see a test split."""
    if material.tests == 0:
        return
    values = {
        "model_version_id": version_id,
        "user_id": actor.id,
        "data_name": material.name,
        "data_digest": material.digest,
        "pictures": material.tests,
    }
    with transaction(engine) as session:
        count = queries.add_test_read(session, values=values)
    log.log(
        logging.INFO if count == 1 else logging.WARNING,
        "model version %d reads the test split of %s (%d pictures, %s): reading number %d",
        version_id,
        material.name,
        material.tests,
        material.digest[:12],
        count,
    )


def _find_version(session: Session, version_id: int) -> ModelVersionRow:
    row = model_queries.find_version(session, version_id=version_id)
    if row is None:
        raise NotFoundError(f"no model version {version_id}")
    return row
