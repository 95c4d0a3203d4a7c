"""What a reviewer sees of a listing that is a check: as if it were like any other.

Every door that hands a listing to a reviewer goes through here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from core.actors import Actor
from core.flags import CATEGORY_FLAGS
from core.services import checks
from db.queries import review as queries
from db.rows import CheckRow
from db.states import CheckKind, ListingState

if TYPE_CHECKING:  # which loads listings, and then asks here
    from core.services.review import Category, Photo, ReviewListing, Suggestion

HIDDEN_SOURCE = "hidden"


def mask(
    session: Session, *, actor: Actor, listings: Sequence["ReviewListing"]
) -> tuple["ReviewListing", ...]:
    """Return the listings as the actor is to see them."""
    states = [(listing.id, listing.state) for listing in listings]
    found = checks.list_shown(session, actor=actor, listings=states)
    if not found:
        return tuple(listings)
    planted = [check for check in found.values() if check.kind == CheckKind.PLANTED]
    ids = [check.category_id for check in planted if check.category_id is not None]
    paths = queries.map_category_paths(session, ids=ids) if ids else {}
    return tuple(
        _masked(listing, found[listing.id], paths) if listing.id in found else listing
        for listing in listings
    )


def _masked(listing: "ReviewListing", check: CheckRow, paths: dict[int, str]) -> "ReviewListing":
    if check.kind == CheckKind.HIDDEN:
        return _without_suggestion(listing)
    undecided = replace(listing, state=ListingState.NEEDS_REVIEW, decided=None, history=())
    if check.kind == CheckKind.SECOND or check.category_id is None or listing.suggested is None:
        return undecided
    wrong = replace(listing.suggested, id=check.category_id, path=paths[check.category_id])
    return _swapped(_without_category_flags(undecided), listing.suggested, wrong)


def _without_suggestion(listing: "ReviewListing") -> "ReviewListing":
    """Leave out all that says what the models think; the seller's word stays."""
    return replace(
        listing,
        suggested=None,
        source=HIDDEN_SOURCE,
        choices=tuple(
            replace(choice, probability=0.0)
            for choice in listing.choices
            if choice.category == listing.claimed
        ),
        photos=tuple(replace(photo, opinions=()) for photo in listing.photos),
        flags=_without_category_flags(listing).flags,
    )


def _without_category_flags(listing: "ReviewListing") -> "ReviewListing":
    """Leave out the flags whose reasons name the right category, those raised later, too."""
    kept = tuple(flag for flag in listing.flags if flag.kind not in CATEGORY_FLAGS)
    return replace(listing, flags=kept)


def _swapped(listing: "ReviewListing", right: "Category", wrong: "Category") -> "ReviewListing":
    """Let one category stand wherever the other does, as if the models had mixed them up."""
    other = {right: wrong, wrong: right}

    def swap(suggestions: Iterable["Suggestion"]) -> tuple["Suggestion", ...]:
        return tuple(
            replace(each, category=other.get(each.category, each.category)) for each in suggestions
        )

    def mix_up(photo: "Photo") -> "Photo":
        opinions = (replace(opinion, top=swap(opinion.top)) for opinion in photo.opinions)
        return replace(photo, opinions=tuple(opinions))

    return replace(
        listing,
        suggested=wrong,
        choices=swap(listing.choices),
        photos=tuple(map(mix_up, listing.photos)),
    )
