"""Listings that may show the same product in another photo: a list of suggestions, no flag.

The cosine of two embeddings cannot tell the same product from one of its kind surely enough to
flag listings by it (docs/similarity.md has the figures). What somebody called another product is
remembered with the pair, as what is no duplicate is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import ConflictError
from core.services.hits import SearchHit, as_unit, make_hit
from core.services.search_index import search_index
from core.services.states import ListingState
from core.settings import Settings
from db.engine import reading, transaction
from db.queries import embeddings as embedding_queries
from db.queries import matches as match_queries
from db.queries import search as queries
from db.queries.search import Shown, Wanted
from db.states import MatchState

KIND = "same_product"

MIN_COSINE = 0.85
"""Of 1,280 features as they are: of Grocery's pairs from here on, four in five are one product."""

LOOKED_AT = 24
"""The newest listings to review, each of which is a search."""

MAX_SHOWN = 12

_NEAREST = 24


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Two listings whose photos look much alike, and are no copies.

    Attributes:
        image_ids: Of the two photos, the lesser first.
        score: Cosine of their embeddings.
    """

    image_ids: tuple[int, int]
    score: float
    first: SearchHit
    second: SearchHit


@dataclass(frozen=True, slots=True)
class _Pair:
    first: Shown
    second: Shown
    score: float

    @property
    def image_ids(self) -> tuple[int, int]:
        ids = self.first.image_id, self.second.image_id
        return min(ids), max(ids)


def list_suggestions(
    engine: sa.Engine, settings: Settings, *, actor: Actor
) -> tuple[Suggestion, ...]:
    """Return the likeliest pairs with one of the newest listings to review, the most alike first.

    At most ``MAX_SHOWN``. What is a copy, or was called another product, is left out.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    with reading(engine) as session:
        space = embedding_queries.find_newest_space(session)
        newest = queries.list_newest(
            session, wanted=Wanted(state=ListingState.NEEDS_REVIEW), limit=LOOKED_AT
        )
        vectors = {
            each: embedding_queries.find_listing_vector(
                session, space=space or "", listing_id=each.listing_id
            )
            for each in newest
        }
    index = search_index(engine, settings.cache_dir / "vectors")
    found: dict[tuple[int, int], _Pair] = {}
    for mine, vector in vectors.items():
        if space is None or vector is None:
            continue
        scores, _ = index.search(
            space=space, vectors=as_unit(vector)[None], count=_NEAREST, among=None
        )
        near = {id_: score for id_, score in scores.items() if score >= MIN_COSINE}
        with reading(engine) as session:
            for pair in _list_pairs(session, mine, near):
                found.setdefault(pair.image_ids, pair)
    return tuple(_suggestion(pair) for pair in _choose(engine, list(found.values())))


def dismiss(engine: sa.Engine, *, actor: Actor, suggestion: Suggestion) -> None:
    """Remember that these are two products: the pair is not suggested again.

    Raises:
        ConflictError: The two photos turned out to be copies meanwhile.
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    first, second = suggestion.image_ids
    value = {
        "first_image_id": first,
        "second_image_id": second,
        "kind": KIND,
        "score": min(1.0, suggestion.score),
        "state": MatchState.NOT_DUPLICATE,
        "settled_by": actor.id,
        "settled_at": datetime.now(UTC),
    }
    with transaction(engine) as session:
        if not match_queries.insert_matches(session, values=[value]):
            raise ConflictError("these two photos were settled meanwhile; reload the page")


def take_back(engine: sa.Engine, *, actor: Actor, suggestion: Suggestion) -> None:
    """Forget that these are two products.

    Raises:
        ForbiddenError: The actor may not review.
    """
    require(actor, "review")
    with transaction(engine) as session:
        match_queries.forget(session, image_ids=suggestion.image_ids, kind=KIND)


def _list_pairs(session: Session, mine: Shown, near: Mapping[int, float]) -> Iterator[_Pair]:
    """Yield the pairs with photos of other listings that were not rejected."""
    for other in queries.list_shown(session, embedding_ids=near.keys(), wanted=Wanted()):
        apart = other.listing_id != mine.listing_id and other.image_id != mine.image_id
        if apart and other.state != ListingState.REJECTED:
            yield _Pair(mine, other, near[other.embedding_id])


def _choose(engine: sa.Engine, pairs: Sequence[_Pair]) -> list[_Pair]:
    """Return the most alike, one of each two listings, without what is known of already."""
    image_ids = {image_id for pair in pairs for image_id in pair.image_ids}
    with reading(engine) as session:
        known = {
            (pair.first_image_id, pair.second_image_id)
            for pair in match_queries.list_pairs(session, image_ids=image_ids)
        }
    chosen: dict[frozenset[int], _Pair] = {}
    for pair in sorted(pairs, key=lambda each: (-each.score, each.image_ids)):
        if pair.image_ids not in known:
            ids = frozenset((pair.first.listing_id, pair.second.listing_id))
            chosen.setdefault(ids, pair)
    return list(chosen.values())[:MAX_SHOWN]


def _suggestion(pair: _Pair) -> Suggestion:
    return Suggestion(
        image_ids=pair.image_ids,
        score=pair.score,
        first=make_hit(pair.first, None),
        second=make_hit(pair.second, None),
    )
