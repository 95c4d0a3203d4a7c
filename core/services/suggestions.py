"""The category suggested for a listing: by the models, or by examples of one that none knows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean
from typing import Any

from sqlalchemy.orm import Session

from db.queries import predictions as queries
from db.queries.predictions import Top

Predictions = dict[str, tuple[tuple[str, float], ...]]
"""By architecture the likeliest categories' paths, as in ``core.flags.Evidence``."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The category that the models together, or else its examples, speak for.

    Attributes:
        probability: Mean over the models of its calibrated probability; by examples, how like
            them the photo is, a cosine.
    """

    category_id: int
    probability: float
    is_by_examples: bool = False


def suggest(tops: Sequence[Mapping[int, float]]) -> Suggestion | None:
    """Average the models' calibrated probabilities by category and take the highest.

    Args:
        tops: For each model, probabilities by category id; a category it does not list
            counts as 0.
    """
    categories = sorted({category for top in tops for category in top})
    if not categories:
        return None
    means = {category: fmean(top.get(category, 0.0) for top in tops) for category in categories}
    best = max(categories, key=lambda category: means[category])
    return Suggestion(best, min(1.0, means[best]))


def suggest_listings(
    tops: Sequence[Top], by_examples: Mapping[int, Suggestion]
) -> dict[int, Suggestion]:
    """Return by listing what to suggest.

    The first photo that any model has seen speaks for the listing. Where it is recognised by
    examples, those come first: no model could name that category.

    Args:
        tops: Listing by listing, photo by photo in their order.
        by_examples: By listing.
    """
    found = {}
    for listing_id, of_listing in groupby(tops, key=lambda top: top.listing_id):
        main = next(groupby(of_listing, key=lambda top: top.position))[1]
        suggestion = suggest([by_category(top.top) for top in main])
        if suggestion:
            found[listing_id] = suggestion
    return found | dict(by_examples)


def by_category(top: Iterable[Mapping[str, Any]]) -> dict[int, float]:
    """Return ``PredictionRow.top`` as probabilities by category id."""
    return {entry["category_id"]: entry["probability"] for entry in top}


def list_predictions_by_photo(session: Session, tops: Sequence[Top]) -> Mapping[int, Predictions]:
    """Return by photo what the models say of it."""
    category_ids = {entry["category_id"] for top in tops for entry in top.top}
    paths = queries.list_category_paths(session, category_ids=category_ids)
    found: defaultdict[int, Predictions] = defaultdict(dict)
    for top in tops:
        found[top.photo_id][top.arch] = tuple(
            (paths[category_id], probability)
            for category_id, probability in by_category(top.top).items()
        )
    return found


def suggestion_rows(
    listing_ids: Iterable[int], suggestions: Mapping[int, Suggestion]
) -> Iterator[dict[str, Any]]:
    """Return what to write to the listings; one without a suggestion waits in full doubt."""
    for listing_id in sorted(listing_ids):
        suggestion = suggestions.get(listing_id)
        yield {
            "id": listing_id,
            "suggested_category_id": suggestion and suggestion.category_id,
            "suggested_by_examples": bool(suggestion and suggestion.is_by_examples),
            "doubt": 1.0 - suggestion.probability if suggestion else 1.0,
        }
