"""Listings that may be of no category: those alike together, and a new category from them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import ConflictError, InvalidInputError, NotFoundError, StaleError
from core.flags.limits import MIN_KNOWN
from core.novelty import EXAMPLES, group_similar
from core.services import decisions
from core.services.categories import check_path
from core.services.decisions import OPEN_STATES, NewDecision
from core.services.recognition import KIND, unpack
from core.services.renewals import ask_renewal
from db.engine import reading, transaction
from db.queries import categories as category_queries
from db.queries import embeddings as embedding_queries
from db.queries import new_products as queries
from db.queries.new_products import UnknownPhoto
from db.states import DecisionKind

MAX_PHOTOS = 400  # grouping takes a second
NEAREST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class UnknownListing:
    """A listing that may be of no category.

    Attributes:
        version: The version that a decision on it is made on.
        sha256: Of the photo that was flagged.
    """

    id: int
    version: int
    sku: str
    title: str
    sha256: str


@dataclass(frozen=True, slots=True)
class NearCategory:
    """A known category near to a group; ``sha256`` is its newest decided photo's."""

    path: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class ProductGroup:
    """Listings whose photos are alike, and the categories most often near to them."""

    listings: tuple[UnknownListing, ...]
    nearest: tuple[NearCategory, ...]


@dataclass(frozen=True, slots=True)
class NewProducts:
    """What may be of no category.

    Attributes:
        groups: The largest first; they hold at most ``MAX_PHOTOS`` photos.
        listings: How many such listings there are in all.
        known: Decided photos that new ones are held against.
        needed: So many it takes.
    """

    groups: tuple[ProductGroup, ...]
    listings: int
    known: int
    needed: int = MIN_KNOWN


@dataclass(frozen=True, slots=True)
class Chosen:
    """A listing that belongs to the new category; ``key`` is drawn by the client."""

    listing_id: int
    version: int
    key: str


@dataclass(frozen=True, slots=True)
class Opening:
    """A category that was opened.

    Attributes:
        decided: Keys of the decisions that were kept.
        refused: Why the other listings were not decided.
        examples: Decided photos that the category has now.
    """

    path: str
    decided: tuple[str, ...]
    refused: tuple[str, ...]
    examples: int

    @property
    def missing(self) -> int:
        """So many more examples it takes until the category is recognised."""
        return max(0, EXAMPLES - self.examples)


def list_groups(engine: sa.Engine, *, actor: Actor) -> NewProducts:
    """Return the open listings that are flagged as unknown, those alike together.

    Raises:
        ForbiddenError: The actor may not categorise.
    """
    require(actor, "categorise")
    with reading(engine) as session:
        photos = queries.list_flagged(session, kind=KIND, states=OPEN_STATES, limit=MAX_PHOTOS)
        vectors = _read_vectors(session, photos)
        groups = _group(photos, vectors)
        paths = {path for group in groups for path in _count_nearest(group)}
        shown_by = queries.map_newest_photos(session, paths=paths)
        return NewProducts(
            groups=tuple(_describe(group, shown_by) for group in groups),
            listings=queries.count_flagged(session, kind=KIND, states=OPEN_STATES),
            known=queries.count_decided_photos(session),
        )


def open_category(
    engine: sa.Engine, *, actor: Actor, path: str, chosen: Sequence[Chosen]
) -> Opening:
    """Make the category if it is missing, decide the listings to be of it, and look for more.

    Each listing is decided by itself, as on the review page; one that changed meanwhile is
    left out.

    Raises:
        ForbiddenError: The actor may not categorise or review.
        InvalidInputError: The path names no category, or no listing is chosen.
    """
    require(actor, "categorise")
    require(actor, "review")
    normal = check_path(path)
    if not chosen:
        raise InvalidInputError("no listing is left; choose at least one for the category")
    with transaction(engine) as session:
        category_id = category_queries.ensure_paths(session, [normal])[normal]
    decided, refused = [], []
    for each in chosen:
        try:
            new = _decision(each, category_id)
            decisions.decide(engine, actor=actor, new=new, in_review=False)
            decided.append(each.key)
        except (ConflictError, NotFoundError, StaleError) as error:
            refused.append(str(error))
    if decided:
        ask_renewal(engine, actor=actor)
    with reading(engine) as session:
        examples = queries.count_decided_photos(session, category_id=category_id)
    return Opening(normal, tuple(decided), tuple(refused), examples)


def take_back(engine: sa.Engine, *, actor: Actor, keys: Sequence[str]) -> tuple[str, ...]:
    """Undo the decisions of an opening; return why some could not be.

    Raises:
        ForbiddenError: The actor may not categorise or review.
    """
    require(actor, "categorise")
    require(actor, "review")
    refused = []
    for key in keys:
        try:
            decisions.undo(engine, actor=actor, key=str(uuid4()), decision_key=key)
        except (ConflictError, NotFoundError, StaleError) as error:
            refused.append(str(error))
    ask_renewal(engine, actor=actor)
    return tuple(refused)


def _read_vectors(session: Session, photos: Sequence[UnknownPhoto]) -> Mapping[int, bytes]:
    space = embedding_queries.find_newest_space(session)
    if space is None:
        return {}
    listing_ids = {photo.listing_id for photo in photos}
    found = embedding_queries.list_photos(session, space=space, listing_ids=listing_ids)
    return {photo.photo_id: photo.vector for photo in found}


def _group(
    photos: Sequence[UnknownPhoto], vectors: Mapping[int, bytes]
) -> list[list[UnknownPhoto]]:
    """Group one photo a listing; one without an embedding stands alone."""
    first = {photo.listing_id: photo for photo in reversed(photos)}
    mine = sorted(first.values(), key=lambda photo: photo.listing_id)
    embedded = [photo for photo in mine if photo.photo_id in vectors]
    alone = [[photo] for photo in mine if photo.photo_id not in vectors]
    if not embedded:
        return alone
    stacked = unpack([vectors[photo.photo_id] for photo in embedded])
    unit = stacked / np.linalg.norm(stacked, axis=1, keepdims=True)
    return [[embedded[at] for at in group] for group in group_similar(unit)] + alone


def _count_nearest(group: Sequence[UnknownPhoto]) -> list[str]:
    """Return the categories most often near to the photos."""
    counts = Counter(path for photo in group for path, _ in photo.detail.get("nearest", ()))
    return [path for path, _ in counts.most_common(NEAREST_SHOWN)]


def _describe(group: Sequence[UnknownPhoto], shown_by: Mapping[str, str]) -> ProductGroup:
    return ProductGroup(
        listings=tuple(
            UnknownListing(each.listing_id, each.version, each.sku, each.title, each.sha256)
            for each in group
        ),
        nearest=tuple(NearCategory(path, shown_by.get(path)) for path in _count_nearest(group)),
    )


def _decision(chosen: Chosen, category_id: int) -> NewDecision:
    return NewDecision(
        key=chosen.key,
        listing_id=chosen.listing_id,
        listing_version=chosen.version,
        kind=DecisionKind.CORRECT,
        category_id=category_id,
        shown={"suggestions": [], "model_versions": [], "flags": [KIND]},
    )
