"""The photos nearest to others within a filter, without listing all that fit it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from core.services.search_index import search_index
from core.settings import Settings
from core.similarity.vectors import EXACT_BELOW, Vectors
from db.engine import reading
from db.queries import search as queries
from db.queries.search import Shown, Wanted

MAX_LISTED = EXACT_BELOW
"""Where the search has to be told which photos fit the filter, so many are named: the newest."""


class Near(NamedTuple):
    """Photos that are wanted, the most alike first, and likenesses by the id of the embedding."""

    photos: Sequence[Shown]
    scores: Mapping[int, float]


def widen(
    engine: sa.Engine,
    settings: Settings,
    *,
    space: str,
    vectors: Vectors,
    wanted: Wanted,
    steps: Sequence[int],
) -> Iterator[Near]:
    """Yield what is wanted of the nearest to any of the vectors, each time of more of them.

    First of the ``steps`` nearest of all photos. If the caller has still not found enough, few
    photos are wanted, or they lie far off: then the search is narrowed to them.

    Args:
        vectors: (M, D) of length 1.
        steps: Growing numbers of photos, for each of the vectors.
    """
    index = search_index(engine, settings.cache_dir / "vectors")
    for count in steps:
        scores, _ = index.search(space=space, vectors=vectors, count=count, among=None)
        yield _show(engine, scores, wanted)
        if len(scores) < count:
            return  # there are no others
    with reading(engine) as session:
        among = queries.list_embedding_ids(session, space=space, wanted=wanted, limit=MAX_LISTED)
    scores, _ = index.search(space=space, vectors=vectors, count=steps[0], among=among)
    yield _show(engine, scores, wanted)


def _show(engine: sa.Engine, scores: Mapping[int, float], wanted: Wanted) -> Near:
    with reading(engine) as session:
        photos = queries.list_shown(session, embedding_ids=scores.keys(), wanted=wanted)
    ranked = sorted(photos, key=lambda each: (-scores[each.embedding_id], each.listing_id))
    return Near(ranked, scores)
