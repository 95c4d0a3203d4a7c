"""Hold listings against the brand register: after their classification, and when it changes.

The slow part runs outside any transaction. What is found is written in the transaction that ends
the chunk: evidence that somebody settled stays as it was, what no longer holds is withdrawn.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.actors import Actor, Permission
from core.brands import (
    BrandTerms,
    Finding,
    Offer,
    Reference,
    ReferenceKind,
    Seen,
    find_evidence,
    look_for,
    prepare,
)
from core.brands.sightings import SIDE_PX
from core.errors import NotFoundError, UnreadableImageError
from core.imaging import decode
from core.services import chunks
from core.services.chunks import Chunk
from core.services.states import JobState
from core.settings import Settings
from core.storage import STORED_LIMITS, ImageStore
from db.engine import reading, transaction
from db.queries import brand_evidence as evidence_queries
from db.queries import brands as queries
from db.queries import jobs as job_queries
from db.queries.brands import OfferedPhoto
from db.rows import BrandEvidenceRow, BrandReferenceRow

log = logging.getLogger(__name__)

JOB = "brands"
PERMISSION: Permission = "tune"
LISTINGS_A_CHUNK = 64

References = tuple[Reference, ...]
ReferenceKey = tuple[int, int, ReferenceKind, str]
"""Id, brand, kind and SHA-256."""

Found = Mapping[tuple[int, int, str], tuple[Finding, Mapping[str, Any]]]
"""By listing, brand and kind: what was found, and what stands in its row."""


@dataclass(frozen=True, slots=True)
class Register:
    """What is watched: terms by brand, and the references that could be read."""

    terms: Mapping[int, BrandTerms]
    references: References


def ask_checks(session: Session, *, actor: Actor) -> None:
    """Ask, in the caller's transaction, for every batch to be held against the register."""
    for batch_id in queries.list_batches_offered(session):
        _add_job(session, batch_id=batch_id, user_id=actor.id)


def follow_classification(session: Session, *, chunk: Chunk) -> None:
    """Ask for the batch to be held against the register once its last photo is classified."""
    job = job_queries.find_job_for_update(session, job_id=chunk.job_id)
    if job is None or job.batch_id is None or job.state != JobState.DONE:
        return
    if queries.list_brands(session, only_watched=True):
        _add_job(session, batch_id=job.batch_id, user_id=job.created_by)


def check_chunk(
    engine: sa.Engine,
    settings: Settings,
    *,
    chunk: Chunk,
    raise_if_stopped: Callable[[], None],
) -> None:
    """Hold the chunk's listings against the register and keep what speaks against them.

    A chunk without items stands for its batch: it is replaced by chunks of the batch's listings.

    Args:
        raise_if_stopped: Called between listings; what it raises ends the work, and nothing is
            written.
    """
    if not chunk.items:
        _expand(engine, chunk)
        return
    register = _read_register(engine, settings)
    store = ImageStore.of(settings)
    with reading(engine) as session:
        photos = queries.list_photos(session, listing_ids=chunk.items)
    found: dict[tuple[int, int, str], tuple[Finding, Mapping[str, Any]]] = {}
    for listing_id, of_listing in groupby(photos, key=lambda photo: photo.listing_id):
        found |= _check_listing(store, register, listing_id, list(of_listing))
        raise_if_stopped()
    with transaction(engine) as session:
        if chunks.lock(session, chunk=chunk):
            _write(session, chunk.items, found)
            chunks.complete(session, chunk=chunk, done=len(chunk.items), failed=0)


def _add_job(session: Session, *, batch_id: int, user_id: int) -> None:
    """Add the job unless one waits that will see the same; the worker looks up its listings."""
    if job_queries.is_queued(session, kind=JOB, batch_id=batch_id):
        return
    job_queries.insert_job(
        session,
        kind=JOB,
        created_by=user_id,
        params={},
        batch_id=batch_id,
        total=1,
        chunks=((),),
    )


def _expand(engine: sa.Engine, chunk: Chunk) -> None:
    assert chunk.batch_id is not None
    with transaction(engine) as session:
        if not chunks.lock(session, chunk=chunk):
            return
        listing_ids = queries.list_offered(session, batch_id=chunk.batch_id)
        if listing_ids:
            chunks.expand(session, chunk=chunk, items=listing_ids, size=LISTINGS_A_CHUNK)
        else:
            chunks.complete(session, chunk=chunk, done=1, failed=0)


def _read_register(engine: sa.Engine, settings: Settings) -> Register:
    with reading(engine) as session:
        terms = {
            row.id: BrandTerms(row.name, tuple(row.sellers), row.lowest, row.highest)
            for row in queries.list_brands(session, only_watched=True)
        }
        rows = queries.list_references(session, only_watched=True)
        keys = tuple(map(_key, rows))
    return Register(terms, _prepare(settings.images_dir, settings.cache_dir, keys))


def _key(row: BrandReferenceRow) -> ReferenceKey:
    return row.id, row.brand_id, "logo" if row.kind == "logo" else "photo", row.sha256


@lru_cache(maxsize=1)
def _prepare(images_dir: Path, cache_dir: Path, keys: tuple[ReferenceKey, ...]) -> References:
    """Read the references, the logos first; the next chunk, of the same register, finds them."""
    store = ImageStore(images_dir, cache_dir)
    ready: list[Reference] = []
    for id_, brand_id, kind, sha256 in sorted(keys, key=lambda key: key[2] != "logo"):
        try:
            ready.append(
                prepare(id_, brand_id, kind, partial(_read_small, store, sha256), among=ready)
            )
        except (NotFoundError, UnreadableImageError) as error:
            log.warning("reference %d is left out: %s", id_, error)
    return tuple(ready)


def _read_small(store: ImageStore, sha256: str) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8, the longer side ``SIDE_PX`` or less."""
    pixels = decode(store.read(sha256), STORED_LIMITS, enough_px=2 * SIDE_PX).pixels
    scale = SIDE_PX / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _check_listing(
    store: ImageStore, register: Register, listing_id: int, photos: Sequence[OfferedPhoto]
) -> Found:
    first = photos[0]
    offer = Offer(first.title, first.brand, first.seller, first.price)
    seen: defaultdict[int, list[tuple[int, Seen]]] = defaultdict(list)
    for photo in photos:
        for each in _look(store, register, photo):
            assert photo.image_id is not None
            seen[each.reference.brand_id].append((photo.image_id, each))
    return {
        (listing_id, brand_id, finding.kind): (finding, _detail(offer, terms, finding))
        for brand_id, terms in register.terms.items()
        for finding in find_evidence(offer, terms, seen[brand_id])
    }


def _look(store: ImageStore, register: Register, photo: OfferedPhoto) -> Iterator[Seen]:
    if photo.sha256 is None or not register.references:
        return
    try:
        yield from look_for(register.references, _read_small(store, photo.sha256))
    except (NotFoundError, UnreadableImageError) as error:
        log.warning("photo %s is not held against the register: %s", photo.sha256, error)


def _detail(offer: Offer, terms: BrandTerms, finding: Finding) -> Mapping[str, Any]:
    """Return what a card says, as it was when it was judged."""
    detail: dict[str, Any] = {
        "seller": offer.seller,
        "price": _text(offer.price),
        "lowest": _text(terms.lowest),
        "highest": _text(terms.highest),
    }
    seen = finding.seen
    if seen is not None:
        detail |= {
            "matrix": seen.matrix.tolist(),
            "is_mirrored": seen.is_mirrored,
            "is_recoloured": seen.is_recoloured,
            "stretch": round(seen.stretch, 3),
            "changed": None if seen.changed is None else asdict(seen.changed),
        }
    return detail


def _text(price: object | None) -> str | None:
    return None if price is None else str(price)


def _write(session: Session, listing_ids: Sequence[int], found: Found) -> None:
    rows = evidence_queries.list_of_listings(session, listing_ids=listing_ids)
    settled = evidence_queries.map_outcomes(session, evidence_ids=[row.id for row in rows])
    standing = {(row.listing_id, row.brand_id, row.kind): row for row in rows}
    now = datetime.now(UTC)
    for key, row in standing.items():
        if row.id not in settled:
            row.withdrawn_at = None if key in found else row.withdrawn_at or now
    for key, (finding, detail) in found.items():
        row = standing.get(key)
        if row is not None and row.id in settled:
            continue
        if row is None:
            row = BrandEvidenceRow(listing_id=key[0], brand_id=key[1], kind=key[2])
            session.add(row)
        row.reference_id = finding.seen and finding.seen.reference.id
        row.image_id = finding.photo
        row.score, row.detail, row.judged_at = finding.score, dict(detail), now
