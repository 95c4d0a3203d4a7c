"""New photos beside what reviewers decided: what is unknown, and what examples recognise.

What is known is learnt outside any transaction, which takes some seconds; to hold a chunk's
photos against it takes milliseconds.
"""

import logging
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.flags.limits import MIN_KNOWN, SURE, measure_novelty
from core.novelty import MIN_CATEGORIES, Assessment, Known
from core.services.suggestions import Suggestion, by_category, suggest
from db.engine import reading
from db.queries import embeddings as queries
from db.queries import flag_values
from db.queries import models as model_queries
from db.queries import predictions as prediction_queries
from db.queries.embeddings import KnownPhoto
from db.queries.predictions import Top

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]

# The newest of each category, and in all; 8,000 vectors of 1,280 dimensions take 80 MB.
PHOTOS_A_CATEGORY = 30
MAX_PHOTOS = 8_000
IDLE_TIMES = 20.0  # learning may take a twentieth of the time


@dataclass(frozen=True, slots=True, eq=False)
class KnownCatalog:
    """What decided listings show, in one embedding space.

    Attributes:
        category_ids: By path.
        opened: Paths of the categories that no active model can name.
    """

    space: str
    known: Known
    category_ids: Mapping[str, int]
    opened: frozenset[str]


@dataclass(frozen=True, slots=True)
class Findings:
    """What became of some listings' photos beside the known ones.

    Attributes:
        assessments: By photo id.
        suggestions: By listing id, those that examples speak for.
    """

    assessments: Mapping[int, Assessment]
    suggestions: Mapping[int, Suggestion]


NOTHING = Findings({}, {})

KIND = "unknown_product"


class KnownCache:
    """Keeps what is known in memory, and learns it anew when more was decided.

    While a lot is decided, it lags behind, so that learning takes little of the time.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._fingerprint: tuple[object, ...] = (None,)
        self._catalog: KnownCatalog | None = None
        self._fresh_until = 0.0

    def current(self, space: str | None, *, may_lag: bool = True) -> KnownCatalog | None:
        """Return what is known in the space; None while that is too little."""
        if space is None:
            return None
        with self._lock:
            fingerprint = (space, *self._look())
            is_due = not may_lag or time.monotonic() >= self._fresh_until
            if fingerprint != self._fingerprint and (is_due or space != self._fingerprint[0]):
                started_at = time.monotonic()
                self._catalog = learn(self._engine, space=space)
                self._fingerprint = fingerprint
                now = time.monotonic()
                self._fresh_until = now + IDLE_TIMES * (now - started_at)
            return self._catalog

    def _look(self) -> tuple[object, ...]:
        with reading(self._engine) as session:
            return (
                queries.find_last_ids(session),
                tuple(row.id for row in model_queries.list_active(session)),
            )


def learn(engine: sa.Engine, *, space: str) -> KnownCatalog | None:
    """Learn what is known in the space; None while that is too little for anything."""
    with reading(engine) as session:
        photos = queries.list_known(
            session, space=space, per_category=PHOTOS_A_CATEGORY, limit=MAX_PHOTOS
        )
        category_ids = {photo.category: photo.category_id for photo in photos}
        if len(category_ids) < MIN_CATEGORIES:
            return None
        active = [row for row in model_queries.list_active(session) if row.problem is None]
        confidences = _read_confidences(session, photos, [row.id for row in active])
        labels = {label for row in active for label in row.labels}
    enough = int(np.count_nonzero(~np.isnan(confidences))) >= MIN_KNOWN
    known = Known.of(
        unpack([photo.vector for photo in photos]),
        [photo.category for photo in photos],
        confidences if enough else None,
    )
    log.info("learnt %d known photos of %d categories", len(photos), len(category_ids))
    return KnownCatalog(space, known, category_ids, frozenset(category_ids.keys() - labels))


def hold_against(
    session: Session,
    catalog: KnownCatalog | None,
    *,
    listing_ids: Collection[int],
    tops: Sequence[Top],
) -> Findings:
    """Hold the listings' photos against the known ones.

    Args:
        catalog: None finds nothing.
        tops: What the active models say of these listings.
    """
    if catalog is None or not listing_ids:
        return NOTHING
    photos = queries.list_photos(session, space=catalog.space, listing_ids=listing_ids)
    if not photos:
        return NOTHING
    opinions = _suggest_photos(tops)
    said = [opinions.get(photo.photo_id) for photo in photos]
    found = catalog.known.assess(
        unpack([photo.vector for photo in photos]),
        np.array([each.probability if each else np.nan for each in said]),
        opened=catalog.opened,
    )
    assessments = {
        photo.photo_id: _trust(catalog, each, opinion)
        for photo, each, opinion in zip(photos, found, said, strict=True)
    }
    main = {
        listing_id: next(of_listing).photo_id
        for listing_id, of_listing in groupby(photos, key=lambda photo: photo.listing_id)
    }
    return Findings(assessments, dict(_suggest(catalog, assessments, main)))


def keep_values(session: Session, findings: Findings, *, photo_ids: set[int]) -> None:
    """Keep of the photos what the limit of unknown products is held against."""
    values = {
        photo_id: measure_novelty(assessment)
        for photo_id, assessment in findings.assessments.items()
        if photo_id in photo_ids
    }
    flag_values.replace_values(session, kind=KIND, photo_ids=photo_ids, values=values)


def unpack(vectors: Sequence[bytes]) -> Floats:
    """Return (N, D) float64 of N stored vectors of one space."""
    return np.stack([np.frombuffer(vector, "<f2") for vector in vectors]).astype(np.float64)


def _read_confidences(
    session: Session, photos: Sequence[KnownPhoto], version_ids: Collection[int]
) -> Floats:
    """Return how sure the active models are of each photo's likeliest category, else nan."""
    tops = prediction_queries.map_tops(
        session, photo_ids=[photo.photo_id for photo in photos], version_ids=version_ids
    )
    found = {
        photo_id: suggestion.probability
        for photo_id, of_photo in tops.items()
        if (suggestion := suggest([by_category(top) for top in of_photo]))
    }
    return np.array([found.get(photo.photo_id, np.nan) for photo in photos])


def _suggest_photos(tops: Sequence[Top]) -> Mapping[int, Suggestion]:
    """Return by photo the category that the models together find likeliest."""
    return {
        photo_id: suggestion
        for photo_id, of_photo in groupby(tops, key=lambda top: top.photo_id)
        if (suggestion := suggest([by_category(top.top) for top in of_photo]))
    }


def _trust(catalog: KnownCatalog, assessment: Assessment, opinion: Suggestion | None) -> Assessment:
    """Where models are sure of a category that nobody decided a photo of, leave it to them."""
    if (
        opinion is None
        or opinion.probability < SURE
        or opinion.category_id in catalog.category_ids.values()
    ):
        return assessment
    return replace(assessment, p_value=None, recognised=None)


def _suggest(
    catalog: KnownCatalog, assessments: Mapping[int, Assessment], main: Mapping[int, int]
) -> Iterator[tuple[int, Suggestion]]:
    for listing_id, photo_id in main.items():
        assessment = assessments[photo_id]
        if assessment.recognised is not None:
            category_id = catalog.category_ids[assessment.recognised]
            likeness = min(1.0, max(0.0, assessment.nearest[0][1]))
            yield listing_id, Suggestion(category_id, likeness, is_by_examples=True)
