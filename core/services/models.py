"""Model versions: register a checkpoint, list them, load the active ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from core.actors import Actor, require
from core.errors import CheckpointError, NotFoundError
from core.model_names import model_name
from core.settings import Settings
from core.storage import write_whole
from db.engine import reading, transaction
from db.queries import categories as category_queries
from db.queries import models as queries
from db.rows import ModelVersionRow

if TYPE_CHECKING:  # pages list the versions, and no page may load torch
    from core.models import Embedder, LoadedModel

_MAX_PROBLEM_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered checkpoint.

    Attributes:
        digest: SHA-256 of the file.
        metrics: In the shape of ``core.evaluation.metrics.Metrics``.
        problem: Why the file cannot be used; None when it can.
    """

    id: int
    arch: str
    digest: str
    state: str
    problem: str | None
    created_at: datetime
    metrics: Mapping[str, Any]
    label_count: int
    parameters: int
    file_bytes: int

    @property
    def name(self) -> str:
        """The architecture's name for people."""
        return model_name(self.arch)

    def recorded_top1(self, split: str) -> float | None:
        """Return the accuracy, 0 to 1, that its training recorded on a split."""
        found = self.metrics.get("splits", {}).get(split)
        return found["top1"] if found else None


@dataclass(frozen=True, slots=True, eq=False)
class ActiveModel:
    """A model in use.

    Attributes:
        category_ids: In the order of the model's labels.
    """

    version_id: int
    model: "LoadedModel"
    category_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelProblem:
    """An active version that cannot be used, and why."""

    version_id: int
    file_name: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class ActiveModels:
    models: tuple[ActiveModel, ...]
    problems: tuple[ModelProblem, ...]


def register_checkpoint(
    engine: sa.Engine, settings: Settings, *, actor: Actor, path: Path, activate: bool = True
) -> ModelVersion:
    """Verify the checkpoint, copy it into the data directory and record it as a version.

    Registering the same file again gives the same version.

    Raises:
        ForbiddenError: The actor may not train.
        CheckpointError: The file is missing, damaged, or no checkpoint.
    """
    require(actor, "train")
    from core.models import checkpoint

    model = checkpoint.load(path)
    data = path.read_bytes()
    file_name = f"{model.arch}-{model.digest[:12]}.safetensors"
    write_whole(settings.models_dir / file_name, data)
    values = {
        "arch": model.arch,
        "file_name": file_name,
        "file_bytes": len(data),
        "parameters": model.parameters,
        "labels": list(model.labels),
        "metrics": {
            **model.card.metrics,
            "parameters": model.parameters,
            "file_bytes": len(data),
        },
    }
    with transaction(engine) as session:
        category_queries.ensure_paths(session, model.labels)
        row = queries.ensure_version(session, digest=model.digest, values=values)
        row.problem = None
        if activate:
            queries.activate_version(session, version=row)
        return _version(row)


def list_versions(engine: sa.Engine, *, actor: Actor) -> tuple[ModelVersion, ...]:
    """Return all versions, newest first.

    Raises:
        ForbiddenError: The actor may not see dashboards.
    """
    require(actor, "dashboards")
    with reading(engine) as session:
        return tuple(_version(row) for row in queries.list_versions(session))


def load_active(engine: sa.Engine, settings: Settings) -> ActiveModels:
    """Load the active version of each architecture.

    A version whose file is missing or damaged becomes a problem, also recorded with the
    version; the others are loaded all the same. A file that is good again clears it.
    """
    with reading(engine) as session:
        versions = [
            (row.id, row.digest, row.file_name, row.problem) for row in queries.list_active(session)
        ]
    models, problems = [], []
    for version_id, digest, file_name, known_problem in versions:
        try:
            models.append(_load(engine, settings.models_dir / file_name, version_id, digest))
            reason = None
        except CheckpointError as error:
            reason = str(error)[:_MAX_PROBLEM_CHARACTERS]
            problems.append(ModelProblem(version_id, file_name, reason))
        if reason != known_problem:
            with transaction(engine) as session:
                queries.set_problem(session, version_id=version_id, problem=reason)
    return ActiveModels(tuple(models), tuple(problems))


def load_version(engine: sa.Engine, settings: Settings, *, version_id: int) -> ActiveModel:
    """Load one version, active or not.

    Raises:
        NotFoundError: No version has this id.
        CheckpointError: Its file is missing or damaged.
    """
    with reading(engine) as session:
        row = queries.find_version(session, version_id=version_id)
        if row is None:
            raise NotFoundError(f"no model version {version_id}")
        path, digest = settings.models_dir / row.file_name, row.digest
    return _load(engine, path, version_id, digest)


def load_embedder(engine: sa.Engine, settings: Settings) -> "Embedder | None":
    """Return the network that photos are compared by, as the settings name it; None for none.

    Raises:
        CheckpointError: The version's file is missing or damaged.
        InvalidInputError: There is no such architecture.
        NotFoundError: No version has this id.
        WeightsUnavailableError: The architecture has no packaged weights here.
    """
    from core import models

    if settings.embedder.isdecimal():
        version = load_version(engine, settings, version_id=int(settings.embedder))
        return models.as_embedder(version.model)
    return models.load_embedder(settings.embedder) if settings.embedder else None


def _load(engine: sa.Engine, path: Path, version_id: int, digest: str) -> ActiveModel:
    from core.models import checkpoint

    model = checkpoint.load(path, digest=digest)
    with transaction(engine) as session:
        ids = category_queries.ensure_paths(session, model.labels)
    return ActiveModel(version_id, model, tuple(ids[label] for label in model.labels))


def _version(row: ModelVersionRow) -> ModelVersion:
    return ModelVersion(
        id=row.id,
        arch=row.arch,
        digest=row.digest,
        state=row.state,
        problem=row.problem,
        created_at=row.created_at,
        metrics=row.metrics,
        label_count=len(row.labels),
        parameters=row.parameters,
        file_bytes=row.file_bytes,
    )
