"""What deciding a listing is worth, kept with the listing, so that the queue can go by it.

Worth is errors that one expects to fix a minute: the chance that the suggestion is wrong,
times the listings that it stands for (undecided ones whose main photo is the very same file
and whose suggestion is the same), by the time such a decision takes. The first two are kept
as ``expected_errors``, the third is measured when the queue is read.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from core.flags import CATEGORY_FLAGS
from core.queue import EFFORTS, effort_of, seconds_of
from core.services.states import UNDECIDED
from db.queries import priorities as queries
from db.queries import queue as queue_queries
from db.queries.priorities import Valued

MAX_COPIES = 200
"""A photo that stands for more (a placeholder) counts as this many."""

MEASURED_DECISIONS = 100
"""So many of the latest decisions say how long one takes."""


def refresh(session: Session, *, listing_ids: Collection[int]) -> None:
    """Value the listings anew, and with them those that show the same file."""
    mine = queries.list_valued(session, listing_ids=listing_ids)
    image_ids = {each.image_id for each in mine if each.image_id is not None}
    uses = queries.count_uses(session, image_ids=image_ids)
    few = {image_id for image_id, count in uses.items() if 1 < count <= MAX_COPIES}
    copies = queries.list_copies(session, image_ids=few) if few else ()
    together = {each.listing_id: each for each in (*copies, *mine)}.values()
    stands_for = _count_alike(together)
    efforts = dict(_efforts(session, [each.listing_id for each in mine]))
    queries.set_values(
        session,
        values=[
            _value(each, stands_for, uses) | {"effort": efforts[each.listing_id]} for each in mine
        ],
    )
    others = [each for each in together if each.listing_id not in efforts]
    queries.set_values(session, values=[_value(each, stands_for, uses) for each in others])


def read_seconds(session: Session) -> Mapping[str, float]:
    """Return the seconds that each kind of work takes, from the latest decisions."""
    return seconds_of(
        queue_queries.map_active_ms(session, efforts=EFFORTS, limit=MEASURED_DECISIONS)
    )


def _count_alike(listings: Collection[Valued]) -> Mapping[tuple[int | None, int | None], int]:
    """Count the undecided listings by content and suggestion."""
    return Counter(
        (each.image_id, each.category_id) for each in listings if each.state in UNDECIDED
    )


def _value(
    each: Valued,
    stands_for: Mapping[tuple[int | None, int | None], int],
    uses: Mapping[int, int],
) -> dict[str, Any]:
    alike = 1
    if each.image_id is not None and each.category_id is not None and each.state in UNDECIDED:
        many = uses.get(each.image_id, 0) > MAX_COPIES
        alike = MAX_COPIES if many else stands_for[(each.image_id, each.category_id)]
    return {"id": each.listing_id, "expected_errors": (each.doubt or 0.0) * alike}


def _efforts(session: Session, listing_ids: Sequence[int]) -> Iterator[tuple[int, str]]:
    kinds: defaultdict[int, set[str]] = defaultdict(set)
    for listing_id, kind in queries.list_open_flags(session, listing_ids=listing_ids):
        kinds[listing_id].add(kind)
    for listing_id in listing_ids:
        yield listing_id, effort_of(kinds[listing_id], asking=CATEGORY_FLAGS)
