"""Search the catalogue by a photo, by a listing, by words and filters, or by several at once.

Filters hold inside the search: only what fits them is compared.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.actors import Actor, require
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.services import lookups
from core.services.batches import owner_seen_by
from core.services.search_index import search_index
from core.services.states import ListingState
from core.settings import Settings
from core.similarity.components import connect
from db.engine import reading
from db.queries import embeddings as embedding_queries
from db.queries import matches as match_queries
from db.queries import search as queries
from db.queries.search import Shown, Wanted
from db.states import MatchState

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
    """

    text: str = ""
    category: str | None = None
    batch_id: int | None = None
    state: ListingState | None = None
    seller: str | None = None


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A listing that was found, by the photo that it was found by.

    Attributes:
        score: Cosine of the embeddings; None where no photo was sought.
        copies: Other listings with a copy of the photo, or with the same one, behind this one.
    """

    listing_id: int
    sku: str
    title: str
    seller: str
    category: str | None
    batch: str
    state: ListingState
    sha256: str
    score: float | None
    copies: int = 0


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
    page: int = 0,
) -> SearchPage:
    """Return the listings most like a photo or another listing; without either, the newest.

    Copies of one photo are one hit.

    Args:
        listing_id: Whose main photo is sought.
        lookup_id: The photo handed in that is sought.
        page: From 0.

    Raises:
        ConflictError: The worker has not looked at the photo yet; ask again.
        ForbiddenError: The actor may not look.
        InvalidInputError: The photo cannot be searched by, or there are too many words.
        NotFoundError: No such listing or photo that the actor sees.
    """
    require(actor, "look")
    started_at = time.monotonic()
    wanted = _wanted(actor, only)
    sought = _find_sought(engine, actor, listing_id, lookup_id)
    if sought is None:
        with reading(engine) as session:
            newest = queries.list_newest(session, wanted=wanted, limit=_NEAREST)
            hits = collapse(session, newest, {})
            there = indexed = queries.count_readable(session)
    else:
        hits, indexed = _search(engine, settings, sought, wanted)
        hits = [hit for hit in hits if hit.listing_id != listing_id]
        with reading(engine) as session:
            there = queries.count_readable(session)
    kept = hits[:MAX_HITS]
    return SearchPage(
        hits=tuple(kept[page * HITS_A_PAGE : (page + 1) * HITS_A_PAGE]),
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
        return _hit(_require_main(session, actor, listing_id), None)


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


def _wanted(actor: Actor, only: SearchFilter) -> Wanted:
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
    engine: sa.Engine, settings: Settings, sought: tuple[str, bytes], wanted: Wanted
) -> tuple[list[SearchHit], int]:
    """Return the hits, the most alike first, and how many photos the index holds."""
    space, vector = sought
    with reading(engine) as session:
        among = (
            None
            if wanted == Wanted()
            else queries.list_embedding_ids(session, space=space, wanted=wanted)
        )
    ids, similarities, freshness = search_index(engine, settings.cache_dir / "vectors").search(
        space=space, query=unit_vector(vector), count=_NEAREST, among=among
    )
    scores = dict(zip(ids.tolist(), similarities.tolist(), strict=True))
    with reading(engine) as session:
        photos = queries.list_shown(session, embedding_ids=scores.keys(), wanted=wanted)
        ranked = sorted(photos, key=lambda each: (-scores[each.embedding_id], each.listing_id))
        return collapse(session, ranked, scores), freshness.indexed


def unit_vector(vector: bytes) -> NDArray[np.float32]:
    """Return an embedding as (D,) float32 of length 1: what is stored is rounded to 16 bits."""
    found = np.frombuffer(vector, "<f2").astype(np.float32)
    unit: NDArray[np.float32] = found / np.linalg.norm(found)
    return unit


def collapse(
    session: Session, ranked: Sequence[Shown], scores: Mapping[int, float]
) -> list[SearchHit]:
    """Return one hit a listing, and one for all that show copies of one photo."""
    pairs = match_queries.list_pairs(
        session, image_ids={each.image_id for each in ranked}, state=MatchState.OPEN
    )
    parts = connect((pair.first_image_id, pair.second_image_id) for pair in pairs)
    part_of = {image_id: least for least, part in parts.items() for image_id in part}
    hits: dict[int, SearchHit] = {}  # by what is the same
    listings: set[int] = set()
    for each in ranked:
        if each.listing_id in listings:
            continue
        listings.add(each.listing_id)
        same = part_of.get(each.image_id, each.image_id)
        if same in hits:
            hits[same] = replace(hits[same], copies=hits[same].copies + 1)
        else:
            hits[same] = _hit(each, scores.get(each.embedding_id))
    return list(hits.values())


def _hit(shown: Shown, score: float | None) -> SearchHit:
    return SearchHit(
        listing_id=shown.listing_id,
        sku=shown.sku,
        title=shown.title,
        seller=shown.seller,
        category=shown.category,
        batch=shown.batch,
        state=ListingState(shown.state),
        sha256=shown.sha256,
        score=score,
    )
