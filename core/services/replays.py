"""Replay a batch: what another model version would have suggested, and whether that is better.

What the version said of the photos is used where it has seen them; else the worker asks it.
Nothing of that touches the listings, their flags or what reviewers see.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import NotFoundError
from core.services import chunks, jobs
from core.services.active_models import ModelCache, inference_options
from core.services.batches import require_batch
from core.services.chunks import Chunk
from core.services.evaluation_exports import to_csv
from core.services.models import ActiveModel
from core.settings import Settings
from core.storage import ImageStore
from db.engine import reading, transaction
from db.queries import jobs as job_queries
from db.queries import models as model_queries
from db.queries import predictions as prediction_queries
from db.queries import replays as queries
from db.queries import review as review_queries
from db.queries.replays import Replayed

# What became of a listing's suggestion, by key.
OUTCOMES: Mapping[str, str] = {
    "better": "Right now, wrong before",
    "worse": "Wrong now, right before",
    "other": "Another, wrong both times",
    "open": "Another, not decided yet",
    "same": "The same category",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A listing that the version gives another category than was suggested.

    Attributes:
        outcome: Of ``OUTCOMES``.
        before: Path that was suggested; empty where nothing was.
        decided: Path that somebody decided; empty where nobody did.
        probability: How sure the version is, calibrated.
    """

    listing_id: int
    sku: str
    sha256: str
    outcome: str
    before: str
    now: str
    decided: str
    probability: float


@dataclass(frozen=True, slots=True)
class Replay:
    """A batch under a model version.

    Attributes:
        counts: Listings by outcome, of those that the version has seen.
        unseen: Listings that it has not seen.
        differences: The worst first: made worse, neither, not decided, made better; in each
            the surest first.
    """

    counts: Mapping[str, int]
    unseen: int
    differences: tuple[Difference, ...]


def compare(engine: sa.Engine, *, actor: Actor, batch_id: int, version_id: int) -> Replay:
    """Compare what was suggested in the batch with what the version says of it.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        NotFoundError: No such batch or version.
    """
    require(actor, "dashboards")
    with reading(engine) as session:
        rows = _list(session, actor, batch_id, version_id)
        seen = [row for row in rows if row.said_id is not None]
        changed = [row for row in seen if _outcome(row) != "same"]
        paths = review_queries.map_category_paths(session, ids=_mentioned(changed))
    order = ("worse", "other", "open", "better")
    found = [_difference(row, paths) for row in changed]
    found.sort(key=lambda each: (order.index(each.outcome), -each.probability))
    return Replay(dict(Counter(map(_outcome, seen))), len(rows) - len(seen), tuple(found))


def ask(
    engine: sa.Engine, settings: Settings, *, actor: Actor, batch_id: int, version_id: int
) -> int | None:
    """Ask the worker for what the version says of the photos that it has not seen.

    Returns:
        The job, the one at work if there is one, or None where it has seen them all.

    Raises:
        ForbiddenError: The actor may not see dashboards.
        NotFoundError: No such batch or version.
    """
    require(actor, "dashboards")
    with transaction(engine) as session:
        job_queries.lock_batch(session, batch_id=batch_id)
        rows = _list(session, actor, batch_id, version_id)
        unseen = [row.photo_id for row in rows if row.said_id is None]
        if not unseen:
            return None
        at_work = queries.find_unfinished(session, batch_id=batch_id, version_id=version_id)
        if at_work is not None:
            return at_work
        size = settings.chunk_size
        return jobs.add_job(
            session,
            kind="replay",
            actor=actor,
            params={"version_id": version_id},
            batch_id=batch_id,
            chunks=[unseen[start : start + size] for start in range(0, len(unseen), size)],
        )


def replay_chunk(
    engine: sa.Engine,
    settings: Settings,
    *,
    chunk: Chunk,
    models: ModelCache,
    raise_if_stopped: Callable[[], None],
) -> None:
    """Show the chunk's photos to the version of its job, and keep what it says.

    Args:
        raise_if_stopped: Called between photos; what it raises ends the work, and nothing is
            written.

    Raises:
        CatalogError: The version's file is missing or damaged.
    """
    with reading(engine) as session:
        job = job_queries.find_job(session, job_id=chunk.job_id)
        photos = prediction_queries.list_photos(session, photo_ids=chunk.items)
    if job is None:
        return
    model = models.get(job.params["version_id"])
    store = ImageStore.of(settings)
    items = [(photo.id, partial(store.read, photo.sha256)) for photo in photos]
    values = []
    for row in _predict(settings, model, items):
        values.append(row)
        raise_if_stopped()
    with transaction(engine) as session:
        if chunks.lock(session, chunk=chunk):
            queries.insert_replays(session, values=values)
            failed = len(chunk.items) - len(values)
            chunks.complete(session, chunk=chunk, done=len(values), failed=failed)


def differences_csv(replay: Replay) -> str:
    """One line a listing that gets another category."""
    return to_csv(
        {
            "sku": each.sku,
            "outcome": each.outcome,
            "suggested": each.before,
            "replayed": each.now,
            "probability": each.probability,
            "decided": each.decided,
        }
        for each in replay.differences
    )


def _predict(
    settings: Settings, model: ActiveModel, items: Sequence[tuple[int, Callable[[], bytes]]]
) -> Iterator[dict[str, Any]]:
    """Yield what the model says of each photo that can be read."""
    from core.inference import Classifier

    classifier = Classifier([model.model], inference_options(settings))
    for outcome in classifier.classify(items, lambda _: None):
        if outcome.top:
            top = outcome.top[model.model.digest]
            yield {
                "listing_image_id": outcome.key,
                "model_version_id": model.version_id,
                "category_id": model.category_ids[int(top.label_indices[0])],
                "probability": float(top.probabilities[0]),
            }


def _list(session: Session, actor: Actor, batch_id: int, version_id: int) -> Sequence[Replayed]:
    require_batch(session, actor, batch_id)
    if model_queries.find_version(session, version_id=version_id) is None:
        raise NotFoundError(f"no model version {version_id}")
    return queries.list_replayed(session, batch_id=batch_id, version_id=version_id)


def _outcome(row: Replayed) -> str:
    if row.said_id == row.suggested_id:
        return "same"
    if row.decided_id is None:
        return "open"
    if row.said_id == row.decided_id:
        return "better"
    return "worse" if row.suggested_id == row.decided_id else "other"


def _mentioned(rows: Sequence[Replayed]) -> set[int]:
    ids = {id_ for row in rows for id_ in (row.suggested_id, row.decided_id, row.said_id)}
    return {id_ for id_ in ids if id_ is not None}


def _difference(row: Replayed, paths: Mapping[int, str]) -> Difference:
    assert row.said_id is not None
    return Difference(
        listing_id=row.listing_id,
        sku=row.sku,
        sha256=row.sha256,
        outcome=_outcome(row),
        before=paths.get(row.suggested_id or 0, ""),
        now=paths[row.said_id],
        decided=paths.get(row.decided_id or 0, ""),
        probability=row.probability or 0.0,
    )
