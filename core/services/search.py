"""Search the catalogue by a photo, by a listing, by words and filters, or by several at once.

Filters hold inside the search: only what fits them is compared.
"""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as time_of_day

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.services import lookups
from core.services.batches import owner_seen_by
from core.services.hits import Collapsed, SearchHit, as_unit, collapse, make_hit, vary
from core.services.search_index import search_index
from core.services.states import ListingState
from core.services.texts import refuse_nul
from core.settings import Settings
from db.engine import reading
from db.queries import embeddings as embedding_queries
from db.queries import search as queries
from db.queries.search import Shown, Wanted

HITS_A_PAGE = 24
MAX_HITS = 240
"""Nobody turns more pages than ten."""

_NEAREST = 480  # several photos may be of one listing, or copies
_MAX_WORDS = 10
_MAX_CHOICES = 2_000


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """Which listings are searched among.

    Attributes:
        text: Each word stands in the title or in the category's path.
        category: Path of a branch of categories.
        since: First day, in UTC, on which it was brought in; ``until`` is the last.
    """

    text: str = ""
    category: str | None = None
    batch_id: int | None = None
    state: ListingState | None = None
    seller: str | None = None
    since: date | None = None
    until: date | None = None


Ranked = tuple[Collapsed, float | None]
"""What becomes a hit, with its likeness; None where nothing was sought."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """What was found, the most alike first.

    Attributes:
        total: Hits on all pages, at most ``MAX_HITS``.
        indexed: Photos that can be found by likeness.
        waiting: Photos that the worker has not looked at yet, so that they cannot.
    """

    hits: tuple[SearchHit, ...]
    page: int
    total: int
    indexed: int
    waiting: int
    took_ms: int


@dataclass(frozen=True, slots=True)
class SearchChoices:
    """What can be filtered by; batches are (id, name)."""

    categories: tuple[str, ...]
    batches: tuple[tuple[int, str], ...]


def search(
    engine: sa.Engine,
    settings: Settings,
    *,
    actor: Actor,
    only: SearchFilter,
    listing_id: int | None = None,
    lookup_id: int | None = None,
    varied: bool = False,
    page: int = 0,
) -> SearchPage:
    """Return the listings most like a photo or another listing; without either, the newest.

    Copies of one photo are one hit.

    Args:
        listing_id: Whose main photo is sought.
        lookup_id: The photo handed in that is sought.
        varied: Each is also to be unlike those before it ("more like this").
        page: From 0.

    Raises:
        ConflictError: The worker has not looked at the photo yet; ask again.
        ForbiddenError: The actor may not look.
        InvalidInputError: The photo cannot be searched by, or there are too many words.
        NotFoundError: No such listing or photo that the actor sees.
    """
    require(actor, "look")
    started_at = time.monotonic()
    wanted = make_wanted(actor, only)
    sought = _find_sought(engine, actor, listing_id, lookup_id)
    if sought is None:
        with reading(engine) as session:
            newest = queries.list_newest(session, wanted=wanted, limit=_NEAREST)
            hits: list[Ranked] = [(each, None) for each in collapse(session, newest)]
            there = indexed = queries.count_readable(session)
    else:
        hits, indexed = _search(engine, settings, sought, wanted, varied=varied, but=listing_id)
        with reading(engine) as session:
            there = queries.count_readable(session)
    kept = hits[:MAX_HITS]
    shown = kept[page * HITS_A_PAGE : (page + 1) * HITS_A_PAGE]
    return SearchPage(
        hits=tuple(each.hit(score) for each, score in shown),
        page=page,
        total=len(kept),
        indexed=indexed,
        waiting=max(0, there - indexed),
        took_ms=round(1000 * (time.monotonic() - started_at)),
    )


def find_subject(engine: sa.Engine, *, actor: Actor, listing_id: int) -> SearchHit:
    """Return the listing that others like it are sought of.

    Raises:
        ForbiddenError: The actor may not look.
        NotFoundError: No such listing that the actor sees.
    """
    require(actor, "look")
    with reading(engine) as session:
        return make_hit(_require_main(session, actor, listing_id), None)


def list_choices(engine: sa.Engine, *, actor: Actor) -> SearchChoices:
    """Return what can be filtered by.

    Raises:
        ForbiddenError: The actor may not look.
    """
    require(actor, "look")
    with reading(engine) as session:
        owner = owner_seen_by(actor)
        return SearchChoices(
            tuple(queries.list_categories(session, limit=_MAX_CHOICES)),
            tuple(queries.list_batches(session, owner=owner, limit=_MAX_CHOICES)),
        )


def make_wanted(actor: Actor, only: SearchFilter) -> Wanted:
    """Return the filter as queries take it, with what the actor sees at all.

    Raises:
        InvalidInputError: There are too many words, or a text has a NUL character.
    """
    refuse_nul(words=only.text, category=only.category, seller=only.seller)
    words = tuple(only.text.split())
    if len(words) > _MAX_WORDS:
        raise InvalidInputError(f"{len(words)} words; search by at most {_MAX_WORDS}")
    return Wanted(
        words=words,
        category=only.category,
        batch_id=only.batch_id,
        state=only.state,
        seller=only.seller,
        owner=owner_seen_by(actor),
        since=datetime.combine(only.since, time_of_day.min, UTC) if only.since else None,
        until=datetime.combine(only.until, time_of_day.max, UTC) if only.until else None,
    )


def _find_sought(
    engine: sa.Engine, actor: Actor, listing_id: int | None, lookup_id: int | None
) -> tuple[str, bytes] | None:
    """Return space and vector of what is sought."""
    if lookup_id is not None:
        found = lookups.get_vector(engine, actor=actor, lookup_id=lookup_id)
        if found is None:
            raise ConflictError("the worker has not looked at this photo yet; ask again")
        return found
    if listing_id is None:
        return None
    found = find_vector(engine, actor=actor, listing_id=listing_id)
    if found is None:
        raise ConflictError(f"the worker has not looked at listing {listing_id} yet; ask again")
    return found


def find_vector(engine: sa.Engine, *, actor: Actor, listing_id: int) -> tuple[str, bytes] | None:
    """Return space and vector of a listing; None until the worker has looked at it.

    Raises:
        NotFoundError: No such listing that the actor sees.
    """
    with reading(engine) as session:
        _require_main(session, actor, listing_id)
        space = embedding_queries.find_newest_space(session)
        vector = space and embedding_queries.find_listing_vector(
            session, space=space, listing_id=listing_id
        )
        return (space, vector) if space and vector else None


def _require_main(session: Session, actor: Actor, listing_id: int) -> Shown:
    wanted = Wanted(owner=owner_seen_by(actor))
    found = queries.find_main(session, listing_id=listing_id, wanted=wanted)
    if found is None:
        raise NotFoundError(f"no listing {listing_id}")
    return found


def _search(
    engine: sa.Engine,
    settings: Settings,
    sought: tuple[str, bytes],
    wanted: Wanted,
    *,
    varied: bool,
    but: int | None,
) -> tuple[list[Ranked], int]:
    """Return the hits, the most alike first, and how many photos the index holds.

    Args:
        but: The listing that they are alike, which is no hit.
    """
    space, vector = sought
    with reading(engine) as session:
        among = (
            None
            if wanted == Wanted()
            else queries.list_embedding_ids(session, space=space, wanted=wanted)
        )
    scores, indexed = search_index(engine, settings.cache_dir / "vectors").search(
        space=space, vectors=as_unit(vector)[None], count=_NEAREST, among=among
    )
    with reading(engine) as session:
        photos = queries.list_shown(session, embedding_ids=scores.keys(), wanted=wanted)
        ranked = sorted(photos, key=lambda each: (-scores[each.embedding_id], each.listing_id))
        found = [each for each in collapse(session, ranked) if each.shown.listing_id != but]
        if varied:
            found = vary(session, found, scores, count=MAX_HITS)
        return [(each, scores[each.shown.embedding_id]) for each in found], indexed
