"""Search by likeness, words and filters."""

import threading
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy import delete, select, update

from core.actors import Actor
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.services import lookups, search, search_index
from core.services.search import HITS_A_PAGE, SearchFilter, SearchPage
from core.services.states import ListingState
from core.settings import Settings
from core.similarity.faiss_index import FaissIndex
from db.engine import reading, transaction
from db.rows import (
    BatchRow,
    EmbeddingRow,
    ListingImageRow,
    ListingRow,
    LookupRow,
    MatchRow,
    UserRow,
)
from db.states import LookupState
from tests.services.embedded import AXES, SPACE, add_listings, near
from tests.services.flagged import add_batch

MUG, LAMP = 0, 1


@pytest.fixture
def batch_id(any_engine: sa.Engine, actor: Actor) -> int:
    return add_batch(any_engine, actor)


@pytest.fixture
def mugs(any_engine: sa.Engine, batch_id: int) -> list[int]:
    return list(add_listings(any_engine, batch_id, "mug", near(MUG, 6), category="Home > Mug"))


@pytest.fixture
def lamps(any_engine: sa.Engine, batch_id: int) -> list[int]:
    return list(add_listings(any_engine, batch_id, "lamp", near(LAMP, 5), category="Home > Lamp"))


@pytest.fixture
def look(any_engine: sa.Engine, any_settings: Settings, actor: Actor):
    def look(by: Actor = actor, page: int = 0, text: str = "", **asked: object) -> SearchPage:
        own = ("listing_id", "lookup_id", "varied")
        sought = {name: asked.pop(name) for name in own if name in asked}
        only = SearchFilter(text=text, **asked)
        return search.search(any_engine, any_settings, actor=by, only=only, page=page, **sought)

    return look


def ids(found: SearchPage) -> list[int]:
    return [hit.listing_id for hit in found.hits]


def vectors_of(engine: sa.Engine, listing_ids: list[int]) -> np.ndarray:
    with reading(engine) as session:
        rows = session.execute(
            select(ListingImageRow.listing_id, EmbeddingRow.vector).join(
                EmbeddingRow, EmbeddingRow.image_id == ListingImageRow.image_id
            )
        )
        found = {id_: np.frombuffer(vector, "<f2").astype(float) for id_, vector in rows}
    return np.stack([found[id_] for id_ in listing_ids])


def test_the_most_alike_come_first_as_comparing_with_each_says(any_engine, mugs, lamps, look):
    everyone = mugs[1:] + lamps
    cosines = vectors_of(any_engine, everyone) @ vectors_of(any_engine, mugs[:1])[0]
    expected = [everyone[at] for at in np.argsort(-cosines)]
    found = look(listing_id=mugs[0])
    assert ids(found) == expected
    assert [hit.score for hit in found.hits] == pytest.approx(sorted(cosines)[::-1], abs=0.01)
    assert (found.indexed, found.waiting, found.total) == (11, 0, 10)


def test_filters_hold_inside_the_search(any_engine, actor, mugs, lamps, look):
    other = add_batch(any_engine, actor, "winter")
    far = add_listings(any_engine, other, "chair", near(4, 3), category="Home > Chair")
    with transaction(any_engine) as session:
        session.execute(update(ListingRow).where(ListingRow.id == far[2]).values(seller="Ann"))
        session.execute(
            update(ListingRow).where(ListingRow.id == far[1]).values(title="Red 100% oak")
        )
    assert set(ids(look(listing_id=mugs[0], batch_id=other))) == set(far)
    assert set(ids(look(listing_id=mugs[0], category="Home > Lamp"))) == set(lamps)
    assert len(ids(look(listing_id=mugs[0], category="Home"))) == 5 + 5 + 3
    assert ids(look(listing_id=mugs[0], seller="Ann")) == [far[2]]
    assert ids(look(listing_id=mugs[0], state=ListingState.NEEDS_REVIEW)) == []
    assert ids(look(listing_id=mugs[0], text="100% chair")) == [far[1]]
    assert ids(look(listing_id=mugs[0], text="chair 1_0")) == []


def test_words_alone_return_the_newest(mugs, lamps, look):
    found = look(text="LAMP")
    assert ids(found) == lamps[::-1]
    assert {hit.score for hit in found.hits} == {None}
    assert len(ids(look())) == 11


def test_what_comes_and_goes_is_taken_up_at_the_next_search(
    any_engine, any_settings, batch_id, mugs, look, monkeypatch
):
    assert len(ids(look(listing_id=mugs[0]))) == 5
    (late,) = add_listings(any_engine, batch_id, "late", AXES[MUG : MUG + 1])
    assert late in ids(look(listing_id=mugs[0]))
    with transaction(any_engine) as session:
        image_id = session.scalar(
            select(ListingImageRow.image_id).where(ListingImageRow.listing_id == late)
        )
        session.execute(delete(EmbeddingRow).where(EmbeddingRow.image_id == image_id))
    assert late not in ids(look(listing_id=mugs[0]))
    monkeypatch.setattr(search_index, "RECOUNTED_AFTER_S", 0.0)  # until then it is counted
    found = look(listing_id=mugs[0])
    assert late not in ids(found)
    assert (found.indexed, found.waiting) == (6, 1)


def test_an_outgrown_index_answers_until_a_new_one_stands(
    any_engine, any_settings, batch_id, mugs, look, monkeypatch
):
    gate, build = threading.Event(), FaissIndex.build

    def build_slowly(source):
        gate.wait(60)
        return build(source, flat_up_to=4)

    assert len(ids(look(listing_id=mugs[0]))) == 5
    known = search_index.search_index(any_engine, any_settings.cache_dir / "vectors")
    before = known._index
    before.made_for = 2
    monkeypatch.setattr(search_index.FaissIndex, "build", staticmethod(build_slowly))
    add_listings(any_engine, batch_id, "more", near(MUG, 2, seed=3))
    assert len(ids(look(listing_id=mugs[0]))) == 7
    assert known._index is before
    building = known._building
    gate.set()
    building.join(60)
    assert (known._index.made_for, known._building) == (8, None)
    assert len(ids(look(listing_id=mugs[0]))) == 7


def test_copies_of_one_photo_are_one_hit(any_engine, mugs, look):
    before = ids(look(listing_id=mugs[0]))
    with transaction(any_engine) as session:
        images = {
            row.listing_id: row.image_id
            for row in session.scalars(
                select(ListingImageRow).where(ListingImageRow.listing_id.in_(before[1:4]))
            )
        }
        for other in before[2:4]:
            pair = sorted((images[before[1]], images[other]))
            session.add(
                MatchRow(
                    first_image_id=pair[0], second_image_id=pair[1], kind="same_picture", score=0.9
                )
            )
    found = look(listing_id=mugs[0])
    assert ids(found) == [before[0], before[1], *before[4:]]
    assert [hit.copies for hit in found.hits][:2] == [0, 2]


def test_more_like_this_shows_no_two_alike_first(any_engine, batch_id, mugs, look):
    rays = [(4, 1, 0), (4, 1.01, 0), (4, 1.02, 0), (4, 0, 1.3)]
    vectors = np.zeros((4, 16))
    vectors[:, 5:8] = rays
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    first, second, third, other = add_listings(any_engine, batch_id, "jug", vectors)
    (asked,) = add_listings(any_engine, batch_id, "asked", AXES[5:6])
    plain = ids(look(listing_id=asked))[:4]
    assert plain == [first, second, third, other]
    varied = look(listing_id=asked, varied=True)
    assert ids(varied)[:2] == [first, other]
    assert sorted(ids(varied)) == sorted(ids(look(listing_id=asked)))


def test_days_are_whole_and_in_utc(any_engine, mugs, lamps, look):
    late = datetime(2026, 5, 2, 23, 59, 59, tzinfo=UTC)
    with transaction(any_engine) as session:
        session.execute(update(ListingRow).where(ListingRow.id == mugs[1]).values(created_at=late))
    day = late.date()
    assert ids(look(since=day, until=day)) == [mugs[1]]
    assert ids(look(listing_id=mugs[0], until=day)) == [mugs[1]]
    assert mugs[1] not in ids(look(since=day + timedelta(days=1)))
    assert len(ids(look(until=date.max))) == 11


def test_pages_follow_each_other(any_engine, batch_id, mugs, look):
    add_listings(any_engine, batch_id, "many", near(MUG, HITS_A_PAGE, seed=3))
    first, second = look(listing_id=mugs[0]), look(listing_id=mugs[0], page=1)
    assert (len(first.hits), len(second.hits)) == (HITS_A_PAGE, 5)
    assert not set(ids(first)) & set(ids(second))
    assert look(listing_id=mugs[0], page=9).hits == ()


def test_a_photo_is_searched_by_once_the_worker_has_looked(
    any_engine, any_settings, actor, mugs, lamps, look
):
    lookup = lookups.request(any_engine, any_settings, actor=actor, data=b"a photo")
    assert lookup.state == LookupState.PENDING
    with pytest.raises(ConflictError, match="not looked"):
        look(lookup_id=lookup.id)
    with transaction(any_engine) as session:
        row = session.get_one(LookupRow, lookup.id)
        row.state, row.space = LookupState.DONE, SPACE
        row.vector = AXES[LAMP].astype("<f2").tobytes()
    assert set(ids(look(lookup_id=lookup.id))[:5]) == set(lamps)
    again = lookups.request(any_engine, any_settings, actor=actor, data=b"a photo")
    assert (again.id, again.state) == (lookup.id, LookupState.DONE)
    with transaction(any_engine) as session:  # the embedder is another one now
        session.get_one(LookupRow, lookup.id).space = "before"
    again = lookups.request(any_engine, any_settings, actor=actor, data=b"a photo")
    assert (again.id, again.state) == (lookup.id, LookupState.PENDING)


def test_staff_find_their_own_listings_only(any_engine, any_settings, actor, mugs, lamps, look):
    with transaction(any_engine) as session:
        user = UserRow(name="stan", role="staff")
        session.add(user)
        session.flush()
        stan_id = user.id
        batch = BatchRow(name="stan's", content_digest="9" * 64, created_by=stan_id)
        session.add(batch)
        session.flush()
        own_batch = batch.id
    stan = Actor(stan_id, "stan", "staff")
    own = add_listings(any_engine, own_batch, "own", near(MUG, 2, seed=9))
    assert ids(look(by=stan, listing_id=own[0])) == [own[1]]
    assert set(ids(look(by=stan))) == set(own)
    with pytest.raises(NotFoundError):
        look(by=stan, listing_id=mugs[0])
    lookup = lookups.request(any_engine, any_settings, actor=actor, data=b"a photo")
    with pytest.raises(NotFoundError):
        lookups.get_lookup(any_engine, actor=stan, lookup_id=lookup.id)
    choices = search.list_choices(any_engine, actor=stan)
    assert choices.batches == ((own_batch, "stan's"),)


def test_what_cannot_be_searched_by_is_said(any_engine, any_settings, actor, look):
    with pytest.raises(NotFoundError):
        look(listing_id=999)
    with pytest.raises(InvalidInputError, match="11 words"):
        look(text="a " * 11)
    for text in ({"text": "a\0b"}, {"category": "a\0b"}, {"seller": "a\0b"}):
        with pytest.raises(InvalidInputError, match="NUL"):
            look(**text)
    with pytest.raises(InvalidInputError, match="0 bytes"):
        lookups.request(any_engine, any_settings, actor=actor, data=b"")
