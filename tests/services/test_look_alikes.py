"""Decided listings that look like one under review."""

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy import update

from core.actors import Actor
from core.errors import NotFoundError
from core.services import look_alikes, nearest
from core.services.look_alikes import MAX_LOOK_ALIKES, LookAlike
from core.services.states import ListingState
from core.settings import Settings
from db.engine import transaction
from db.rows import (
    CheckRow,
    CheckSharesRow,
    DecisionRow,
    ListingImageRow,
    ListingRow,
    MatchRow,
    UserRow,
)
from db.states import CheckKind
from tests.services.embedded import add_listings, near
from tests.services.flagged import add_batch
from tests.services.queues import add_reviewer

MUG, LAMP = 0, 1


@pytest.fixture
def batch_id(any_engine: sa.Engine, actor: Actor) -> int:
    return add_batch(any_engine, actor)


@pytest.fixture
def subject(any_engine: sa.Engine, batch_id: int) -> int:
    """A mug to review."""
    return add_listings(any_engine, batch_id, "new", near(MUG, 1, seed=5))[0]


@pytest.fixture
def look(any_engine: sa.Engine, any_settings: Settings, actor: Actor):
    def look(listing_id: int, by: Actor = actor) -> tuple[LookAlike, ...]:
        return look_alikes.list_look_alikes(
            any_engine, any_settings, actor=by, listing_id=listing_id
        )

    return look


def test_the_nearest_decided_come_first_with_what_they_were_decided_as(
    any_engine, batch_id, subject, look
):
    add_listings(any_engine, batch_id, "lamp", near(LAMP, 8), category="Home > Lamp")
    mugs = add_listings(any_engine, batch_id, "mug", near(MUG, 3), category="Home > Mug")
    found = look(subject)
    assert {each.listing_id for each in found[:3]} == set(mugs)
    assert [each.category for each in found] == ["Home > Mug"] * 3 + ["Home > Lamp"] * 3
    likenesses = [each.likeness for each in found]
    assert likenesses == sorted(likenesses, reverse=True)
    assert len(found) == MAX_LOOK_ALIKES


def test_few_decided_ones_are_found_behind_many_that_are_not(
    any_engine, batch_id, subject, look, monkeypatch
):
    monkeypatch.setattr(look_alikes, "_NEAREST", (5, 10))
    add_listings(any_engine, batch_id, "undecided", near(MUG, 30))
    lamps = add_listings(any_engine, batch_id, "lamp", near(LAMP, 2), category="Home > Lamp")
    assert {each.listing_id for each in look(subject)} == set(lamps)


def test_all_that_is_decided_is_listed_only_where_wider_searches_find_too_few(
    any_engine, batch_id, subject, look, monkeypatch
):
    def refuse(*_, **__):
        raise AssertionError("all decided photos were listed")

    monkeypatch.setattr(nearest.queries, "list_embedding_ids", refuse)
    monkeypatch.setattr(look_alikes, "_NEAREST", (5, 25))
    add_listings(any_engine, batch_id, "undecided", near(MUG, 10))
    add_listings(any_engine, batch_id, "lamp", near(LAMP, 8), category="Home > Lamp")
    assert len(look(subject)) == MAX_LOOK_ALIKES
    monkeypatch.setattr(look_alikes, "_NEAREST", (5, 10))
    with pytest.raises(AssertionError):
        look(subject)


def test_what_is_rejected_or_open_again_is_no_precedent(any_engine, batch_id, subject, look):
    mugs = add_listings(any_engine, batch_id, "mug", near(MUG, 3), category="Home > Mug")
    open_again = update(ListingRow).values(
        state=ListingState.NEEDS_REVIEW, decided_category_id=None
    )
    with transaction(any_engine) as session:
        session.execute(open_again.where(ListingRow.id.in_(mugs[:2])))
        reject = update(ListingRow).values(state=ListingState.REJECTED)
        session.execute(reject.where(ListingRow.id == mugs[0]))
    assert [each.listing_id for each in look(subject)] == [mugs[2]]


def test_a_decided_listing_is_not_its_own_look_alike(any_engine, batch_id, look):
    mugs = add_listings(any_engine, batch_id, "mug", near(MUG, 2), category="Home > Mug")
    assert [each.listing_id for each in look(mugs[0])] == [mugs[1]]


def test_a_decided_copy_of_the_photo_comes_first_and_copies_are_one(
    any_engine, batch_id, subject, look
):
    same = np.repeat(near(MUG, 1, seed=5), 3, axis=0)
    copies = add_listings(any_engine, batch_id, "copy", same, category="Home > Mug")
    with transaction(any_engine) as session:
        rows = session.scalars(sa.select(ListingImageRow).order_by(ListingImageRow.id)).all()
        images = {row.listing_id: row.image_id for row in rows}
        everyone = [images[subject], *(images[id_] for id_ in copies)]
        session.add_all(
            MatchRow(
                first_image_id=everyone[0], second_image_id=other, kind="same_picture", score=1
            )
            for other in everyone[1:]
        )
    [found] = look(subject)
    assert (found.listing_id, found.copies) == (copies[0], 2)
    assert found.likeness == pytest.approx(1, abs=0.001)


def test_what_is_a_check_for_the_reviewer_is_not_given_away(any_engine, batch_id, subject, look):
    mugs = add_listings(any_engine, batch_id, "mug", near(MUG, 2), category="Home > Mug")
    rita, omar = (add_reviewer(any_engine, name) for name in ("rita", "omar"))
    with transaction(any_engine) as session:
        mug = session.get_one(ListingRow, mugs[0])
        made = DecisionRow(
            key="k", listing_id=mug.id, listing_version=1, user_id=rita.id, kind="accept",
            category_id=mug.decided_category_id,
        )  # fmt: skip
        session.add(made)
        session.flush()
        session.add(CheckSharesRow(second=0.1, hidden=0.0, planted=0.0))
        session.add(
            CheckRow(listing_id=mug.id, user_id=omar.id, kind=CheckKind.SECOND, decision_id=made.id)
        )
    assert [each.listing_id for each in look(subject, by=omar)] == [mugs[1]]
    assert {each.listing_id for each in look(subject, by=rita)} == set(mugs)


def test_what_the_worker_has_not_looked_at_has_none(any_engine, batch_id, look):
    with transaction(any_engine) as session:
        listing = ListingRow(batch_id=batch_id, sku="bare", doubt=1.0)
        session.add(listing)
        session.flush()
        listing_id = listing.id
    with pytest.raises(NotFoundError, match=f"no listing {listing_id}"):
        look(listing_id)  # it has no photo to show
    subject = add_listings(any_engine, batch_id, "new", near(MUG, 1), space="an-old-space")[0]
    add_listings(any_engine, batch_id, "mug", near(MUG, 2), category="Home > Mug")
    assert look(subject) == ()


def test_staff_see_only_those_of_their_own_batches(any_engine, batch_id, subject, look):
    add_listings(any_engine, batch_id, "mug", near(MUG, 3), category="Home > Mug")
    with transaction(any_engine) as session:
        row = UserRow(name="olga", role="staff")
        session.add(row)
        session.flush()
        olga = Actor(row.id, row.name, row.role)
    own = add_batch(any_engine, olga, "own")
    asked = add_listings(any_engine, own, "asked", near(MUG, 1, seed=3))[0]
    seen = add_listings(any_engine, own, "seen", near(LAMP, 1), category="Home > Lamp")
    assert [each.listing_id for each in look(asked, by=olga)] == list(seen)
    with pytest.raises(NotFoundError):
        look(subject, by=olga)
