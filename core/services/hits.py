"""Listings that were found by their photos: copies taken together, and in a varied order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.recommendation.diversity import diversify
from core.services.states import ListingState
from core.similarity.components import connect
from db.queries import embeddings as embedding_queries
from db.queries import matches as match_queries
from db.queries.search import Shown
from db.states import MatchState


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
class Collapsed:
    """A photo that stands for its listing, and for those behind it that show a copy of it."""

    shown: Shown
    copies: int = 0

    def hit(self, score: float | None) -> SearchHit:
        return replace(make_hit(self.shown, score), copies=self.copies)


def collapse(session: Session, ranked: Sequence[Shown]) -> list[Collapsed]:
    """Return one a listing, and one for all that show copies of one photo; the first stays."""
    pairs = match_queries.list_pairs(
        session, image_ids={each.image_id for each in ranked}, state=MatchState.OPEN
    )
    parts = connect((pair.first_image_id, pair.second_image_id) for pair in pairs)
    part_of = {image_id: least for least, part in parts.items() for image_id in part}
    found: dict[int, Collapsed] = {}  # by what is the same
    listings: set[int] = set()
    for each in ranked:
        if each.listing_id in listings:
            continue
        listings.add(each.listing_id)
        same = part_of.get(each.image_id, each.image_id)
        if same in found:
            found[same] = replace(found[same], copies=found[same].copies + 1)
        else:
            found[same] = Collapsed(each)
    return list(found.values())


def vary(
    session: Session, found: Sequence[Collapsed], scores: Mapping[int, float], *, count: int
) -> list[Collapsed]:
    """Return the first ``count``, each also unlike those before it.

    Args:
        scores: Likeness by the id of the embedding.
    """
    ids = [each.shown.embedding_id for each in found]
    if not ids:
        return []
    vectors = read_vectors(session, ids)
    likeness = np.array([scores[id_] for id_ in ids], np.float32)
    return [found[at] for at in diversify(likeness, vectors, count=count)]


def read_vectors(session: Session, embedding_ids: Sequence[int]) -> NDArray[np.float32]:
    """Return the embeddings of these ids, (N, D) of length 1, in their order."""
    stored = embedding_queries.list_vectors(session, embedding_ids=embedding_ids)
    return np.stack([as_unit(stored[id_]) for id_ in embedding_ids])


def as_unit(vector: bytes) -> NDArray[np.float32]:
    """Return a stored vector, (D,), at length 1: what is stored is rounded to 16 bits."""
    found = np.frombuffer(vector, "<f2").astype(np.float32)
    unit: NDArray[np.float32] = found / np.linalg.norm(found)
    return unit


def make_hit(shown: Shown, score: float | None) -> SearchHit:
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
