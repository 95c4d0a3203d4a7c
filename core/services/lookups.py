"""Photos from outside to search by: handed in at a door, embedded by the worker.

A worker that listens is asked at once (``core.services.lookup_door``). Where none does, the file
lies in the cache until one comes, and is gone afterwards. The vector is kept for a day.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import sqlalchemy as sa

from core.actors import Actor, require
from core.errors import CatalogError, InvalidInputError, NotFoundError
from core.services import lookup_door
from core.settings import Settings
from core.storage import WORK_STALE_AFTER_S, sweep, write_whole
from db.engine import reading, transaction
from db.queries import embeddings as embedding_queries
from db.queries import lookups as queries
from db.queries.reasons import fit
from db.rows import LookupRow
from db.states import LookupState

if TYPE_CHECKING:  # the web process takes photos in, and may not load torch
    from core.inference import Classifier
    from core.services.active_models import ActiveClassifier, ModelCache

log = logging.getLogger(__name__)

DIED = "the worker died while it looked at this photo"


@dataclass(frozen=True, slots=True)
class Lookup:
    """A photo to search by.

    Attributes:
        state: ``pending``, ``done`` or ``failed``.
        error: Why it cannot be searched by, when it failed.
    """

    id: int
    state: LookupState
    error: str | None = None


class _Answer(NamedTuple):
    """What a worker said at once, as the row keeps it."""

    state: LookupState
    error: str | None
    space: str | None
    vector: bytes | None


def request(engine: sa.Engine, settings: Settings, *, actor: Actor, data: bytes) -> Lookup:
    """Hand a photo in; the same one again is answered at once, for a day.

    A worker that listens embeds it at once; else it waits for one.

    What was handed in more than a day ago is deleted, whosever it is and whatever became of it.

    Raises:
        ForbiddenError: The actor may not look.
        InvalidInputError: It is empty, or larger than a photo may be.
    """
    require(actor, "look")
    if not 0 < len(data) <= settings.max_file_bytes:
        raise InvalidInputError(
            f"the photo has {len(data):,} bytes; send one of at most {settings.max_file_bytes:,}"
        )
    sha256 = hashlib.sha256(data).hexdigest()
    path = _path(settings, actor.id, sha256)
    known = _keep_known(engine, actor, sha256)
    answer = None if known else _ask_worker(settings, data)
    if known or answer:
        path.unlink(missing_ok=True)  # handed in before, and no worker will come for it
    else:
        write_whole(path, data)
        sweep(path.parent)
    return known or _store(engine, actor, sha256, answer)


def get_lookup(engine: sa.Engine, *, actor: Actor, lookup_id: int) -> Lookup:
    """Return how a photo of the actor's stands.

    Raises:
        NotFoundError: No such lookup of theirs.
    """
    with reading(engine) as session:
        return _lookup(_require(queries.find_lookup(session, lookup_id=lookup_id), actor))


def get_vector(engine: sa.Engine, *, actor: Actor, lookup_id: int) -> tuple[str, bytes] | None:
    """Return space and vector of a photo of the actor's; None while the worker looks at it.

    Raises:
        InvalidInputError: It cannot be searched by.
        NotFoundError: No such lookup of theirs.
    """
    with reading(engine) as session:
        row = _require(queries.find_lookup(session, lookup_id=lookup_id), actor)
        if row.state == LookupState.FAILED:
            raise InvalidInputError(f"this photo cannot be searched by: {row.error}")
        return None if row.vector is None or row.space is None else (row.space, row.vector)


def list_pending(engine: sa.Engine, *, limit: int = 50) -> tuple[tuple[int, datetime], ...]:
    """Return (id, when it was asked for) of the oldest that wait for the worker."""
    with reading(engine) as session:
        return tuple(queries.list_pending(session, limit=limit))


def begin(engine: sa.Engine, *, lookup_id: int) -> tuple[int, str] | None:
    """Note what is to be said if the worker does not survive this.

    Returns:
        Whose photo it is, and its SHA-256; None when nothing waits any more, or when the worker
        died over it before.
    """
    with transaction(engine) as session:
        row = queries.find_lookup(session, lookup_id=lookup_id)
        if row is None or row.state != LookupState.PENDING:
            return None
        if row.error == DIED:
            row.state = LookupState.FAILED
            return None
        row.error = DIED
        return row.user_id, row.sha256


def embed(
    engine: sa.Engine,
    settings: Settings,
    *,
    lookup_id: int,
    begun: tuple[int, str],
    models: "ModelCache",
) -> None:
    """Embed the photo of a lookup that has begun; a failure is stored."""
    path = _path(settings, *begun)
    try:
        space, vector = _embed(path, models)
    except CatalogError as error:
        path.unlink(missing_ok=True)  # before it may come again
        fail(engine, lookup_id=lookup_id, error=str(error))
        return
    with transaction(engine) as session:
        row = queries.find_lookup(session, lookup_id=lookup_id)
        if row is not None:
            row.state, row.error, row.space, row.vector = LookupState.DONE, None, space, vector
    path.unlink(missing_ok=True)


class PhotoEmbedder:
    """Embeds one photo after the other by the network in use; safe in several threads."""

    def __init__(self, models: "ModelCache") -> None:
        self._models = models
        self._made: tuple[ActiveClassifier, Classifier] | None = None

    def embed(self, read: Callable[[], bytes]) -> tuple[str, bytes]:
        """Return space and vector of the photo that ``read`` returns.

        Raises:
            CatalogError: It cannot be embedded.
        """
        active, made = self._models.current(), self._made
        if active.space is None:
            raise InvalidInputError(
                "no network to compare photos by is set up; see the worker's log"
            )
        if made is None or made[0] is not active:
            made = active, active.restricted_to(frozenset(), is_embedding=True)
            self._made = made
        (outcome,) = made[1].classify([(0, read)], lambda _: None)
        if outcome.error is not None:
            raise outcome.error
        if outcome.embedding is None:
            raise InvalidInputError("the photo could not be embedded; hand it in again")
        return active.space, np.asarray(outcome.embedding, "<f2").tobytes()


def fail(engine: sa.Engine, *, lookup_id: int, error: str) -> None:
    """Store why the photo cannot be searched by."""
    with transaction(engine) as session:
        row = queries.find_lookup(session, lookup_id=lookup_id)
        if row is not None and row.state == LookupState.PENDING:  # not done at once meanwhile
            row.state, row.error = LookupState.FAILED, fit(error, LookupRow.error)
    log.error("lookup %d: %s", lookup_id, error)


def _keep_known(engine: sa.Engine, actor: Actor, sha256: str) -> Lookup | None:
    """Return the photo, kept for another day, where it is embedded in the space of now."""
    now = datetime.now(UTC)
    with transaction(engine) as session:
        queries.delete_older(session, than=now - timedelta(seconds=WORK_STALE_AFTER_S))
        row = queries.find_of_photo(session, user_id=actor.id, sha256=sha256)
        if row is None or row.state != LookupState.DONE:
            return None
        if row.space != embedding_queries.find_newest_space(session):
            return None
        row.created_at = now
        return _lookup(row)


def _ask_worker(settings: Settings, data: bytes) -> _Answer | None:
    try:
        found = lookup_door.embed(settings, data)
    except InvalidInputError as error:
        return _Answer(LookupState.FAILED, fit(str(error), LookupRow.error), None, None)
    return None if found is None else _Answer(LookupState.DONE, None, *found)


def _store(engine: sa.Engine, actor: Actor, sha256: str, answer: _Answer | None) -> Lookup:
    """Keep what a worker said of the photo; where none did, the photo waits for one."""
    with transaction(engine) as session:
        row = queries.ensure_lookup(session, user_id=actor.id, sha256=sha256)
        if answer is not None:
            row.state, row.error, row.space, row.vector = answer
        elif row.state != LookupState.PENDING:
            row.state, row.error, row.vector = LookupState.PENDING, None, None
            row.created_at = datetime.now(UTC)  # of a new task
        return _lookup(row)


def _embed(path: Path, models: "ModelCache") -> tuple[str, bytes]:
    def read() -> bytes:
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError("the photo is gone from the cache; hand it in again") from error

    return PhotoEmbedder(models).embed(read)


def _require(row: LookupRow | None, actor: Actor) -> LookupRow:
    require(actor, "look")
    if row is None or row.user_id != actor.id:
        raise NotFoundError("no such photo to search by; hand it in again")
    return row


def _lookup(row: LookupRow) -> Lookup:
    state = LookupState(row.state)
    return Lookup(row.id, state, row.error if state == LookupState.FAILED else None)


def _path(settings: Settings, user_id: int, sha256: str) -> Path:
    """Return a place of the user's own: who is done takes no file from who still waits."""
    return settings.cache_dir / "lookups" / f"{user_id}-{sha256}"
