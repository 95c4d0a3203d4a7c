"""Photos of a duplicate that are no copies themselves: the listing that is kept takes them over.

They carry their open flags along, so that what keeps a photo from being published still does.
They go again when the decision that rejected the duplicate is taken back, unless somebody worked
with them, or published them, since.
"""

from sqlalchemy.orm import Session

from core.flags import CATEGORY_FLAGS
from core.services import copy_flags, priorities
from core.similarity.components import connect
from db.queries import matches as match_queries
from db.queries import merged_photos as queries
from db.rows import ListingImageRow
from db.states import MatchState


def take_over(session: Session, *, listing_id: int, from_id: int, decision_id: int) -> int:
    """Append the photos of another listing that this one does not show; return how many."""
    further = _list_further(session, listing_id, from_id)
    for source in further:
        queries.append(
            session,
            listing_id=listing_id,
            source=source,
            decision_id=decision_id,
            but_flags=(*CATEGORY_FLAGS, *copy_flags.KINDS),
        )
    if further:
        priorities.refresh(session, listing_ids=[listing_id])
    return len(further)


def give_back(session: Session, *, decision_id: int) -> None:
    """Take out what was taken over by a decision that no longer stands."""
    photos = queries.list_unused(session, decision_id=decision_id)
    if photos:
        listing_ids = {photo.listing_id for photo in photos}
        queries.remove(session, photo_ids=[photo.id for photo in photos])
        priorities.refresh(session, listing_ids=listing_ids)


def _list_further(session: Session, listing_id: int, from_id: int) -> list[ListingImageRow]:
    mine = queries.list_photos(session, listing_id=listing_id)
    theirs = queries.list_photos(session, listing_id=from_id)
    pairs = match_queries.list_pairs(
        session,
        image_ids={photo.image_id for photo in (*mine, *theirs)},
        state=MatchState.OPEN,
    )
    parts = connect((pair.first_image_id, pair.second_image_id) for pair in pairs)
    picture = {image_id: least for least, images in parts.items() for image_id in images}
    shown = {picture.get(photo.image_id, photo.image_id) for photo in mine}
    further = []
    for photo in theirs:
        shows = picture.get(photo.image_id, photo.image_id)
        if shows not in shown:
            shown.add(shows)
            further.append(photo)
    return further
