"""Decided listings that look like one under review, with what they were decided as."""

from dataclasses import dataclass

import sqlalchemy as sa

from core.actors import Actor, require
from core.services import checks
from core.services.batches import owner_seen_by
from core.services.hits import SearchHit, as_unit, collapse
from core.services.nearest import Near, widen
from core.services.search import find_vector
from core.services.states import ListingState
from core.settings import Settings
from db.engine import reading
from db.queries.search import Wanted

MAX_LOOK_ALIKES = 6
_NEAREST = (240, 1_000, 4_000)
"""So many are looked at, step by step, until enough of them are decided."""


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A decided listing.

    Attributes:
        category: Path of the decided category.
        likeness: Cosine of the embeddings of the photo and of that of the listing under review.
        copies: Other decided listings with a copy of the photo, behind this one.
    """

    listing_id: int
    name: str
    sha256: str
    category: str
    likeness: float
    copies: int


def list_look_alikes(
    engine: sa.Engine, settings: Settings, *, actor: Actor, listing_id: int
) -> tuple[LookAlike, ...]:
    """Return the decided listings that look most like this one, the nearest first.

    At most ``MAX_LOOK_ALIKES``; none until the worker has looked at the listing. Those that are
    checks for the actor are left out, or the answer would stand beside another listing.

    Raises:
        ForbiddenError: The actor may not look.
        NotFoundError: No such listing that the actor sees.
    """
    require(actor, "look")
    sought = find_vector(engine, actor=actor, listing_id=listing_id)
    if sought is None:
        return ()
    space, vector = sought
    steps = widen(
        engine,
        settings,
        space=space,
        vectors=as_unit(vector)[None],
        wanted=Wanted(is_decided=True, owner=owner_seen_by(actor)),
        steps=_NEAREST,
    )
    found: list[SearchHit] = []
    for near in steps:
        found = _collapse(engine, actor, near, without=listing_id)
        if len(found) >= MAX_LOOK_ALIKES:
            break
    return tuple(_look_alike(hit) for hit in found[:MAX_LOOK_ALIKES])


def _collapse(engine: sa.Engine, actor: Actor, near: Near, *, without: int) -> list[SearchHit]:
    states = [(each.listing_id, ListingState(each.state)) for each in near.photos]
    with reading(engine) as session:
        left_out = {without, *checks.list_shown(session, actor=actor, listings=states)}
        kept = [each for each in near.photos if each.listing_id not in left_out]
        found = collapse(session, kept)
    return [each.hit(near.scores[each.shown.embedding_id]) for each in found]


def _look_alike(hit: SearchHit) -> LookAlike:
    return LookAlike(
        listing_id=hit.listing_id,
        name=hit.title or hit.sku,
        sha256=hit.sha256,
        category=hit.category or "",
        likeness=hit.score or 0.0,
        copies=hit.copies,
    )
