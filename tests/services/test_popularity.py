"""How often what is popular is summed up, and how much of it is kept."""

import sqlalchemy as sa
from sqlalchemy import update

from core.actors import Actor
from core.services import interactions, popularity
from core.services.interactions import NewInteraction
from db.engine import reading, transaction
from db.queries import popularity as queries
from db.queries.search import Wanted
from db.rows import PopularListingRow
from tests.services.embedded import add_listings, near
from tests.services.flagged import add_batch


def popular(engine: sa.Engine) -> list[int]:
    with reading(engine) as session:
        return list(queries.list_popular(session, wanted=Wanted(), limit=99))


def test_it_is_summed_up_again_once_it_is_ten_minutes_old(any_engine: sa.Engine, actor: Actor):
    first, second = add_listings(any_engine, add_batch(any_engine, actor), "mug", near(0, 2))

    def like(shopper: str, listing_id: int) -> None:
        new = [NewInteraction(listing_id, "liked")]
        interactions.record(any_engine, actor=actor, shopper=shopper, interactions=new)

    assert popularity.count_when_due(any_engine)
    assert popular(any_engine) == []  # nobody liked anything yet, so it is due until they do
    like("one", first)
    assert popularity.count_when_due(any_engine)
    for shopper in ("two", "three"):
        like(shopper, second)
    assert not popularity.count_when_due(any_engine)
    assert popular(any_engine) == [first]
    with transaction(any_engine) as session:
        counted_at = session.scalar(sa.select(PopularListingRow.created_at))
        session.execute(
            update(PopularListingRow).values(created_at=counted_at - popularity.COUNTED_EVERY)
        )
    assert popularity.count_when_due(any_engine)
    assert popular(any_engine) == [second, first]
    for shopper in ("one", "two", "three"):
        interactions.wipe(any_engine, actor=actor, shopper=shopper)
    popularity.count(any_engine)
    assert popular(any_engine) == []


def test_each_category_keeps_its_most_popular(any_engine: sa.Engine, actor: Actor, monkeypatch):
    batch_id = add_batch(any_engine, actor)
    mugs = add_listings(any_engine, batch_id, "mug", near(0, 4), category="Home > Mug")
    lamps = add_listings(any_engine, batch_id, "lamp", near(1, 4), category="Home > Lamp")
    for shopper in range(4):
        liked = [*mugs[shopper:], *(lamps[:1] if shopper == 0 else [])]
        new = [NewInteraction(listing_id, "liked") for listing_id in liked]
        interactions.record(any_engine, actor=actor, shopper=f"s{shopper}", interactions=new)
    monkeypatch.setattr(popularity, "KEPT_OF_CATEGORY", 2)
    popularity.count(any_engine)
    assert popular(any_engine) == [mugs[3], mugs[2], lamps[0]]
