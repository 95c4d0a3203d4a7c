"""The search page, without a browser."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.services import lookups
from core.settings import Settings
from db.engine import transaction
from db.rows import LookupRow
from db.states import LookupState
from tests.pages.drawing import draw, words
from tests.services.copied import add_shown, as_file
from tests.services.embedded import AXES, SPACE, add_listings, near
from tests.services.flagged import add_batch
from tests.similarity.conftest import draw_photo

PHOTO = draw_photo(1)


@pytest.fixture
def mugs(engine: sa.Engine, actor: Actor) -> list[int]:
    batch_id = add_batch(engine, actor)
    add_listings(engine, batch_id, "lamp", near(1, 3), category="Home > Lamp")
    return list(add_listings(engine, batch_id, "mug", near(0, 30), category="Home > Mug"))


def cards(app) -> int:
    return sum(str(each.proto.body).count("<figure>") for each in app.get("html"))


def test_more_like_a_listing_page_by_page(mugs):
    app = draw("search", listing=str(mugs[0]))
    assert "Most like mug-0" in words(app).replace("\\", "")
    assert "32 listings · 33 photos searched" in words(app)
    assert cards(app) == 24
    next(button for button in app.button if button.label == "Next").click().run()
    assert cards(app) == 8
    next(button for button in app.button if button.label == "Clear").click().run()
    assert "Most like" not in words(app)


def test_filters_stand_in_the_address(mugs):
    app = draw("search", listing=str(mugs[0]), category="Home > Lamp")
    assert "3 listings" in words(app)
    app.text_input(key="words").input("nothing such").run()
    assert "Nothing fits" in words(app)


def test_days_narrow_the_search(mugs):
    today = datetime.now(UTC).date()
    assert "33 listings" in words(draw("search", **{"from": str(today - timedelta(days=1))}))
    assert "Nothing fits" in words(draw("search", to=str(today - timedelta(days=2))))


def test_more_like_this_is_varied_and_leads_on(mugs):
    app = draw("search", listing=str(mugs[0]), varied="true")
    assert app.toggle(key="varied").value is True
    drawn = "".join(str(each.proto.body) for each in app.get("html"))
    assert f"/search?listing={mugs[1]}&amp;varied=true" in drawn
    assert f"/listing?id={mugs[1]}" in drawn


def test_a_part_of_a_listings_photo_is_searched_by(
    engine: sa.Engine, settings: Settings, actor: Actor, mugs
):
    ids = add_shown(engine, settings, add_batch(engine, actor, "shown"), {"a": as_file(PHOTO)})
    address = {"listing": str(ids["a"]), "region": "0-0-500-500"}
    app = draw("search", **address)
    assert "Most like a part of a" in words(app)
    assert "The worker is looking at your photo" in words(app)
    with transaction(engine) as session:
        (row,) = session.scalars(sa.select(LookupRow))
        row.state, row.space = LookupState.DONE, SPACE
        row.vector = AXES[1].astype("<f2").tobytes()
    app.run()
    assert "33 listings" in words(app)
    app.run()
    assert len(lookups.list_pending(engine)) == 0


def test_a_region_that_is_none_says_so(engine, settings, actor, mugs):
    app = draw("search", listing=str(mugs[0]), region="all")
    assert "draw it again" in words(app)


def test_a_photo_is_awaited_and_then_searched_by(
    engine: sa.Engine, settings: Settings, actor: Actor, mugs
):
    lookup = lookups.request(engine, settings, actor=actor, data=b"a photo")
    app = draw("search", photo=str(lookup.id))
    assert "The worker is looking at your photo" in words(app)
    with transaction(engine) as session:
        row = session.get_one(LookupRow, lookup.id)
        row.state, row.space = LookupState.DONE, SPACE
        row.vector = AXES[1].astype("<f2").tobytes()
    app.run()
    assert "Most like your photo" in words(app)
    assert "33 listings" in words(app)


def test_a_photo_that_cannot_be_used_says_why(
    engine: sa.Engine, settings: Settings, actor: Actor, mugs
):
    lookup = lookups.request(engine, settings, actor=actor, data=b"a photo")
    lookups.fail(engine, lookup_id=lookup.id, error="this is no picture")
    assert "This is no picture" in words(draw("search", photo=str(lookup.id)))
