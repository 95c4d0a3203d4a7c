"""The story of a listing: all that happened to it from upload to publication, oldest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import NotFoundError
from core.flags import FLAG_KINDS, reason
from core.model_names import model_name
from core.queue import POLICIES
from core.services import checks, masks
from core.services.batches import require_batch, sees
from core.services.review import ReviewListing, load_listings
from db.engine import reading
from db.queries import merged_photos as merged_queries
from db.queries import review as review_queries
from db.queries import story as queries
from db.rows import BatchRow, DecisionRow
from db.states import CheckKind, DecisionKind, FlagVerdict

# In the order in which they follow each other where two happened at once.
EVENT_KINDS = (
    "uploaded", "classified", "flagged", "verdict", "decided", "merged", "published",
)  # fmt: skip

TELLING: dict[CheckKind, tuple[str, ...]] = {
    CheckKind.SECOND: ("decided", "published"),
    CheckKind.PLANTED: ("classified", "flagged", "decided", "published"),
    CheckKind.HIDDEN: ("classified", "flagged"),
}
"""What a reviewer is not told of a listing that is a check for them, until they have answered."""

DONE: dict[DecisionKind, str] = {
    DecisionKind.ACCEPT: "Accepted",
    DecisionKind.CORRECT: "Corrected",
    DecisionKind.REJECT: "Rejected",
    DecisionKind.SKIP: "Skipped",
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a listing.

    Attributes:
        kind: Of ``EVENT_KINDS``.
        by: Who did it; empty where the program did.
        words: What happened, in a few words.
        detail: More of it, in plain text; may be empty.
        other_id: Another listing that it is about.
    """

    kind: str
    at: datetime
    by: str
    words: str
    detail: str
    other_id: int | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """A listing as it stands, and how it came to that."""

    listing: ReviewListing
    events: tuple[Event, ...]


def get_story(engine: sa.Engine, *, actor: Actor, listing_id: int) -> Story:
    """Return the story of a listing.

    Raises:
        ForbiddenError: The actor may not look.
        NotFoundError: The actor sees no listing of this id.
    """
    require(actor, "look")
    with reading(engine) as session:
        batch = queries.find_batch(session, listing_id=listing_id)
        if batch is None or not sees(actor, batch):
            raise NotFoundError(f"no listing {listing_id}")
        events = [
            _uploaded(session, batch),
            *_classified(session, listing_id),
            *_flagged(session, listing_id),
            *_said_of_flags(session, listing_id),
            *_decided(session, listing_id),
            *_merged(session, listing_id),
            *_published(session, listing_id),
        ]
        listings = load_listings(session, [listing_id])
        states = [(each.id, each.state) for each in listings]
        check = checks.list_shown(session, actor=actor, listings=states).get(listing_id)
        (listing,) = masks.mask(session, actor=actor, listings=listings)
    if check is not None:  # or the story would give the answer away
        events = [event for event in events if event.kind not in TELLING[CheckKind(check.kind)]]
    events.sort(key=lambda event: (event.at, EVENT_KINDS.index(event.kind)))
    return Story(listing, tuple(events))


def find_listing_id(engine: sa.Engine, *, actor: Actor, batch_id: int, sku: str) -> int | None:
    """Return the listing of a batch that has the SKU, None where none has.

    Raises:
        ForbiddenError: The actor may not look.
        NotFoundError: The actor sees no batch of this id.
    """
    require(actor, "look")
    with reading(engine) as session:
        require_batch(session, actor, batch_id)
        return queries.find_listing_id(session, batch_id=batch_id, sku=sku.strip())


def _uploaded(session: Session, batch: BatchRow) -> Event:
    by = queries.get_user_name(session, user_id=batch.created_by)
    return Event("uploaded", batch.created_at, by, f"Brought in with {batch.name}", "")


def _classified(session: Session, listing_id: int) -> Iterator[Event]:
    found = queries.list_main_predictions(session, listing_id=listing_id)
    paths = review_queries.map_category_paths(session, ids=[said.category_id for said, _ in found])
    for said, version in found:
        yield Event(
            "classified",
            said.created_at,
            "",
            f"{model_name(version.arch)} suggested {paths[said.category_id]}",
            f"{100 * said.probability:.0f}% sure; version {version.digest[:8]}",
        )


def _flagged(session: Session, listing_id: int) -> Iterator[Event]:
    for flag, _ in review_queries.list_flags(session, listing_ids=[listing_id]):
        words = f"Flagged: {FLAG_KINDS[flag.kind].label}"
        yield Event("flagged", flag.created_at, "", words, reason(flag.kind, flag.detail))


def _said_of_flags(session: Session, listing_id: int) -> Iterator[Event]:
    for verdict, by in queries.list_verdicts(session, listing_id=listing_id):
        label = FLAG_KINDS[verdict.kind].label
        is_wrong = verdict.verdict == FlagVerdict.WRONG
        words = f"Called the flag wrong: {label}" if is_wrong else f"Let the flag stand: {label}"
        yield Event("verdict", verdict.created_at, by, words, "")


def _decided(session: Session, listing_id: int) -> Iterator[Event]:
    found = review_queries.list_decisions(session, listing_ids=[listing_id])
    ids = {row.category_id for row, _ in found if row.category_id is not None}
    paths = review_queries.map_category_paths(session, ids=ids)
    said = {row.id: _choice(row, paths) for row, _ in found}
    undone = {row.undoes_id for row, _ in found}
    for row, by in found:
        words = said[row.id]
        if row.undoes_id is not None:
            words = f"Took back: {said[row.undoes_id]}"
        how = _how(row, is_undone=row.id in undone)
        other_id = (row.shown or {}).get("merged_into")
        yield Event("decided", row.created_at, by, words, how, other_id)


def _merged(session: Session, listing_id: int) -> Iterator[Event]:
    for row, by, listing, photos in merged_queries.list_taken(session, listing_id=listing_id):
        what = "1 photo" if photos == 1 else f"{photos} photos"
        words = f"Took over {what} of the duplicate {listing.title or listing.sku}"
        yield Event("merged", row.created_at, by, words, "", listing.id)


def _choice(row: DecisionRow, paths: dict[int, str]) -> str:
    done = DONE.get(DecisionKind(row.kind), "")
    return done if row.category_id is None else f"{done} as {paths[row.category_id]}"


def _how(row: DecisionRow, *, is_undone: bool) -> str:
    """Say how long it took, whose turn it was, and whether it stands."""
    parts = []
    if row.active_ms:
        parts.append(f"looked at for {row.active_ms / 1000:.1f} s")
    policy = (row.shown or {}).get("policy")
    if policy:
        label = POLICIES[policy].label if policy in POLICIES else policy
        parts.append(f"from the queue {label!r}")
    if (row.shown or {}).get("check") == CheckKind.HIDDEN:
        parts.append("without the suggestion")
    if (row.shown or {}).get("settles"):
        parts.append("settles what two reviewers said")
    if (row.shown or {}).get("merged_into"):
        parts.append("as a duplicate, merged into another listing")
    if is_undone:
        parts.append("taken back later")
    return "; ".join(parts)


def _published(session: Session, listing_id: int) -> Iterator[Event]:
    found = queries.find_publication(session, listing_id=listing_id)
    if found is not None:
        publication, by = found
        yield Event("published", publication.created_at, by, "Published", "")
