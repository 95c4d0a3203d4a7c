"""Listings that show the same, together, and what a reviewer makes of them.

The program never deletes anything: a listing too many is rejected by an ordinary decision, which
can be taken back, and what is no duplicate is remembered and not asked about again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import ConflictError, NotFoundError
from core.services import copy_flags, decisions, merged_photos
from core.services.decisions import NewDecision
from core.similarity.components import connect
from core.similarity.fingerprints import VERSION
from core.similarity.kinds import MATCH_KINDS
from db.engine import reading, transaction
from db.queries import fingerprints as fingerprint_queries
from db.queries import matches as queries
from db.queries import merged_photos as photo_queries
from db.queries import review as review_queries
from db.queries.matches import Pair, ShownPhoto
from db.states import DecisionKind, ListingState, MatchState

GROUPS_A_PAGE = 10
PAIRS_SHOWN = 4

_KEPT = (ListingState.PUBLISHED, ListingState.ACCEPTED, ListingState.CORRECTED)


@dataclass(frozen=True, slots=True)
class DuplicateListing:
    """A listing of a group, with the photo that it is in it for.

    Attributes:
        version: The version that a decision on it is made on.
        photos: How many it has in all.
    """

    id: int
    version: int
    sku: str
    title: str
    batch: str
    state: ListingState
    sha256: str
    width_px: int
    height_px: int
    size_bytes: int
    photos: int = 1


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two photos of a group and what they have in common."""

    match_id: int
    label: str
    score: float
    first_sha256: str
    second_sha256: str


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Listings that show the same.

    Attributes:
        id: Of one of its images; while the group grows, each leads to it.
        listings: The best first.
        why: Why the first is the best, in words.
        pairs: The surest first, at most ``PAIRS_SHOWN``.
        match_ids: Of all its pairs.
    """

    id: int
    listings: tuple[DuplicateListing, ...]
    why: str
    pairs: tuple[DuplicatePair, ...]
    match_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Groups over the whole catalogue.

    Attributes:
        groups: Those of the page, the largest first.
        total: Groups in all.
        compared: Photos that were compared with all others.
        waiting: Photos that the worker has not compared yet.
    """

    groups: tuple[DuplicateGroup, ...]
    total: int
    compared: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a group.

    Attributes:
        rejected: Keys of the decisions that were kept.
        refused: Why the other listings were not rejected.
        dismissed: Matches that are remembered as no duplicates.
        kept_id: The listing that the others were merged into.
        taken_over: Photos that it has of them now.
    """

    rejected: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    dismissed: tuple[int, ...] = ()
    kept_id: int | None = None
    taken_over: int = 0


def list_groups(
    engine: sa.Engine, *, actor: Actor, group_id: int | None = None, page: int = 0
) -> Duplicates:
    """Return the groups of at least two listings that were not rejected.

    Args:
        group_id: Of an image: its group alone, or none once that is settled.
        page: From 0, ``GROUPS_A_PAGE`` each.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    with reading(engine) as session:
        pairs = queries.list_pairs(session, state=MatchState.OPEN)
        parts = _list_parts(session, pairs)
        chosen = parts[page * GROUPS_A_PAGE : (page + 1) * GROUPS_A_PAGE]
        if group_id is not None:
            chosen = [part for part in parts if group_id in part]
        there, waiting = fingerprint_queries.count_fingerprints(session, version=VERSION)
        return Duplicates(
            groups=tuple(_describe(session, chosen, pairs)),
            total=len(parts),
            compared=there - waiting,
            waiting=waiting,
        )


def keep_one(engine: sa.Engine, *, actor: Actor, group: DuplicateGroup, listing_id: int) -> Settled:
    """Reject all listings of the group but one, each by a decision of its own.

    One that somebody decided meanwhile, or that is published, is left and named.

    Raises:
        ForbiddenError: The actor may not review.
        NotFoundError: The listing is not of the group.
    """
    require(actor, "review")
    rejected, refused = [], []
    for each in _list_others(group, listing_id):
        new = _rejection(each)
        try:
            decisions.decide(engine, actor=actor, new=new, in_review=False)
            rejected.append(new.key)
        except (ConflictError, NotFoundError) as error:
            refused.append(str(error))
    _renew_flags(engine, group.match_ids)
    return Settled(rejected=tuple(rejected), refused=tuple(refused))


def merge(engine: sa.Engine, *, actor: Actor, group: DuplicateGroup, listing_id: int) -> Settled:
    """Reject all listings of the group but one, which takes over their photos that are no copies.

    One that somebody decided meanwhile, or that is published, is left and named, with its photos.
    All are left where the kept one was published or rejected: its photos stay as they are.

    Raises:
        ForbiddenError: The actor may not review.
        NotFoundError: The listing is not of the group.
    """
    require(actor, "review")
    rejected, refused, taken_over = [], [], 0
    for each in _list_others(group, listing_id):
        new = _rejection(each, merged_into=listing_id)
        try:
            with transaction(engine) as session:
                taken_over += _merge_one(session, actor, new, listing_id)
            rejected.append(new.key)
        except (ConflictError, NotFoundError) as error:
            refused.append(str(error))
    _renew_flags(engine, group.match_ids)
    named = tuple(dict.fromkeys(refused))
    return Settled(tuple(rejected), named, kept_id=listing_id, taken_over=taken_over)


def _merge_one(session: Session, actor: Actor, new: NewDecision, listing_id: int) -> int:
    """Reject a listing and take its photos over; return how many."""
    _lock_growing(session, listing_id, beside=new.listing_id)
    decisions.decide_within(session, actor=actor, new=new, in_review=False)
    decision = review_queries.find_decision(session, key=new.key)
    assert decision is not None, "it was kept just now"
    return merged_photos.take_over(
        session, listing_id=listing_id, from_id=new.listing_id, decision_id=decision.id
    )


def _lock_growing(session: Session, listing_id: int, *, beside: int) -> None:
    """Lock both listings, in their order; refuse one whose photos stay as they are."""
    locked = {
        each: review_queries.find_listing_for_update(session, listing_id=each)
        for each in sorted((listing_id, beside))
    }
    listing = locked[listing_id]
    if listing is None or listing.state in (ListingState.PUBLISHED, ListingState.REJECTED):
        state = listing.state if listing else "gone"
        raise ConflictError(
            f"listing {listing_id} is {state} now, so it takes over no photos; keep another one"
        )


def _list_others(group: DuplicateGroup, listing_id: int) -> list[DuplicateListing]:
    others = [each for each in group.listings if each.id != listing_id]
    if len(others) == len(group.listings):
        raise NotFoundError(f"no listing {listing_id} in this group; reload the page")
    return others


def _rejection(listing: DuplicateListing, **shown: object) -> NewDecision:
    return NewDecision(
        key=str(uuid4()),
        listing_id=listing.id,
        listing_version=listing.version,
        kind=DecisionKind.REJECT,
        shown={"suggestions": [], "model_versions": [], "flags": list(copy_flags.KINDS)}
        | dict(shown),
    )


def dismiss(engine: sa.Engine, *, actor: Actor, match_ids: Collection[int]) -> Settled:
    """Remember that these are no duplicates: nobody is asked about them again.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    _settle(engine, actor, match_ids, MatchState.NOT_DUPLICATE)
    return Settled(dismissed=tuple(match_ids))


def take_back(engine: sa.Engine, *, actor: Actor, settled: Settled) -> tuple[str, ...]:
    """Undo what was settled; return why some of it could not be.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    refused = []
    for key in settled.rejected:
        try:
            decisions.undo(engine, actor=actor, key=str(uuid4()), decision_key=key)
        except (ConflictError, NotFoundError) as error:
            refused.append(str(error))
    if settled.dismissed:
        _settle(engine, actor, settled.dismissed, MatchState.OPEN)
    return tuple(refused)


def _settle(engine: sa.Engine, actor: Actor, match_ids: Collection[int], state: MatchState) -> None:
    with transaction(engine) as session:
        queries.settle(
            session, match_ids=match_ids, state=state, user_id=actor.id, at=datetime.now(UTC)
        )
    _renew_flags(engine, match_ids)


def _renew_flags(engine: sa.Engine, match_ids: Collection[int]) -> None:
    with transaction(engine) as session:
        image_ids = queries.list_images(session, match_ids=match_ids)
        copy_flags.renew(session, image_ids=image_ids)


def _list_parts(session: Session, pairs: Sequence[Pair]) -> list[list[int]]:
    """Return the images of each group, the group with most listings first."""
    shown_by: defaultdict[int, set[int]] = defaultdict(set)
    for image_id, listing_id in queries.list_open_users(session):
        shown_by[image_id].add(listing_id)
    found = connect((pair.first_image_id, pair.second_image_id) for pair in pairs)
    counted = [(len(_union(shown_by[each] for each in part)), part) for part in found.values()]
    ranked = sorted(counted, key=lambda each: (-each[0], each[1][0]))
    return [part for count, part in ranked if count > 1]


def _union(sets: Iterable[set[int]]) -> set[int]:
    return set().union(*sets)


def _describe(
    session: Session, parts: Sequence[Sequence[int]], pairs: Sequence[Pair]
) -> list[DuplicateGroup]:
    image_ids = {image_id for part in parts for image_id in part}
    photos = queries.list_shown(session, image_ids=image_ids)
    by_image: defaultdict[int, list[ShownPhoto]] = defaultdict(list)
    for photo in photos:
        by_image[photo.image_id].append(photo)
    files = {photo.image_id: photo.sha256 for photo in photos}
    counts = photo_queries.count_photos(session, listing_ids={photo.listing_id for photo in photos})
    mine: defaultdict[int, list[Pair]] = defaultdict(list)
    for pair in pairs:
        mine[pair.first_image_id].append(pair)
    ranked = {
        part[0]: _rank_listings([photo for image_id in part for photo in by_image[image_id]])
        for part in parts
    }
    return [
        DuplicateGroup(
            id=part[0],
            listings=tuple(_listing(photo, counts) for photo in ranked[part[0]]),
            why=_why_best(ranked[part[0]]),
            pairs=_list_pairs([pair for image_id in part for pair in mine[image_id]], files),
            match_ids=tuple(pair.id for image_id in part for pair in mine[image_id]),
        )
        for part in parts
    ]


def _rank_listings(photos: Sequence[ShownPhoto]) -> list[ShownPhoto]:
    """Return each listing once: decided ones first, then by pixels, bytes and age."""
    first: dict[int, ShownPhoto] = {}
    for photo in sorted(photos, key=_rank):
        first.setdefault(photo.listing_id, photo)
    return list(first.values())


def _listing(photo: ShownPhoto, counts: Mapping[int, int]) -> DuplicateListing:
    return DuplicateListing(
        id=photo.listing_id,
        version=photo.version,
        sku=photo.sku,
        title=photo.title,
        batch=photo.batch,
        state=ListingState(photo.state),
        sha256=photo.sha256,
        width_px=photo.width_px,
        height_px=photo.height_px,
        size_bytes=photo.size_bytes,
        photos=counts[photo.listing_id],
    )


_REASONS = ("it stands already", "the largest picture", "the least compressed file", "the oldest")


def _why_best(ranked: Sequence[ShownPhoto]) -> str:
    """Say by what the best comes before the next: the first part of their ranks that differs."""
    ranks = [_rank(photo) for photo in ranked[:2]]
    parts = zip(_REASONS, ranks[0], ranks[-1], strict=True)
    return next((reason for reason, mine, other in parts if mine != other), "")


def _rank(photo: ShownPhoto) -> tuple[bool, int, int, int]:
    """A listing that stands already is not thrown out for a larger copy."""
    return (
        photo.state not in _KEPT,
        -photo.width_px * photo.height_px,
        -photo.size_bytes,
        photo.listing_id,
    )


def _list_pairs(pairs: Sequence[Pair], files: Mapping[int, str]) -> tuple[DuplicatePair, ...]:
    """Return the surest of two different images that are both still shown."""
    apart = [
        pair
        for pair in pairs
        if pair.first_image_id != pair.second_image_id
        and {pair.first_image_id, pair.second_image_id} <= files.keys()
    ]
    return tuple(
        DuplicatePair(
            match_id=pair.id,
            label=MATCH_KINDS[pair.kind].label,
            score=pair.score,
            first_sha256=files[pair.first_image_id],
            second_sha256=files[pair.second_image_id],
        )
        for pair in sorted(apart, key=lambda pair: (-pair.score, pair.id))[:PAIRS_SHOWN]
    )
