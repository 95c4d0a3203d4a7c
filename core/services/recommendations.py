"""What to show a shopper of the shop next, by what they liked and viewed before.

What they did is all there is to go by (``interactions``): no profile is worked out beforehand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import InvalidInputError
from core.recommendation.profile import Profile, weigh
from core.services.hits import Collapsed, SearchHit, as_unit, collapse, read_vectors, vary
from core.services.interactions import KEPT_FOR, require_shopper
from core.services.nearest import widen
from core.services.search import SearchFilter, make_wanted
from core.settings import Settings
from db.engine import reading
from db.queries import embeddings as embedding_queries
from db.queries import interactions as queries
from db.queries import popularity as popularity_queries
from db.queries import search as search_queries
from db.queries.interactions import Interaction
from db.queries.search import Shown, Wanted

MAX_RECOMMENDED = 100

_REMEMBERED = 100  # interactions of a profile, the newest
_NEAREST = 60  # to each of the profile's seeds
_FIRST = 2  # times so many are looked at before the search is narrowed to what fits the filter
_SPARE = 4  # copies fall together, and what was seen already falls away

By = Literal["profile", "popular"]


@dataclass(frozen=True, slots=True)
class Recommendations:
    """What to show next.

    Attributes:
        by: ``popular`` for who did nothing yet that can be gone by.
    """

    by: By
    hits: tuple[SearchHit, ...]


def recommend(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    shopper: str,
    only: SearchFilter,
    count: int = 12,
) -> Recommendations:
    """Return what a shopper may like and did not see yet, varied, copies as one.

    Who did nothing yet gets what is popular among all (``core.services.popularity``), and then the
    newest, within the filter.

    Args:
        count: At most ``MAX_RECOMMENDED``.

    Raises:
        ForbiddenError: The actor may not recommend.
        InvalidInputError: The count or the shopper's name is none that can be.
    """
    require(actor, "recommend")
    require_shopper(shopper)
    if not 0 < count <= MAX_RECOMMENDED:
        raise InvalidInputError(f"{count} recommendations; ask for 1 to {MAX_RECOMMENDED}")
    wanted = make_wanted(actor, only)
    with reading(engine) as session:
        history = queries.list_newest(
            session, shopper=shopper, since=datetime.now(UTC) - KEPT_FOR, limit=_REMEMBERED
        )
        space = embedding_queries.find_newest_space(session)
        profile = _make_profile(session, space, history) if space else None
    seen = [each.listing_id for each in history]
    hits = (
        _by_profile(engine, settings, space, profile, wanted, seen, count)
        if space and profile
        else ()
    )
    by: By = "profile" if hits else "popular"
    if len(hits) < count:
        hits += _by_popularity(engine, wanted, seen, hits, count)
    return Recommendations(by, hits[:count])


def _make_profile(session: Session, space: str, history: Sequence[Interaction]) -> Profile | None:
    """Return the profile; None while nothing that the shopper did has an embedding."""
    listing_ids = {each.listing_id for each in history}
    photos = embedding_queries.list_photos(session, space=space, listing_ids=listing_ids)
    main = {photo.listing_id: photo.vector for photo in reversed(photos)}
    known = [each for each in history if each.listing_id in main]
    if not known:
        return None
    now = datetime.now(UTC)
    ages_days = [(now - each.at) / timedelta(days=1) for each in known]
    weights = weigh([each.kind for each in known], ages_days)
    return Profile(np.stack([as_unit(main[each.listing_id]) for each in known]), weights)


def _by_profile(
    engine: sa.Engine,
    settings: Settings,
    space: str,
    profile: Profile,
    wanted: Wanted,
    seen: Sequence[int],
    count: int,
) -> tuple[SearchHit, ...]:
    enough = max(_NEAREST, _SPARE * count)
    steps = widen(
        engine,
        settings,
        space=space,
        vectors=profile.vectors[profile.seeds],
        wanted=wanted,
        steps=(_FIRST * enough,),
    )
    unseen: list[Collapsed] = []
    with reading(engine) as session:
        for near in steps:
            unseen, scores = _rank(session, profile, near.photos, seen)
            if len(unseen) >= enough:
                break
        varied = vary(session, unseen, scores, count=count)
    return tuple(each.hit(scores[each.shown.embedding_id]) for each in varied)


def _rank(
    session: Session, profile: Profile, photos: Sequence[Shown], seen: Sequence[int]
) -> tuple[list[Collapsed], Mapping[int, float]]:
    """Return what was not seen yet, the most liked first, and likings by the embedding's id."""
    if not photos:
        return [], {}
    ids = sorted({photo.embedding_id for photo in photos})
    scores = dict(zip(ids, profile.likeness(read_vectors(session, ids)).tolist(), strict=True))
    ranked = sorted(photos, key=lambda each: (-scores[each.embedding_id], each.listing_id))
    return _leave_out(session, seen, ranked), scores


def _by_popularity(
    engine: sa.Engine,
    wanted: Wanted,
    seen: Sequence[int],
    before: Sequence[SearchHit],
    count: int,
) -> tuple[SearchHit, ...]:
    shown_already = [*seen, *(hit.listing_id for hit in before)]
    limit = len(shown_already) + _SPARE * count
    with reading(engine) as session:
        popular = popularity_queries.list_popular(session, wanted=wanted, limit=limit)
        place = {listing_id: at for at, listing_id in enumerate(popular)}
        ranked = sorted(
            search_queries.list_main(session, listing_ids=popular, wanted=wanted),
            key=lambda each: place[each.listing_id],
        )
        newest = search_queries.list_newest(session, wanted=wanted, limit=limit)
        found = _leave_out(session, shown_already, [*ranked, *newest])
        return tuple(each.hit(None) for each in found)


def _leave_out(session: Session, seen: Sequence[int], ranked: Sequence[Shown]) -> list[Collapsed]:
    """Take copies together, and leave out what was seen, or is a copy of it."""
    first = search_queries.list_main(session, listing_ids=seen, wanted=Wanted())
    return [
        each for each in collapse(session, [*first, *ranked]) if each.shown.listing_id not in seen
    ]
