"""Seek the copies of each new picture among all others, one picture after the other.

A fingerprint that was not compared waits in the database, so a kill loses nothing. It is stored
before it is compared: of two pictures that come at once, the later one finds the earlier.
"""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.errors import NotFoundError, UnreadableImageError
from core.services import copy_flags
from core.settings import Settings
from core.similarity.alignment import Alignment
from core.similarity.copies import Sought, verify
from core.similarity.evidence import SIDE_PX, describe
from core.similarity.fingerprints import VERSION, Fingerprint
from core.similarity.hash_table import HashTable
from core.similarity.kinds import Match, PairEvidence, judge
from core.storage import ImageStore
from db.engine import reading, transaction
from db.queries import fingerprints as queries
from db.queries import matches as match_queries
from db.queries.fingerprints import StoredPrint

log = logging.getLogger(__name__)

CANDIDATES = 20
"""The nearest hashes that are looked at; a picture and its look takes about 15 ms."""

MAX_TRIES = 3

_PAGE = 10_000


class KnownPrints:
    """The hashes of all pictures in memory; the table is the truth. Safe in several threads."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._table = HashTable()
        self._watermark = 0

    def find(self, fingerprint: Fingerprint) -> list[int]:
        """Return the ids of the images with the nearest hashes, among all that are stored now."""
        with self._lock, reading(self._engine) as session:
            self._catch_up(session)
            there, _ = queries.count_fingerprints(session, version=VERSION)
            if len(self._table) != there:  # one was replaced, or came out of order
                self._table, self._watermark = HashTable(), 0
                self._catch_up(session)
            return self._table.find(fingerprint, limit=CANDIDATES + 1)

    def _catch_up(self, session: Session) -> None:
        while rows := queries.list_fingerprints(
            session, version=VERSION, after_id=self._watermark, limit=_PAGE
        ):
            self._table.add([row.image_id for row in rows], [_unpack(row) for row in rows])
            self._watermark = rows[-1].id


def list_pending(engine: sa.Engine, *, limit: int = 50) -> tuple[tuple[int, datetime], ...]:
    """Return (id, when it was taken) of the oldest fingerprints that were not compared."""
    with reading(engine) as session:
        return tuple(queries.list_pending(session, version=VERSION, limit=limit))


def compare(
    engine: sa.Engine, settings: Settings, *, fingerprint_id: int, known: KnownPrints
) -> None:
    """Find the copies of a picture, keep them with their evidence, and flag who shows them.

    A picture over which the worker died ``MAX_TRIES`` times is left.
    """
    mine = _begin(engine, fingerprint_id)
    if mine is None:
        return
    candidates = _list_candidates(engine, mine, known)
    store = ImageStore.of(settings)
    values = list(_find_matches(store, mine, candidates))
    image_ids = {value[name] for value in values for name in ("first_image_id", "second_image_id")}
    with transaction(engine) as session:
        match_queries.insert_matches(session, values=values)
        if image_ids:
            copy_flags.renew(session, image_ids=image_ids)
        _end(session, fingerprint_id)


def fail(engine: sa.Engine, *, fingerprint_id: int, error: str) -> None:
    """Leave a picture that cannot be compared."""
    with transaction(engine) as session:
        _end(session, fingerprint_id)
    log.error("fingerprint %d was not compared: %s", fingerprint_id, error)


def _begin(engine: sa.Engine, fingerprint_id: int) -> StoredPrint | None:
    with transaction(engine) as session:
        row = queries.find_row(session, fingerprint_id=fingerprint_id)
        if row is None or row.compared_at is not None:
            return None
        if row.tries >= MAX_TRIES:
            log.error("the worker died %d times over fingerprint %d", row.tries, fingerprint_id)
            row.compared_at = datetime.now(UTC)
            return None
        row.tries += 1
        found = queries.list_of_images(session, image_ids=[row.image_id])
        if not found:  # it became unreadable meanwhile
            row.compared_at = datetime.now(UTC)
        return found[0] if found else None


def _end(session: Session, fingerprint_id: int) -> None:
    row = queries.find_row(session, fingerprint_id=fingerprint_id)
    if row is not None:
        row.compared_at = datetime.now(UTC)


def _list_candidates(
    engine: sa.Engine, mine: StoredPrint, known: KnownPrints
) -> Sequence[StoredPrint]:
    """Return those with the nearest hashes that no match with this one is kept of."""
    near = [each for each in known.find(_unpack(mine)) if each != mine.image_id][:CANDIDATES]
    with reading(engine) as session:
        pairs = match_queries.list_pairs(session, image_ids=[mine.image_id])
        paired = {each for pair in pairs for each in (pair.first_image_id, pair.second_image_id)}
        return queries.list_of_images(session, image_ids=set(near) - paired)


def _find_matches(
    store: ImageStore, mine: StoredPrint, candidates: Sequence[StoredPrint]
) -> Iterator[Mapping[str, Any]]:
    pixels = _read_small(store, mine.sha256) if candidates else None
    if pixels is None:
        return
    sought, taken = Sought.of(pixels), _unpack(mine)
    for candidate in candidates:
        match = match_picture(store, sought, taken, candidate)
        if match is not None:
            is_first = mine.image_id < candidate.image_id
            ids = sorted((mine.image_id, candidate.image_id))
            same_pixels = candidate.pixels_sha256 == mine.pixels_sha256
            yield {
                "first_image_id": ids[0],
                "second_image_id": ids[1],
                "kind": match.kind,
                "score": min(1.0, match.score),
                "evidence": _evidence(match.alignment, same_pixels, is_first=is_first),
            }


def match_picture(
    store: ImageStore, sought: Sought, fingerprint: Fingerprint, candidate: StoredPrint
) -> Match | None:
    """Return the match of a picture with one that is stored; None where it shows another."""
    other = _read_small(store, candidate.sha256)
    if other is None:
        return None
    same_pixels = candidate.pixels_sha256 == fingerprint.pixels_sha256
    alignment = verify(sought, describe(other))
    return judge(PairEvidence(same_pixels=same_pixels, alignment=alignment))


def _evidence(
    alignment: Alignment | None, same_pixels: bool, *, is_first: bool
) -> Mapping[str, Any]:
    """Return how the second lies on the first, in pixels of the small renditions."""
    if alignment is None:  # nothing to go by, but all pixels are equal
        alignment = Alignment(np.eye(2, 3), mirrored=False, score=1.0, covered=1.0)
    matrix = np.vstack([alignment.matrix, [0, 0, 1]])
    laid = matrix if is_first else np.linalg.inv(matrix)
    return {
        "same_pixels": same_pixels,
        "matrix": laid[:2].tolist(),
        "mirrored": alignment.mirrored,
        "score": alignment.score,
        "covered": alignment.covered,
    }


def _read_small(store: ImageStore, sha256: str) -> NDArray[np.uint8] | None:
    """Return the pixels of the rendition in which pictures are compared; None where it is gone."""
    try:
        return store.read_rendition(sha256, SIDE_PX)
    except (NotFoundError, UnreadableImageError) as error:
        log.warning("photo %s cannot be compared: %s", sha256, error)
        return None


def _unpack(stored: StoredPrint) -> Fingerprint:
    return Fingerprint.unpack(stored.pixels_sha256, stored.hashes)
