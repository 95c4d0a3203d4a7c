"""What shoppers are shown next, and that nothing of them stays."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy import select, update

from core.actors import Actor
from core.errors import ForbiddenError, InvalidInputError, NotFoundError
from core.services import interactions, nearest, popularity, recommendations
from core.services.interactions import NewInteraction
from core.services.recommendations import Recommendations
from core.services.search import SearchFilter
from core.services.states import ListingState
from core.settings import Settings
from db.base import Base
from db.engine import reading, transaction
from db.rows import ListingImageRow, ListingRow, MatchRow
from tests.services.embedded import add_listings, near
from tests.services.flagged import add_batch

SHOPPER = "shopper-71"


@pytest.fixture
def batch_id(any_engine: sa.Engine, actor: Actor) -> int:
    return add_batch(any_engine, actor)


@pytest.fixture
def shelves(any_engine: sa.Engine, batch_id: int) -> dict[str, list[int]]:
    return {
        name: list(
            add_listings(any_engine, batch_id, name, near(axis, 8), category=f"Home > {name}")
        )
        for axis, name in enumerate(("Mug", "Lamp", "Chair"))
    }


@pytest.fixture
def record(any_engine: sa.Engine, actor: Actor):
    def record(*done: tuple[int, str], shopper: str = SHOPPER, days: float = 0) -> int:
        at = datetime.now(UTC) - timedelta(days=days)
        new = [NewInteraction(listing_id, kind, at) for listing_id, kind in done]
        return interactions.record(any_engine, actor=actor, shopper=shopper, interactions=new)

    return record


@pytest.fixture
def recommend(any_engine: sa.Engine, any_settings: Settings, actor: Actor):
    def recommend(shopper: str = SHOPPER, count: int = 5, **only: object) -> Recommendations:
        return recommendations.recommend(
            any_engine,
            any_settings,
            actor=actor,
            shopper=shopper,
            only=SearchFilter(**only),
            count=count,
        )

    return recommend


@pytest.fixture
def count(any_engine: sa.Engine):
    """Sum up what is popular, as the worker does now and then."""
    return lambda: popularity.count(any_engine)


def ids(found: Recommendations) -> list[int]:
    return [hit.listing_id for hit in found.hits]


def test_what_is_like_the_liked_comes_and_the_liked_does_not(shelves, record, recommend):
    record((shelves["Mug"][0], "liked"), (shelves["Mug"][1], "liked"))
    found = recommend()
    assert found.by == "profile"
    assert set(ids(found)) <= set(shelves["Mug"][2:])
    assert all(hit.score is not None for hit in found.hits)


def test_several_tastes_are_met_and_the_recent_one_first(shelves, record, recommend):
    record((shelves["Lamp"][0], "liked"), days=60)
    record((shelves["Mug"][0], "liked"))
    found = ids(recommend(count=10))
    assert found[0] in shelves["Mug"]
    assert set(found) & set(shelves["Lamp"])


def test_a_like_says_more_than_a_view(shelves, record, recommend):
    record((shelves["Lamp"][0], "viewed"), (shelves["Mug"][0], "liked"))
    assert ids(recommend())[0] in shelves["Mug"]


def test_filters_hold_inside(shelves, record, recommend):
    record((shelves["Mug"][0], "liked"))
    found = recommend(category="Home > Chair", count=8)
    assert (found.by, set(ids(found))) == ("profile", set(shelves["Chair"]))
    assert ids(recommend(state=ListingState.PUBLISHED)) == []


def test_no_more_photos_are_listed_than_a_search_is_told_of(
    any_engine, batch_id, shelves, record, recommend, monkeypatch
):
    listed = []
    real = nearest.queries.list_embedding_ids

    def list_ids(*args, **options):
        listed.append(real(*args, **options))
        return listed[-1]

    monkeypatch.setattr(nearest.queries, "list_embedding_ids", list_ids)
    monkeypatch.setattr(nearest, "MAX_LISTED", 5)
    monkeypatch.setattr(recommendations, "_NEAREST", 4)
    record((shelves["Mug"][0], "liked"))
    assert set(ids(recommend(count=1))) <= set(shelves["Mug"])
    assert listed == []  # what is near enough fits the filter
    found = ids(recommend(category="Home > Chair", count=1))
    assert [len(each) for each in listed] == [5]
    assert set(found) <= set(shelves["Chair"][-5:])


def test_a_new_shopper_gets_what_is_popular_within_the_category(shelves, record, recommend, count):
    lamp, other, mug = shelves["Lamp"][3], shelves["Lamp"][5], shelves["Mug"][0]
    for number in range(3):
        record((mug, "liked"), shopper=f"s{number}")
    record((lamp, "liked"), shopper="s1")
    record((lamp, "viewed"), shopper="s2")
    record((other, "viewed"), shopper="s1")
    count()
    found = recommend("nobody yet", category="Home > Lamp", count=3)
    assert found.by == "popular"
    assert ids(found) == [lamp, other, shelves["Lamp"][7]]  # and then the newest
    assert ids(recommend("nobody yet"))[0] == mug


def test_one_shopper_alone_makes_nothing_popular_by_looking_again(
    shelves, record, recommend, count
):
    for days in range(9):
        record((shelves["Lamp"][0], "viewed"), shopper="one", days=days)
    for shopper in ("two", "three"):
        record((shelves["Lamp"][1], "viewed"), shopper=shopper)
    count()
    found = ids(recommend("new", category="Home > Lamp", count=2))
    assert found == [shelves["Lamp"][1], shelves["Lamp"][0]]


def test_what_was_popular_long_ago_is_so_no_more(shelves, record, recommend, count):
    record((shelves["Lamp"][0], "liked"), shopper="one", days=100)
    count()
    assert ids(recommend("new", category="Home > Lamp", count=1)) == [shelves["Lamp"][7]]


def test_copies_are_one_and_a_copy_of_what_was_liked_does_not_come(
    any_engine, shelves, record, recommend
):
    mugs = shelves["Mug"]
    with transaction(any_engine) as session:
        rows = session.scalars(select(ListingImageRow))
        images = {row.listing_id: row.image_id for row in rows}
        for first, second in ((mugs[0], mugs[1]), (mugs[2], mugs[3])):
            pair = sorted((images[first], images[second]))
            session.add(
                MatchRow(
                    first_image_id=pair[0], second_image_id=pair[1], kind="same_picture", score=0.9
                )
            )
    record((mugs[0], "liked"))
    found = recommend(count=10, category="Home > Mug")
    assert mugs[1] not in ids(found)
    assert len(set(ids(found)) & {mugs[2], mugs[3]}) == 1
    assert max(hit.copies for hit in found.hits) == 1


def dump(engine: sa.Engine) -> str:
    with reading(engine) as session:
        return "\n".join(
            f"{table.name} {row}"
            for table in Base.metadata.sorted_tables
            for row in session.execute(select(table))
        )


def test_after_a_wipe_nothing_of_the_shopper_stands_anywhere(
    any_engine, any_settings, actor, shelves, record, recommend, count
):
    record((shelves["Mug"][0], "liked"), (shelves["Lamp"][1], "viewed"))
    record((shelves["Chair"][0], "liked"), shopper="another")
    count()
    recommend()
    assert SHOPPER in dump(any_engine)
    assert interactions.wipe(any_engine, actor=actor, shopper=SHOPPER) == 2
    assert SHOPPER not in dump(any_engine)
    assert "another" in dump(any_engine)
    files = [path for path in any_settings.data_dir.rglob("*") if path.is_file()]
    assert not [path for path in files if SHOPPER.encode() in path.read_bytes()]
    count()
    found = recommend()
    assert (found.by, ids(found)[0]) == ("popular", shelves["Chair"][0])
    assert interactions.wipe(any_engine, actor=actor, shopper=SHOPPER) == 0


def test_what_cannot_be_is_said(any_engine, shelves, record, recommend):
    with pytest.raises(NotFoundError, match="no listing 999"):
        record((shelves["Mug"][0], "liked"), (999, "liked"))
    with pytest.raises(InvalidInputError, match="'bought'"):
        record((shelves["Mug"][0], "bought"))
    for shopper in ("", "x" * 201, "a\nb"):
        with pytest.raises(InvalidInputError, match="printable"):
            record((shelves["Mug"][0], "liked"), shopper=shopper)
    with pytest.raises(InvalidInputError, match="printable"):
        interactions.wipe(any_engine, actor=Actor(1, "mona", "manager"), shopper="a\0b")
    with pytest.raises(InvalidInputError, match="1 to 100"):
        recommend(count=101)
    assert SHOPPER not in dump(any_engine)


@pytest.mark.parametrize("role", ["staff", "reviewer"])
def test_shoppers_are_the_managers_business(any_engine, any_settings, shelves, role):
    other = Actor(1, "x", role)
    with pytest.raises(ForbiddenError):
        interactions.wipe(any_engine, actor=other, shopper=SHOPPER)
    with pytest.raises(ForbiddenError):
        interactions.record(any_engine, actor=other, shopper=SHOPPER, interactions=[])
    with pytest.raises(ForbiddenError):
        recommendations.recommend(
            any_engine, any_settings, actor=other, shopper=SHOPPER, only=SearchFilter()
        )


def test_without_embeddings_there_is_still_something_to_show(
    any_engine, batch_id, record, recommend
):
    with transaction(any_engine) as session:
        session.execute(update(ListingRow).values(title="x"))
    assert recommend().hits == ()
    (late,) = add_listings(any_engine, batch_id, "late", np.eye(16)[:1])
    assert ids(recommend()) == [late]
