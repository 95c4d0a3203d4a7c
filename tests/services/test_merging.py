"""Duplicates are merged: the one that is kept takes over photos that are no copies."""

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from core.actors import Actor
from core.errors import ForbiddenError, NotFoundError
from core.services import decisions, duplicates, story
from core.services.duplicates import DuplicateGroup
from core.settings import Settings
from core.storage import ImageStore
from db.engine import reading, transaction
from db.rows import FlagRow, FlagValueRow, ImageRow, ListingImageRow, ListingRow, MergedPhotoRow
from db.states import FlagState, ListingState
from tests.services.copied import add_shown, as_file, compare_all
from tests.services.flagged import add_batch
from tests.similarity.conftest import draw_photo

PHOTO, BACK = draw_photo(1), draw_photo(2)


@pytest.fixture
def ids(any_engine: sa.Engine, any_settings: Settings, actor: Actor) -> dict[str, int]:
    """Two listings with one picture. The smaller one shows its back, too, and a copy of both."""
    batch_id = add_batch(any_engine, actor)
    found = add_shown(
        any_engine,
        any_settings,
        batch_id,
        {"large": as_file(PHOTO), "small": as_file(PHOTO[::2, ::2]), "other": as_file(BACK)},
    )
    store = ImageStore(any_settings.images_dir, any_settings.cache_dir)
    for position, data in enumerate((as_file(BACK), as_file(PHOTO)), start=1):
        add_photo(any_engine, found["small"], store.put(data), position)
    with transaction(any_engine) as session:
        session.get_one(ListingRow, found["other"]).state = ListingState.REJECTED
    compare_all(any_engine, any_settings)
    return found


def add_photo(engine: sa.Engine, listing_id: int, sha256: str, position: int) -> None:
    with transaction(engine) as session:
        image = session.scalars(select(ImageRow).where(ImageRow.sha256 == sha256)).one()
        session.add(
            ListingImageRow(
                listing_id=listing_id, image_id=image.id, position=position, file_name="back.jpg"
            )
        )


def photos(engine: sa.Engine, listing_id: int) -> list[ListingImageRow]:
    query = select(ListingImageRow).where(ListingImageRow.listing_id == listing_id)
    with reading(engine) as session:
        return list(session.scalars(query.order_by(ListingImageRow.position)))


def state(engine: sa.Engine, listing_id: int) -> str:
    with reading(engine) as session:
        return session.get_one(ListingRow, listing_id).state


def group_of(engine: sa.Engine, actor: Actor) -> DuplicateGroup:
    (group,) = duplicates.list_groups(engine, actor=actor).groups
    return group


def flag_back(engine: sa.Engine, listing_id: int) -> None:
    """Flag the photo of the back: a flag that blocks, and two that stay with the listing."""
    back = photos(engine, listing_id)[1]
    with transaction(engine) as session:
        for kind, at in (("blurry", "open"), ("dark", "dismissed"), ("unknown_product", "open")):
            session.add(
                FlagRow(
                    listing_id=listing_id,
                    listing_image_id=back.id,
                    kind=kind,
                    severity="block",
                    score=0.2,
                    state=FlagState(at),
                )
            )


def test_the_kept_one_takes_over_what_it_does_not_show(any_engine, actor, ids):
    group = group_of(any_engine, actor)
    assert [(each.sku, each.photos) for each in group.listings] == [("large", 1), ("small", 3)]
    assert group.why == "the oldest"  # of the two that show the large file
    back = photos(any_engine, ids["small"])[1]

    settled = duplicates.merge(any_engine, actor=actor, group=group, listing_id=ids["large"])

    assert (len(settled.rejected), settled.refused) == (1, ())
    assert (settled.kept_id, settled.taken_over) == (ids["large"], 1)
    assert state(any_engine, ids["small"]) == ListingState.REJECTED
    assert state(any_engine, ids["large"]) == ListingState.NEEDS_REVIEW
    _, taken = photos(any_engine, ids["large"])
    assert (taken.image_id, taken.position, taken.file_name) == (back.image_id, 1, "back.jpg")
    assert len(photos(any_engine, ids["small"])) == 3
    assert duplicates.list_groups(any_engine, actor=actor).groups == ()


def test_taking_it_back_takes_the_photos_out_again(any_engine, actor, ids):
    group = group_of(any_engine, actor)
    flag_back(any_engine, ids["small"])
    settled = duplicates.merge(any_engine, actor=actor, group=group, listing_id=ids["large"])
    _, taken = photos(any_engine, ids["large"])
    with transaction(any_engine) as session:  # it was held against the known meanwhile
        session.add(FlagValueRow(listing_image_id=taken.id, kind="unknown_product", value=0.4))
    assert duplicates.take_back(any_engine, actor=actor, settled=settled) == ()
    assert state(any_engine, ids["small"]) == ListingState.NEEDS_REVIEW
    assert len(photos(any_engine, ids["large"])) == 1
    assert len(photos(any_engine, ids["small"])) == 3
    with reading(any_engine) as session:
        assert session.scalars(select(MergedPhotoRow)).all() == []


def test_what_keeps_a_photo_from_being_published_comes_along(any_engine, actor, ids):
    flag_back(any_engine, ids["small"])
    group = group_of(any_engine, actor)
    duplicates.merge(any_engine, actor=actor, group=group, listing_id=ids["large"])
    with reading(any_engine) as session:
        query = select(FlagRow.kind).where(FlagRow.listing_id == ids["large"])
        assert session.scalars(query).all() == ["blurry"]


def test_a_photo_that_somebody_worked_with_since_stays(any_engine, actor, ids):
    group = group_of(any_engine, actor)
    settled = duplicates.merge(any_engine, actor=actor, group=group, listing_id=ids["large"])
    with transaction(any_engine) as session:
        session.get_one(ListingRow, ids["large"]).state = ListingState.ACCEPTED
        session.flush()
        session.get_one(ListingRow, ids["large"]).state = ListingState.PUBLISHED
    assert duplicates.take_back(any_engine, actor=actor, settled=settled) == ()
    assert len(photos(any_engine, ids["large"])) == 2


def test_the_story_of_both_tells_it_and_leads_to_the_other(any_engine, actor, ids):
    group = group_of(any_engine, actor)
    settled = duplicates.merge(any_engine, actor=actor, group=group, listing_id=ids["large"])
    kept = story.get_story(any_engine, actor=actor, listing_id=ids["large"]).events[-1]
    gone = story.get_story(any_engine, actor=actor, listing_id=ids["small"]).events[-1]
    assert (kept.kind, kept.words) == ("merged", "Took over 1 photo of the duplicate small")
    assert kept.other_id == ids["small"]
    assert (gone.words, gone.other_id) == ("Rejected", ids["large"])
    assert gone.detail == "as a duplicate, merged into another listing"
    decisions.undo(any_engine, actor=actor, key="u" * 36, decision_key=settled.rejected[0])
    events = story.get_story(any_engine, actor=actor, listing_id=ids["large"]).events
    assert "merged" not in {event.kind for event in events}


def test_a_published_listing_takes_over_nothing_and_the_others_stay(any_engine, actor, ids):
    with transaction(any_engine) as session:
        listing = session.get_one(ListingRow, ids["large"])
        for each in (ListingState.ACCEPTED, ListingState.PUBLISHED):
            listing.state = each
            session.flush()
    group = group_of(any_engine, actor)
    assert group.why == "it stands already"
    settled = duplicates.merge(any_engine, actor=actor, group=group, listing_id=ids["large"])
    assert (settled.rejected, settled.taken_over) == ((), 0)
    assert "is published now" in settled.refused[0]
    assert state(any_engine, ids["small"]) == ListingState.NEEDS_REVIEW
    assert len(photos(any_engine, ids["large"])) == 1


def test_what_somebody_decided_meanwhile_keeps_its_photos(any_engine, actor, ids):
    group = group_of(any_engine, actor)
    with transaction(any_engine) as session:
        listing = session.get_one(ListingRow, ids["small"])
        listing.state, listing.version = ListingState.ACCEPTED, listing.version + 1
    settled = duplicates.merge(any_engine, actor=actor, group=group, listing_id=ids["large"])
    assert (settled.rejected, len(settled.refused), settled.taken_over) == ((), 1, 0)
    assert len(photos(any_engine, ids["large"])) == 1


def test_only_reviewers_merge_and_only_into_one_of_the_group(any_engine, actor, ids):
    group = group_of(any_engine, actor)
    staff = Actor(actor.id, "stan", "staff")
    with pytest.raises(ForbiddenError):
        duplicates.merge(any_engine, actor=staff, group=group, listing_id=ids["large"])
    with pytest.raises(NotFoundError):
        duplicates.merge(any_engine, actor=actor, group=group, listing_id=ids["other"])
