"""A listing with all that its reviewer sees."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import NotFoundError
from core.flags import FLAG_KINDS, reason
from core.model_names import model_name
from core.services import masks
from db.engine import reading
from db.queries import review as queries
from db.rows import (
    BatchRow,
    DecisionRow,
    FlagRow,
    ImageRow,
    ListingImageRow,
    ListingRow,
    PredictionRow,
)
from db.states import DecisionKind, FlagState, ImageState, ListingState

__all__ = [
    "REVIEW_STATES",
    "Category",
    "ReviewListing",
    "get_listing",
    "load_listings",
]

T = TypeVar("T")

MAX_CHOICES = 9  # one a digit key

REVIEW_STATES: Mapping[ListingState, str] = {
    ListingState.NEEDS_REVIEW: "To review",
    ListingState.AUTO_ACCEPTED: "Accepted by itself",
    ListingState.ACCEPTED: "Accepted",
    ListingState.CORRECTED: "Corrected",
    ListingState.REJECTED: "Rejected",
}


@dataclass(frozen=True, slots=True)
class Category:
    id: int
    path: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A category and how likely it is: calibrated probability, 0 to 1."""

    category: Category
    probability: float


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one model says of one photo, likeliest first; ``model`` is its name for people."""

    prediction_id: int
    model_version_id: int
    arch: str
    model: str
    top: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo of a listing. ``problem`` says why it cannot be shown, None when it can."""

    listing_image_id: int
    sha256: str
    file_name: str
    width_px: int
    height_px: int
    problem: str | None
    opinions: tuple[Opinion, ...]


@dataclass(frozen=True, slots=True)
class RaisedFlag:
    """A flag of a photo. ``wrong_by`` names who said it is wrong, None while it is open."""

    kind: str
    label: str
    severity: str
    reason: str
    listing_image_id: int
    wrong_by: str | None


@dataclass(frozen=True, slots=True)
class PastDecision:
    key: str
    kind: DecisionKind
    category: Category | None
    by: str
    at: datetime
    undone: bool


@dataclass(frozen=True, slots=True)
class ReviewListing:
    """A listing as its reviewer sees it.

    Attributes:
        version: The version that a decision on it is made on.
        doubt: 0 to 1.
        source: What the suggestion comes from, ``models`` or ``examples``; ``hidden`` where it is
            left out on purpose.
        choices: At most nine categories, the suggested one first, then by mean
            probability over the models; a claimed category stands among them.
        history: Every decision on it, oldest first.
    """

    id: int
    version: int
    batch_id: int
    batch_name: str
    sku: str
    title: str
    seller: str
    brand: str
    price: Decimal | None
    state: ListingState
    doubt: float
    suggested: Category | None
    source: str
    claimed: Category | None
    decided: Category | None
    choices: tuple[Suggestion, ...]
    photos: tuple[Photo, ...]
    flags: tuple[RaisedFlag, ...]
    history: tuple[PastDecision, ...]


def get_listing(engine: sa.Engine, *, actor: Actor, listing_id: int) -> ReviewListing:
    """Return one listing as its reviewer sees it.

    Raises:
        ForbiddenError: The actor may not review.
        NotFoundError: No listing has this id.
    """
    require(actor, "review")
    with reading(engine) as session:
        found = masks.mask(session, actor=actor, listings=load_listings(session, [listing_id]))
    if not found:
        raise NotFoundError(f"no listing {listing_id}")
    return found[0]


@dataclass(frozen=True, slots=True)
class _Loaded:
    """Rows of some listings, grouped by what they belong to."""

    photos: Mapping[int, Sequence[tuple[ListingImageRow, ImageRow]]]
    predictions: Mapping[int, Sequence[tuple[PredictionRow, str]]]
    flags: Mapping[int, Sequence[tuple[FlagRow, str | None]]]
    decisions: Mapping[int, Sequence[tuple[DecisionRow, str]]]
    paths: Mapping[int, str]

    def category(self, id_: int | None) -> Category | None:
        return None if id_ is None else Category(id_, self.paths[id_])


def load_listings(session: Session, ids: Sequence[int]) -> tuple[ReviewListing, ...]:
    """Load the listings in the order of the ids, in seven queries however many there are."""
    rows = {row.id: (row, batch) for row, batch in queries.list_listings(session, ids=ids)}
    photos = queries.list_photos(session, listing_ids=ids)
    photo_ids = [photo.id for photo, _ in photos]
    predictions = queries.list_latest_predictions(session, listing_image_ids=photo_ids)
    decisions = queries.list_decisions(session, listing_ids=ids)
    listings = [row for row, _ in rows.values()]
    mentioned = _mentioned_categories(listings, predictions, decisions)
    loaded = _Loaded(
        photos=_grouped(photos, lambda item: item[0].listing_id),
        predictions=_grouped(predictions, lambda item: item[0].listing_image_id),
        flags=_grouped(
            queries.list_flags(session, listing_ids=ids), lambda item: item[0].listing_id
        ),
        decisions=_grouped(decisions, lambda item: item[0].listing_id),
        paths=queries.map_category_paths(session, ids=mentioned),
    )
    return tuple(_listing(*rows[id_], loaded) for id_ in ids if id_ in rows)


def _grouped(items: Iterable[T], key: Callable[[T], int]) -> Mapping[int, Sequence[T]]:
    groups: dict[int, list[T]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def _mentioned_categories(
    listings: Iterable[ListingRow],
    predictions: Iterable[tuple[PredictionRow, str]],
    decisions: Iterable[tuple[DecisionRow, str]],
) -> set[int]:
    ids: set[int | None] = {decision.category_id for decision, _ in decisions}
    for row in listings:
        ids |= {row.claimed_category_id, row.suggested_category_id, row.decided_category_id}
    for prediction, _ in predictions:
        ids |= {entry["category_id"] for entry in prediction.top}
    return {id_ for id_ in ids if id_ is not None}


def _listing(row: ListingRow, batch: BatchRow, loaded: _Loaded) -> ReviewListing:
    photos = tuple(_photo(*item, loaded) for item in loaded.photos.get(row.id, ()))
    opinions = photos[0].opinions if photos else ()
    claimed = loaded.category(row.claimed_category_id)
    suggested = loaded.category(row.suggested_category_id)
    return ReviewListing(
        id=row.id,
        version=row.version,
        batch_id=batch.id,
        batch_name=batch.name,
        sku=row.sku,
        title=row.title,
        seller=row.seller,
        brand=row.brand,
        price=row.price,
        state=ListingState(row.state),
        doubt=1.0 if row.doubt is None else row.doubt,
        suggested=suggested,
        source="examples" if row.suggested_by_examples else "models",
        claimed=claimed,
        decided=loaded.category(row.decided_category_id),
        choices=_choices(opinions, suggested, claimed),
        photos=photos,
        flags=tuple(_flag(*item) for item in loaded.flags.get(row.id, ())),
        history=_history(loaded.decisions.get(row.id, ()), loaded),
    )


def _photo(photo: ListingImageRow, image: ImageRow, loaded: _Loaded) -> Photo:
    return Photo(
        listing_image_id=photo.id,
        sha256=image.sha256,
        file_name=photo.file_name,
        width_px=image.width_px,
        height_px=image.height_px,
        problem=None if image.state == ImageState.READABLE else (image.reason or "unreadable"),
        opinions=tuple(_opinion(*item, loaded) for item in loaded.predictions.get(photo.id, ())),
    )


def _opinion(prediction: PredictionRow, arch: str, loaded: _Loaded) -> Opinion:
    return Opinion(
        prediction_id=prediction.id,
        model_version_id=prediction.model_version_id,
        arch=arch,
        model=model_name(arch),
        top=tuple(_suggestion(entry, loaded) for entry in prediction.top),
    )


def _suggestion(entry: Mapping[str, Any], loaded: _Loaded) -> Suggestion:
    category_id = int(entry["category_id"])
    return Suggestion(Category(category_id, loaded.paths[category_id]), float(entry["probability"]))


def _choices(
    opinions: Sequence[Opinion], suggested: Category | None, claimed: Category | None
) -> tuple[Suggestion, ...]:
    means: dict[Category, float] = defaultdict(float)
    for opinion in opinions:
        for suggestion in opinion.top:
            means[suggestion.category] += suggestion.probability / len(opinions)
    for category in (suggested, claimed):
        if category is not None:
            means.setdefault(category, 0.0)
    ranked = sorted(means, key=lambda category: (category != suggested, -means[category]))
    chosen = ranked[:MAX_CHOICES]
    if claimed is not None and claimed not in chosen:
        chosen[-1] = claimed
    return tuple(Suggestion(category, means[category]) for category in chosen)


def _flag(flag: FlagRow, said_by: str | None) -> RaisedFlag:
    return RaisedFlag(
        kind=flag.kind,
        label=FLAG_KINDS[flag.kind].label,
        severity=flag.severity,
        reason=reason(flag.kind, flag.detail),
        listing_image_id=flag.listing_image_id,
        wrong_by=said_by if flag.state == FlagState.DISMISSED else None,
    )


def _history(
    decisions: Sequence[tuple[DecisionRow, str]], loaded: _Loaded
) -> tuple[PastDecision, ...]:
    undone = {decision.undoes_id for decision, _ in decisions}
    return tuple(
        PastDecision(
            key=decision.key,
            kind=DecisionKind(decision.kind),
            category=loaded.category(decision.category_id),
            by=name,
            at=decision.created_at,
            undone=decision.id in undone,
        )
        for decision, name in decisions
    )
