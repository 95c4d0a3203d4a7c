"""Networks compared as embedders: how well their features find photos of the same product.

Photos of the test split are sought among those of the train split. Showing them to a version is
one more look at its test photos, and recorded as such.
"""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from core.actors import Actor, require
from core.errors import InvalidInputError, NotFoundError
from core.evaluation.retrieval import measure_retrieval
from core.model_names import model_name
from core.services.measuring import Material, OnProgress, choose_material, record_test_read
from core.services.outside_photos import read_file
from core.settings import Settings
from db.engine import reading, transaction
from db.queries import retrievals as queries
from db.rows import RetrievalRow
from db.states import Split

if TYPE_CHECKING:  # pages list what was measured, and no page may load torch
    from core.models import Embedder

log = logging.getLogger(__name__)

_LISTED = 100

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EmbedderStanding:
    """How well one network's features find photos of the same product.

    Attributes:
        version_id: None for the network that compares photos here.
        recall_at_1: Share of the queries whose nearest photo shows the same product.
        mean_precision: The mean average precision (mAP) of the whole rankings.
        queries: Test photos that were sought, among ``pictures`` train photos.
    """

    name: str
    version_id: int | None
    recall_at_1: float
    mean_precision: float
    dimensions: int
    queries: int
    pictures: int


def measure_embedder(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    version_id: int | None,
    data: str,
    on_progress: OnProgress = lambda done, total: None,
) -> EmbedderStanding:
    """Measure a network as an embedder, or return what is known of it already.

    Args:
        version_id: None for the network that compares photos here.
        data: Labelled data with a train and a test split.

    Raises:
        CheckpointError: The version's file is missing or damaged.
        ForbiddenError: The actor may not train.
        InvalidInputError: The data cannot be used, or has no such splits.
        NotFoundError: No version has this id.
        WeightsUnavailableError: No network that is packaged is installed.
    """
    require(actor, "train")
    from core.services.datasets import open_dataset

    embedder = _load(engine, settings, version_id)
    dataset = open_dataset(engine, settings, actor=actor, data=data, to_train=False)
    sought, among = (choose_material(dataset, split.value) for split in (Split.TEST, Split.TRAIN))
    digest = hashlib.sha256(f"{sought.digest} {among.digest}".encode()).hexdigest()
    with reading(engine) as session:
        known = queries.find_retrieval(session, subject=embedder.space, data_digest=digest)
        if known is not None:
            return _standing(known, embedder.arch)
    if version_id is not None:
        record_test_read(engine, actor, version_id, sought)
    looking = _Looking(settings, embedder, len(sought.pictures) + len(among.pictures), on_progress)
    values = {
        "subject": embedder.space,
        "model_version_id": version_id,
        "data_name": sought.name,
        "data_digest": digest,
        **_measure(looking, sought, among),
    }
    with transaction(engine) as session:
        queries.ensure_retrieval(session, values=values)
        row = queries.find_retrieval(session, subject=embedder.space, data_digest=digest)
        if row is None:
            raise NotFoundError(f"what was measured of {embedder.space} is gone; measure it again")
        return _standing(row, embedder.arch)


def _measure(looking: "_Looking", sought: Material, among: Material) -> Mapping[str, Any]:
    """Return what a ``RetrievalRow`` keeps of how well the photos of ``sought`` are found."""
    found = measure_retrieval(*looking.embed(sought), *looking.embed(among))
    if found is None:
        raise InvalidInputError(
            f"no test photo of {sought.name} has its product in the train split"
        )
    return {
        "dimensions": found.dimensions,
        "queries": found.queries,
        "pictures": found.pictures,
        "recall_at_1": found.recall_at_1,
        "mean_precision": found.mean_precision,
    }


def list_embedders(
    engine: sa.Engine, *, actor: Actor, data_name: str
) -> tuple[EmbedderStanding, ...]:
    """Return what was measured on data of this name, the best mAP first.

    Raises:
        ForbiddenError: The actor may not see dashboards.
    """
    require(actor, "dashboards")
    with reading(engine) as session:
        found = queries.list_retrievals(session, data_name=data_name, limit=_LISTED)
        return tuple(_standing(row, arch or row.subject.partition("-")[0]) for row, arch in found)


@dataclass(frozen=True, slots=True, eq=False)
class _Subject:
    """A network, and what it is called: the checkpoint's digest, or the packaged one's space."""

    arch: str
    space: str
    embedder: "Embedder"


def _load(engine: sa.Engine, settings: Settings, version_id: int | None) -> _Subject:
    from core.models import Embedder
    from core.services.models import load_embedder, load_version

    if version_id is None:
        in_use = load_embedder(engine, settings)
        if in_use is None:
            raise InvalidInputError("no network to compare photos by is set; see the settings")
        return _Subject(in_use.space.partition("-")[0], in_use.space, in_use)
    model = load_version(engine, settings, version_id=version_id).model
    made = Embedder(model.digest, model.preprocessing, model.network)
    return _Subject(model.arch, model.digest, made)


class _Looking:
    """A network looking at photos of both splits."""

    def __init__(
        self, settings: Settings, subject: _Subject, total: int, on_progress: OnProgress
    ) -> None:
        from core.inference import Classifier
        from core.services.active_models import inference_options

        self._classifier = Classifier([], inference_options(settings), subject.embedder)
        self._total, self._done, self._on_progress = total, 0, on_progress

    def embed(self, material: Material) -> tuple[Floats, NDArray[np.str_]]:
        """Return the vectors, (N, D), and labels, (N,), of the photos that can be read."""
        vectors: list[NDArray[np.float16]] = []
        labels: list[str] = []
        items = (
            (at, partial(read_file, picture.path)) for at, picture in enumerate(material.pictures)
        )
        for outcome in self._classifier.classify(items, lambda _: None):
            picture = material.pictures[outcome.key]
            self._done += 1
            self._on_progress(self._done, self._total)
            if outcome.embedding is None:
                log.warning("%s: %s", picture.path, outcome.error)
                continue
            vectors.append(outcome.embedding)
            labels.append(picture.label)
        if not vectors:
            raise InvalidInputError(f"no photo of the {material.split} split could be read")
        return np.stack(vectors).astype(np.float32), np.array(labels)


def _standing(row: RetrievalRow, arch: str) -> EmbedderStanding:
    name = model_name(arch)
    return EmbedderStanding(
        name=name if row.model_version_id is not None else f"{name}, as it is packaged",
        version_id=row.model_version_id,
        recall_at_1=row.recall_at_1,
        mean_precision=row.mean_precision,
        dimensions=row.dimensions,
        queries=row.queries,
        pictures=row.pictures,
    )
