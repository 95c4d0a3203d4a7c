"""Several model versions as one: from what each said of the same pictures, without torch.

Weights and temperature come from the validation split; the test split is not read again.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import InvalidInputError, NotFoundError
from core.evaluation import Picture, PredictionFile, Predictions
from core.evaluation.calibration import fit_temperature
from core.evaluation.ensemble import fit_weights, predict_mixture
from core.evaluation.predictions import concatenate
from core.services.evaluations import (
    ENSEMBLE,
    EvaluationDetail,
    get_evaluation,
    merge_train_counts,
)
from core.services.measuring import Material, Subject, find_stored, store
from core.settings import Settings
from db.engine import reading
from db.queries import evaluations as queries
from db.queries import models as model_queries
from db.rows import EvaluationRow, ModelVersionRow
from db.states import Split

log = logging.getLogger(__name__)

_ROWS_AT_ONCE = 1024
_LEAST = np.finfo(np.float32).tiny  # stands for a probability of 0 in a logarithm

Batch = tuple[Sequence[Picture], Predictions]


def evaluate_ensemble(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    version_ids: Sequence[int] | None = None,
) -> EvaluationDetail:
    """Measure the weighted mean of several versions, or return what is known of it already.

    The weights are those that make the validation labels likeliest; a temperature fitted there
    makes their mean more modest where it is too sure, never surer. Both splits must be
    the same pictures for every member; of several the newest counts, and without a test
    split of the same data validation is measured.

    Args:
        version_ids: Two or more; None takes the active ones.

    Raises:
        ForbiddenError: The actor may not train.
        InvalidInputError: There are fewer than two, or they were not evaluated on the same
            validation split.
        NotFoundError: No version has one of the ids, or a file of predictions is missing.
    """
    require(actor, "train")
    with reading(engine) as session:
        team = _find_team(session, version_ids)
    known = find_stored(engine, settings, team.digest, team.material())
    return get_evaluation(
        engine, actor=actor, evaluation_id=known or _measure(engine, settings, team)
    )


def refresh_ensemble(engine: sa.Engine, settings: Settings, *, actor: Actor) -> None:
    """Measure the ensemble of the active versions, where they can be one."""
    try:
        evaluate_ensemble(engine, settings, actor=actor)
    except (InvalidInputError, NotFoundError) as error:
        log.info("the models in use make no ensemble: %s", error)


def _measure(engine: sa.Engine, settings: Settings, team: "_Team") -> int:
    validation = _Aligned.of(settings, team.validation)
    weights = fit_weights(validation.true_probabilities())
    raw = concatenate([predictions for _, predictions in validation.mixed(weights, 1.0)])
    temperature = _fit_temperature(raw)
    aligned = _Aligned.of(settings, team.measured)
    subject = team.subject(aligned.labels, weights, temperature)
    batches = aligned.mixed(weights, temperature)
    return store(engine, settings, subject, team.material(aligned.pictures), batches)


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is needed of an evaluation's row after its session is closed."""

    version_id: int
    data_name: str
    data_digest: str
    split: str
    file_name: str
    cost: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Team:
    """The members of an ensemble, by version id, with what was measured of each.

    Attributes:
        digest: Of the members' checkpoints and the pictures that the weights come from.
        train_counts: By label.
    """

    digest: str
    validation: tuple[_Stored, ...]
    measured: tuple[_Stored, ...]
    train_counts: Mapping[str, int]

    def material(self, pictures: Sequence[Picture] = ()) -> Material:
        first = self.measured[0]
        return Material(first.data_name, first.split, tuple(pictures), first.data_digest, tests=0)

    def subject(
        self, labels: tuple[str, ...], weights: NDArray[np.float64], temperature: float
    ) -> Subject:
        counts = [self.train_counts.get(label, 0) for label in labels]
        return Subject(
            name=f"{ENSEMBLE}-{self.digest[:12]}",
            digest=self.digest,
            labels=labels,
            temperature=temperature,
            train_counts=counts if self.train_counts else None,
            members=[
                {"version_id": each.version_id, "weight": round(float(weight), 6)}
                for each, weight in zip(self.measured, weights, strict=True)
            ],
            cost=_add_up([each.cost for each in self.measured]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Aligned:
    """What each member said of the same P pictures, in the same order.

    Attributes:
        labels: Those of all members, sorted.
        targets: (P,) int64 into ``labels``; -1 where no member knows the label.
        members: For each, its predictions with indices into ``labels``.
    """

    labels: tuple[str, ...]
    pictures: tuple[Picture, ...]
    targets: NDArray[np.int64]
    members: tuple[Predictions, ...]

    @classmethod
    def of(cls, settings: Settings, stored: Sequence[_Stored]) -> "_Aligned":
        files = [PredictionFile(settings.evaluations_dir / each.file_name) for each in stored]
        labels = tuple(sorted({label for file in files for label in file.header.labels}))
        index_of = {label: at for at, label in enumerate(labels)}
        rows = [_rows_by_picture(file) for file in files]
        keys = [key for key in rows[0] if all(key in each for each in rows)]
        members = [
            _take(file, index_of, np.array([each[key] for key in keys], np.int64))
            for file, each in zip(files, rows, strict=True)
        ]
        return cls(
            labels=labels,
            pictures=tuple(files[0].read_pictures().take([rows[0][key] for key in keys])),
            targets=np.array([index_of.get(label, -1) for _, label in keys], np.int64),
            members=tuple(members),
        )

    def true_probabilities(self) -> NDArray[np.float32]:
        """(K, M), of the K pictures whose label some member knows."""
        columns = [member.true_probabilities for member in self.members]
        return np.stack(columns, axis=1)[self.targets >= 0]

    def mixed(self, weights: NDArray[np.float64], temperature: float) -> Iterator[Batch]:
        """Yield some pictures at a time, with what the members together say of them."""
        for start in range(0, len(self.targets), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            said = predict_mixture(
                [(m.top_indices[rows], m.top_probabilities[rows]) for m in self.members],
                weights,
                self.targets[rows],
                labels=len(self.labels),
                temperature=temperature,
            )
            yield self.pictures[rows], said


def _find_team(session: Session, version_ids: Sequence[int] | None) -> _Team:
    versions = _find_versions(session, version_ids)
    ids = [version.id for version in versions]
    by_data: dict[tuple[str, str], dict[int, EvaluationRow]] = {}
    for row in queries.list_version_evaluations(session, version_ids=ids):
        by_data.setdefault((row.data_digest, row.split), {})[row.model_version_id or 0] = row
    common = [
        tuple(_stored(rows[id_]) for id_ in ids)
        for rows in by_data.values()
        if len(rows) == len(ids)
    ]
    validation = next((each for each in common if each[0].split == Split.VALIDATION), None)
    if validation is None:
        raise InvalidInputError(
            f"the versions {ids} were not all evaluated on the same validation split, where the "
            "weights of an ensemble come from; train them on the same data, with the same seed"
        )
    tests = (each for each in common if each[0].split == Split.TEST)
    ours = (each for each in tests if each[0].data_name == validation[0].data_name)
    lines = [*sorted(version.digest for version in versions), validation[0].data_digest]
    return _Team(
        digest=hashlib.sha256("\n".join(lines).encode()).hexdigest(),
        validation=validation,
        measured=next(ours, validation),
        train_counts=merge_train_counts(versions),
    )


def _find_versions(
    session: Session, version_ids: Sequence[int] | None
) -> Sequence[ModelVersionRow]:
    """Return the versions, ordered by id."""
    if version_ids is None:
        found = list(model_queries.list_active(session))
    else:
        rows = {id_: model_queries.find_version(session, version_id=id_) for id_ in version_ids}
        missing = [id_ for id_, row in rows.items() if row is None]
        if missing:
            raise NotFoundError(f"no model version {missing[0]}")
        found = [row for row in rows.values() if row is not None]
    if len(found) < 2:
        raise InvalidInputError(f"an ensemble needs two model versions, not {len(found)}")
    return sorted(found, key=lambda version: version.id)


def _stored(row: EvaluationRow) -> _Stored:
    return _Stored(
        version_id=row.model_version_id or 0,
        data_name=row.data_name,
        data_digest=row.data_digest,
        split=row.split,
        file_name=row.file_name,
        cost=row.metrics.get("model", {}),
    )


def _rows_by_picture(file: PredictionFile) -> dict[tuple[str, str], int]:
    """Return rows by content and label; of the same picture twice, one is enough."""
    pictures = file.read_pictures()
    keys = zip(pictures.column("sha256"), pictures.column("label"), strict=True)
    return {key: row for row, key in enumerate(keys)}


def _take(
    file: PredictionFile, index_of: Mapping[str, int], rows: NDArray[np.int64]
) -> Predictions:
    """Return rows of the file with indices into the common labels."""
    common = np.array([index_of[label] for label in file.header.labels], np.int32)
    taken = concatenate([part for _, part in file.read_batches(len(file))]).take(rows)
    return Predictions(
        targets=np.where(taken.known, common[taken.targets], -1).astype(np.int32),
        ranks=taken.ranks,
        true_probabilities=taken.true_probabilities,
        raw_confidences=taken.raw_confidences,
        top_indices=common[taken.top_indices],
        top_probabilities=taken.top_probabilities,
    )


def _fit_temperature(mixed: Predictions) -> float:
    """Fit it on what was kept of each mixture, where that holds the true label; at least 1.

    Below 1 the mixture would be surer than its members, whose own temperatures are cautious:
    validation photos were taken with those for training, and what will come was not.
    """
    kept = mixed.top_probabilities.shape[1]
    chosen = (mixed.ranks >= 0) & (mixed.ranks < kept)
    logits = np.log(np.maximum(mixed.top_probabilities[chosen], _LEAST))
    return max(1.0, fit_temperature(logits, mixed.ranks[chosen].astype(np.int64)))


def _add_up(costs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Every member sees every picture: sizes and times add up."""
    total: dict[str, Any] = {}
    for key in ("parameters", "file_bytes", "macs"):
        if all(cost.get(key) for cost in costs):
            total[key] = sum(cost[key] for cost in costs)
    if all(cost.get("images_per_s") for cost in costs):
        total["images_per_s"] = round(1 / sum(1 / cost["images_per_s"] for cost in costs), 1)
        total["machine"] = costs[0].get("machine", "")
    return total
