"""Decided listings that look like one under review, with what they were decided as."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.services import checks
from core.services.batches import owner_seen_by
from core.services.hits import SearchHit, as_unit, collapse
from core.services.search import find_vector
from core.services.search_index import search_index
from core.services.states import ListingState
from core.settings import Settings
from db.engine import reading
from db.queries import search as queries
from db.queries.search import Shown, Wanted

MAX_LOOK_ALIKES = 6
_NEAREST = 240


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
    wanted = Wanted(is_decided=True, owner=owner_seen_by(actor))
    search = _Search(engine, settings, actor, *sought, wanted)
    found = search.run(None, without=listing_id)
    if len(found) < MAX_LOOK_ALIKES:
        # Few of the nearest are decided. It is rare where many are, so that the list is short.
        found = search.run(search.list_ids(), without=listing_id)
    return tuple(_look_alike(hit) for hit in found[:MAX_LOOK_ALIKES])


@dataclass(frozen=True, slots=True)
class _Search:
    engine: sa.Engine
    settings: Settings
    actor: Actor
    space: str
    vector: bytes
    wanted: Wanted

    def run(self, among: NDArray[np.int64] | None, *, without: int) -> list[SearchHit]:
        """Return those of the nearest that are wanted, the most alike first."""
        index = search_index(self.engine, self.settings.cache_dir / "vectors")
        vectors = as_unit(self.vector)[None]
        scores, _ = index.search(space=self.space, vectors=vectors, count=_NEAREST, among=among)
        with reading(self.engine) as session:
            photos = queries.list_shown(session, embedding_ids=scores.keys(), wanted=self.wanted)
            left_out = {without, *self._list_checks(session, photos)}
            ranked = sorted(
                (each for each in photos if each.listing_id not in left_out),
                key=lambda each: (-scores[each.embedding_id], each.listing_id),
            )
            found = collapse(session, ranked)
            return [each.hit(scores[each.shown.embedding_id]) for each in found]

    def _list_checks(self, session: Session, photos: Sequence[Shown]) -> Collection[int]:
        states = [(each.listing_id, ListingState(each.state)) for each in photos]
        return checks.list_shown(session, actor=self.actor, listings=states)

    def list_ids(self) -> NDArray[np.int64]:
        with reading(self.engine) as session:
            return queries.list_embedding_ids(session, space=self.space, wanted=self.wanted)


def _look_alike(hit: SearchHit) -> LookAlike:
    return LookAlike(
        listing_id=hit.listing_id,
        name=hit.title or hit.sku,
        sha256=hit.sha256,
        category=hit.category or "",
        likeness=hit.score or 0.0,
        copies=hit.copies,
    )
