"""Classify a chunk of photos: models, measures, flags, suggestion, in one write.

The slow part runs outside any transaction and only reads. Its results are written in the
transaction that ends the chunk, so they are there once or not at all.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import CatalogError
from core.flags import Evidence, raise_flags
from core.imaging import DecodedImage
from core.quality import ImageMeasures, measure
from core.services import (
    brand_checks,
    chunks,
    claims,
    copy_flags,
    evidence_checks,
    priorities,
    recognition,
    vector_spaces,
)
from core.services.active_models import ActiveClassifier, ModelCache
from core.services.chunks import Chunk
from core.services.held_limits import read_limits
from core.services.recognition import Findings, KnownCatalog
from core.services.states import UNDECIDED
from core.services.suggestions import (
    Suggestion,
    list_predictions_by_photo,
    suggest_listings,
    suggestion_rows,
)
from core.settings import Settings
from core.similarity.fingerprints import VERSION, Fingerprint, take_fingerprint
from core.storage import ImageStore
from db.engine import reading, transaction
from db.queries import embeddings as embedding_queries
from db.queries import fingerprints as fingerprint_queries
from db.queries import flag_values
from db.queries import jobs as job_queries
from db.queries import limits as limit_queries
from db.queries import predictions as queries
from db.queries.predictions import Photo, Top
from db.states import ImageState, ListingState

if TYPE_CHECKING:  # torch is loaded with the first photos
    from core.inference import Outcome

log = logging.getLogger(__name__)

_WAY_TO_REVIEW = (
    (ListingState.RECEIVED, ListingState.PROCESSING),
    (ListingState.PROCESSING, ListingState.NEEDS_REVIEW),
)

PhotoOutcome: TypeAlias = "Outcome[int, Look]"


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What is taken of the one decoded picture, beside what the networks say."""

    measures: ImageMeasures
    fingerprint: Fingerprint


def _look(picture: DecodedImage) -> Look:
    return Look(measure(picture), take_fingerprint(picture.pixels))


def classify_chunk(
    engine: sa.Engine,
    settings: Settings,
    *,
    chunk: Chunk,
    models: ModelCache,
    raise_if_stopped: Callable[[], None],
) -> None:
    """Classify the photos of the chunk and write everything that follows.

    Photos that cannot be read are stored as such and counted as failed; photos that a
    model saw before are not shown to it again.

    Args:
        raise_if_stopped: Called between photos; what it raises ends the work, and nothing
            is written.

    Raises:
        CatalogError: The folder of the photos is not there.
    """
    photos = _start(engine, chunk)
    if not photos:
        return
    if not settings.images_dir.is_dir():
        raise CatalogError(f"the photos' folder {settings.images_dir} is missing; bring it back")
    active = models.current()
    outcomes: dict[int, PhotoOutcome] = {}
    for outcome in _classify(engine, settings, photos, active):
        outcomes[outcome.key] = outcome
        raise_if_stopped()
    known = models.known.current(active.space)
    with transaction(engine) as session:
        if chunks.lock(session, chunk=chunk):
            _write(session, chunk, photos, outcomes, active, known, settings)


def give_up(
    engine: sa.Engine, settings: Settings, *, chunk: Chunk, reason: str, models: ModelCache
) -> None:
    """Store the chunk's only photo as unreadable, for the reason given."""
    active = models.current()
    known = models.known.current(active.space)
    with transaction(engine) as session:
        if not chunks.lock(session, chunk=chunk):
            return
        (photo,) = queries.list_photos(session, photo_ids=chunk.items)
        queries.mark_unreadable(session, image_id=photo.image_id, reason=reason)
        given_up = [photo._replace(image_state=ImageState.UNREADABLE, image_reason=reason)]
        _write(session, chunk, given_up, {}, active, known, settings)
    log.error("image %s: %s", photo.sha256, reason)


def _start(engine: sa.Engine, chunk: Chunk) -> Sequence[Photo]:
    """Move the chunk's listings to processing; return its photos, none if it is not wanted."""
    with transaction(engine) as session:
        if not chunks.lock(session, chunk=chunk):
            return ()
        photos = queries.list_photos(session, photo_ids=chunk.items)
        queries.move_listings(
            session,
            listing_ids={photo.listing_id for photo in photos},
            from_state=ListingState.RECEIVED,
            to_state=ListingState.PROCESSING,
        )
        return photos


def _classify(
    engine: sa.Engine, settings: Settings, photos: Sequence[Photo], active: ActiveClassifier
) -> Iterator[PhotoOutcome]:
    """Show the photos to the models, and the embedder, that at least one of them still needs."""
    readable = [photo for photo in photos if photo.image_state == ImageState.READABLE]
    photo_ids = [photo.id for photo in readable]
    with reading(engine) as session:
        known = queries.list_predicted(session, photo_ids=photo_ids, version_ids=active.version_ids)
        is_embedding = _lacks_embeddings(session, readable, active.space)
    pairs = {(photo_id, version) for photo_id in photo_ids for version in active.version_ids}
    needed = frozenset(version for _, version in pairs - known)
    store = ImageStore.of(settings)
    items = [(photo.id, partial(store.read, photo.sha256)) for photo in readable]
    classifier = active.restricted_to(needed, is_embedding=is_embedding)
    return classifier.classify(items, _look)


def _lacks_embeddings(session: Session, photos: Sequence[Photo], space: str | None) -> bool:
    if space is None:
        return False
    image_ids = {photo.image_id for photo in photos}
    embedded = embedding_queries.list_embedded(session, space=space, image_ids=image_ids)
    return bool(image_ids - embedded)


def _write(
    session: Session,
    chunk: Chunk,
    photos: Sequence[Photo],
    outcomes: Mapping[int, PhotoOutcome],
    active: ActiveClassifier,
    known: KnownCatalog | None,
    settings: Settings,
) -> None:
    """Write all that follows from the outcomes and end the chunk."""
    usable = {key: outcome for key, outcome in outcomes.items() if outcome.error is None}
    for photo in photos:
        error = photo.id in outcomes and outcomes[photo.id].error
        if error:
            queries.mark_unreadable(session, image_id=photo.image_id, reason=str(error))
    queries.insert_predictions(session, values=list(_prediction_rows(usable.values(), active)))
    _insert_embeddings(session, list(_embedding_rows(photos, usable)))
    looks = _looks_by_image(photos, usable)
    limit_queries.replace_measures(session, values=_measures_rows(looks))
    fingerprint_queries.insert_fingerprints(
        session, values=_fingerprint_rows(looks), version=VERSION
    )
    shared = copy_flags.note_shared(session, image_ids={photo.image_id for photo in photos})
    _refresh_listings(session, chunk, photos, usable, active, known)
    if shared:  # those that showed them before are told, too
        copy_flags.renew(session, image_ids=shared)
    failed = len(photos) - len(usable)
    chunks.complete(session, chunk=chunk, done=len(usable), failed=failed)
    claims.follow_classification(session, chunk=chunk)
    brand_checks.follow_classification(session, chunk=chunk)
    evidence_checks.follow_classification(session, settings, chunk=chunk, active=active)


def _insert_embeddings(session: Session, values: Sequence[Mapping[str, Any]]) -> None:
    embedding_queries.insert_embeddings(session, values=values)
    for space in {value["space"] for value in values}:
        image_ids = [value["image_id"] for value in values if value["space"] == space]
        vector_spaces.follow_embeddings(session, name=space, image_ids=image_ids)


def _prediction_rows(
    outcomes: Iterable[PhotoOutcome], active: ActiveClassifier
) -> Iterator[dict[str, Any]]:
    by_digest = {model.model.digest: model for model in active.models}
    for outcome in outcomes:
        for digest, ranked in (outcome.top or {}).items():
            model = by_digest[digest]
            top = [
                {"category_id": model.category_ids[label], "probability": float(probability)}
                for label, probability in zip(
                    ranked.label_indices, ranked.probabilities, strict=True
                )
            ]
            yield {
                "listing_image_id": outcome.key,
                "model_version_id": model.version_id,
                "top": top,
                **top[0],
            }


def _embedding_rows(
    photos: Sequence[Photo], outcomes: Mapping[int, PhotoOutcome]
) -> Iterator[dict[str, Any]]:
    for photo in photos:
        outcome = outcomes.get(photo.id)
        if outcome is None or outcome.embedding is None:
            continue
        yield {
            "image_id": photo.image_id,
            "space": outcome.embedding_space,
            "dim": len(outcome.embedding),
            "vector": np.asarray(outcome.embedding, "<f2").tobytes(),
        }


def _looks_by_image(
    photos: Sequence[Photo], outcomes: Mapping[int, PhotoOutcome]
) -> Mapping[int, Look]:
    """One an image, however many photos show it."""
    return {
        photo.image_id: look
        for photo in photos
        if photo.id in outcomes and (look := outcomes[photo.id].measures) is not None
    }


def _measures_rows(looks: Mapping[int, Look]) -> list[dict[str, Any]]:
    return [
        {"image_id": image_id, "record": look.measures.as_record()}
        for image_id, look in looks.items()
    ]


def _fingerprint_rows(looks: Mapping[int, Look]) -> list[dict[str, Any]]:
    return [
        {
            "image_id": image_id,
            "pixels_sha256": look.fingerprint.pixels_sha256,
            "hashes": look.fingerprint.pack(),
        }
        for image_id, look in looks.items()
    ]


def _refresh_listings(
    session: Session,
    chunk: Chunk,
    photos: Sequence[Photo],
    outcomes: Mapping[int, PhotoOutcome],
    active: ActiveClassifier,
    known: KnownCatalog | None,
) -> None:
    """Renew flags and suggestions of listings that nobody decided; send them to review."""
    undecided = queries.list_listings_in(
        session, listing_ids={photo.listing_id for photo in photos}, states=UNDECIDED
    )
    tops = queries.list_tops(session, listing_ids=undecided, version_ids=active.version_ids)
    findings = recognition.hold_against(session, known, listing_ids=undecided, tops=tops)
    suggestions = suggest_listings(tops, findings.suggestions)
    measured = [
        (photo, look.measures)
        for photo in photos
        if photo.id in outcomes and photo.listing_id in undecided
        if (look := outcomes[photo.id].measures) is not None
    ]
    photo_ids = {photo.id for photo, _ in measured}
    overlaps = flag_values.map_current(
        session,
        kind=evidence_checks.KIND,
        photo_ids=photo_ids,
        version_ids=active.version_ids,
    )
    queries.replace_open_flags(
        session,
        photo_ids=photo_ids,
        values=list(_flag_rows(session, measured, tops, suggestions, findings, overlaps)),
    )
    recognition.keep_values(session, findings, photo_ids=photo_ids)
    finished = undecided - _awaited(session, chunk, undecided)
    queries.set_suggestions(session, values=list(suggestion_rows(finished, suggestions)))
    priorities.refresh(session, listing_ids=finished)
    for from_state, to_state in _WAY_TO_REVIEW:
        queries.move_listings(
            session, listing_ids=finished, from_state=from_state, to_state=to_state
        )


def _awaited(session: Session, chunk: Chunk, listing_ids: Collection[int]) -> set[int]:
    """Return the listings of which other chunks of the job still have a photo to do."""
    others = [
        (listing_id, photo_id)
        for listing_id, photo_id in queries.list_siblings(session, listing_ids=listing_ids)
        if photo_id not in chunk.items
    ]
    if not others:  # always, unless the chunk came from a split
        return set()
    awaited = job_queries.list_unfinished_items(session, job_id=chunk.job_id)
    return {listing_id for listing_id, photo_id in others if photo_id in awaited}


def _suggested_paths(session: Session, suggestions: Mapping[int, Suggestion]) -> dict[int, str]:
    category_ids = {suggestion.category_id for suggestion in suggestions.values()}
    paths = queries.list_category_paths(session, category_ids=category_ids)
    return {listing_id: paths[each.category_id] for listing_id, each in suggestions.items()}


def _flag_rows(
    session: Session,
    measured: Sequence[tuple[Photo, ImageMeasures]],
    tops: Sequence[Top],
    suggestions: Mapping[int, Suggestion],
    findings: Findings,
    overlaps: Mapping[int, float],
) -> Iterator[dict[str, Any]]:
    predictions = list_predictions_by_photo(session, tops)
    sharers = copy_flags.find_sharers(session, image_ids={photo.image_id for photo, _ in measured})
    suggested = _suggested_paths(session, suggestions)
    limits = read_limits(session)
    for photo, measures in measured:
        evidence = Evidence(
            measures=measures,
            predictions=predictions[photo.id],
            claimed=photo.claimed,
            same_content=sharers[photo.image_id].file_beside(photo.listing_id),
            same_picture=sharers[photo.image_id].picture_beside(photo.listing_id),
            category=photo.claimed or suggested.get(photo.listing_id),
            limits=limits,
            novelty=findings.assessments.get(photo.id),
            overlap=overlaps.get(photo.id),
        )
        for finding in raise_flags(evidence):
            yield {
                "listing_id": photo.listing_id,
                "listing_image_id": photo.id,
                **asdict(finding),
            }
