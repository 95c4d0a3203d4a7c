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
from core.errors import ConflictError, NotFoundError, StaleError
from core.services import copy_flags, decisions
from core.services.decisions import NewDecision
from core.similarity.components import connect
from core.similarity.fingerprints import VERSION
from core.similarity.kinds import MATCH_KINDS
from db.engine import reading, transaction
from db.queries import fingerprints as fingerprint_queries
from db.queries import matches as queries
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
        pairs: The surest first, at most ``PAIRS_SHOWN``.
        match_ids: Of all its pairs.
    """

    id: int
    listings: tuple[DuplicateListing, ...]
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
    """

    rejected: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    dismissed: tuple[int, ...] = ()


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
    if listing_id not in {each.id for each in group.listings}:
        raise NotFoundError(f"no listing {listing_id} in this group; reload the page")
    rejected, refused = [], []
    for each in group.listings:
        if each.id == listing_id:
            continue
        new = NewDecision(
            key=str(uuid4()),
            listing_id=each.id,
            listing_version=each.version,
            kind=DecisionKind.REJECT,
            shown={"suggestions": [], "model_versions": [], "flags": list(copy_flags.KINDS)},
        )
        try:
            decisions.decide(engine, actor=actor, new=new, in_review=False)
            rejected.append(new.key)
        except (ConflictError, NotFoundError, StaleError) as error:
            refused.append(str(error))
    _renew_flags(engine, group.match_ids)
    return Settled(rejected=tuple(rejected), refused=tuple(refused))


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
        except (ConflictError, NotFoundError, StaleError) as error:
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
    mine: defaultdict[int, list[Pair]] = defaultdict(list)
    for pair in pairs:
        mine[pair.first_image_id].append(pair)
    return [
        DuplicateGroup(
            id=part[0],
            listings=_list_listings([photo for image_id in part for photo in by_image[image_id]]),
            pairs=_list_pairs([pair for image_id in part for pair in mine[image_id]], files),
            match_ids=tuple(pair.id for image_id in part for pair in mine[image_id]),
        )
        for part in parts
    ]


def _list_listings(photos: Sequence[ShownPhoto]) -> tuple[DuplicateListing, ...]:
    """Return each listing once: decided ones first, then by pixels, bytes and age."""
    ranked = sorted(photos, key=_rank)
    first: dict[int, ShownPhoto] = {}
    for photo in ranked:
        first.setdefault(photo.listing_id, photo)
    return tuple(
        DuplicateListing(
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
        )
        for photo in first.values()
    )


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
