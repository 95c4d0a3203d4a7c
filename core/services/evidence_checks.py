"""Compare what models that agree look at: in idle time, on the main photos of open listings.

A heat map takes a backward pass through its network, so a photo is compared once, after its
classification, and the agreement is kept (``FlagValueRow``); a moved limit is held against that.
It is compared again once a model that it was not compared by has seen it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFoundError, UnreadableImageError
from core.explain.agreement import mean_overlap, to_grid
from core.imaging import ImageLimits, decode
from core.services import chunks, limits
from core.services.active_models import ActiveClassifier, ModelCache
from core.services.chunks import Chunk
from core.services.states import UNDECIDED, JobState
from core.settings import Settings
from core.storage import ImageStore
from db.engine import reading, transaction
from db.queries import explanations as queries
from db.queries import flag_values
from db.queries import jobs as job_queries
from db.queries.explanations import Opinion

if TYPE_CHECKING:
    from core.services.models import ActiveModel

JOB = "evidence"
KIND = "evidence_differs"
PHOTOS_A_CHUNK = 8  # a classification that comes in between waits no longer than these take
NOTHING = float("nan")


def follow_classification(
    session: Session, settings: Settings, *, chunk: Chunk, active: ActiveClassifier
) -> None:
    """Ask for the batch to be looked at once its last photo is classified, if that is wanted."""
    if len(active.models) < 2 or not _is_wanted(settings):
        return
    job = job_queries.find_job_for_update(session, job_id=chunk.job_id)
    if job is None or job.batch_id is None or job.state != JobState.DONE:
        return
    if not job_queries.is_queued(session, kind=JOB, batch_id=job.batch_id):
        job_queries.insert_job(
            session,
            kind=JOB,
            created_by=job.created_by,
            params={},
            batch_id=job.batch_id,
            total=1,
            chunks=((),),
        )


def _is_wanted(settings: Settings) -> bool:
    if settings.compare_maps is not None:
        return settings.compare_maps
    from core.models.devices import choose_device

    return choose_device(settings.device).type != "cpu"


def list_due(engine: sa.Engine) -> tuple[tuple[int, datetime], ...]:
    """Return (id, when it was made) of the next chunk; none while a photo is to be classified."""
    if chunks.list_unfinished(engine, kind="classification", limit=1):
        return ()
    return chunks.list_unfinished(engine, kind=JOB, limit=1)


def check_chunk(
    engine: sa.Engine,
    settings: Settings,
    *,
    chunk: Chunk,
    models: ModelCache,
    raise_if_stopped: Callable[[], None],
) -> None:
    """Compare the heat maps of the chunk's photos, keep the agreement and renew the flag.

    A chunk without items stands for its batch: it is replaced by chunks of the photos of which
    all models name the same category, in the order of the queue.

    Args:
        raise_if_stopped: Called between photos; what it raises ends the work, and nothing is
            written.
    """
    active = models.current()
    if not chunk.items:
        _expand(engine, chunk, active)
        return
    with reading(engine) as session:
        said = queries.list_opinions(session, photo_ids=chunk.items, version_ids=active.version_ids)
    by_version = {each.version_id: each for each in active.models}
    store = ImageStore.of(settings)
    image_limits = ImageLimits.of(settings)
    values = {}
    for photo_id, of_photo in groupby(said, key=lambda each: each.photo_id):
        values[photo_id] = _compare(store, image_limits, list(of_photo), by_version)
        raise_if_stopped()
    with transaction(engine) as session:
        if chunks.lock(session, chunk=chunk):
            flag_values.replace_values(session, kind=KIND, photo_ids=chunk.items, values=values)
            limits.raise_anew(session, flag=KIND, photo_ids=chunk.items)
            chunks.complete(session, chunk=chunk, done=len(chunk.items), failed=0)


def _expand(engine: sa.Engine, chunk: Chunk, active: ActiveClassifier) -> None:
    assert chunk.batch_id is not None
    with transaction(engine) as session:
        if not chunks.lock(session, chunk=chunk):
            return
        agreed = queries.list_agreed(
            session,
            batch_id=chunk.batch_id,
            version_ids=active.version_ids,
            states=UNDECIDED,
        )
        known = flag_values.map_current(
            session, kind=KIND, photo_ids=agreed, version_ids=active.version_ids
        )
        due = [photo_id for photo_id in agreed if photo_id not in known]
        if due:
            chunks.expand(session, chunk=chunk, items=due, size=PHOTOS_A_CHUNK)
        else:
            chunks.complete(session, chunk=chunk, done=1, failed=0)


def _compare(
    store: ImageStore,
    image_limits: ImageLimits,
    said: Sequence[Opinion],
    by_version: "Mapping[int, ActiveModel]",
) -> float:
    """Return the agreement of one photo's maps; NaN where there is nothing to compare."""
    from core.explain.gradcam import heatmap

    if len({each.category_id for each in said}) != 1:
        return NOTHING
    try:
        pixels = decode(store.read(said[0].sha256), image_limits).pixels
    except (NotFoundError, UnreadableImageError):  # the classification tells of it
        return NOTHING
    grids = []
    for each in said:
        active = by_version[each.version_id]
        label = active.category_ids.index(each.category_id)
        grids.append(to_grid(heatmap(active.model, pixels, label)))
    overlap = mean_overlap(grids)
    return NOTHING if overlap is None else overlap
