"""What reviewers say of flags: one append-only row for each word, and the flag moved with it.

From these words follows how often each kind of flag is right. To accept a listing against an
open flag says nothing of the flag: it may be right and not matter. One that asks for the category
is answered, and closed, when that is decided; if it is decided as claimed, ``claimed_mismatch`` was
wrong.
"""

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from core.actors import Actor, require
from core.errors import ConflictError, NotFoundError
from core.evaluation import Tally
from core.flags import CATEGORY_FLAGS, FLAG_KINDS
from core.services import priorities
from core.services.review import RaisedFlag, get_listing
from db.engine import reading, transaction
from db.queries import verdicts as queries
from db.rows import FlagVerdictRow, ListingRow
from db.states import FlagState, FlagVerdict, ListingState


def judge(
    engine: sa.Engine, *, actor: Actor, listing_image_id: int, kind: str, is_wrong: bool
) -> tuple[RaisedFlag, ...]:
    """Keep that the flag is wrong, or that it is not after all; return the listing's flags.

    The same word again changes nothing. A flag that is wrong is not raised again for its photo.

    Raises:
        ConflictError: The listing is published.
        ForbiddenError: The actor may not review.
        NotFoundError: The photo has no such flag.
    """
    require(actor, "review")
    with transaction(engine) as session:
        found = queries.find_flagged_for_update(
            session, listing_image_id=listing_image_id, kind=kind
        )
        if found is None:
            raise NotFoundError(
                f"photo {listing_image_id} has no flag {kind!r} any more; reload the listing"
            )
        listing, flag = found
        if listing.state == ListingState.PUBLISHED:
            raise ConflictError(f"{listing.sku!r} is published; its flags stay as they are")
        state = FlagState.DISMISSED if is_wrong else _standing(listing, kind)
        if flag.state != state:
            flag.state = state
            session.add(
                FlagVerdictRow(
                    listing_image_id=listing_image_id,
                    kind=kind,
                    verdict=FlagVerdict.WRONG if is_wrong else FlagVerdict.TAKEN_BACK,
                    user_id=actor.id,
                )
            )
            session.flush()
            priorities.refresh(session, listing_ids=[listing.id])
        listing_id = listing.id
    return get_listing(engine, actor=actor, listing_id=listing_id).flags


def _standing(listing: ListingRow, kind: str) -> FlagState:
    """Return where a flag stands that nobody calls wrong."""
    is_answered = kind in CATEGORY_FLAGS and listing.decided_category_id is not None
    return FlagState.CONFIRMED if is_answered else FlagState.OPEN


def measure_precision(
    engine: sa.Engine, *, actor: Actor, kinds: Collection[str] = tuple(FLAG_KINDS)
) -> Mapping[str, Tally]:
    """Return by kind how often its flags were right, over all batches.

    Counted are flags that were shown when their listing was decided, or said to be wrong; wrong are
    those, and what the decided category contradicts. Kinds that nobody has looked at are left out.

    Raises:
        ForbiddenError: The actor may not look.
    """
    require(actor, "look")
    with reading(engine) as session:
        counts = queries.count_by_kind(session, kinds=kinds)
    return {each.kind: Tally(each.looked_at - each.wrong, each.looked_at) for each in counts}
