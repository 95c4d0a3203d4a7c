"""The filters of the search page, and what it hands to its component, without a browser."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core.actors import Actor
from pages.search import SOUGHT
from tests.pages.drawing import draw
from tests.services.embedded import add_listings, near
from tests.services.flagged import add_batch


@pytest.fixture
def mugs(engine: sa.Engine, actor: Actor) -> list[int]:
    batch_id = add_batch(engine, actor)
    return list(add_listings(engine, batch_id, "mug", near(0, 3), category="Home > Mug"))


def handed(app: Any) -> dict[str, Any]:
    """What the component is given."""
    (component,) = app.get("bidi_component")
    found: dict[str, Any] = json.loads(component.proto.json)
    return found


def test_a_listing_is_searched_by_with_its_name_and_photo(mugs):
    given = handed(draw("search", listing=str(mugs[0]), varied="true"))
    assert {name: given[name] for name in SOUGHT} == {
        "listing": mugs[0],
        "photo": None,
        "region": None,
        "varied": True,
    }
    assert given["subject"]["name"] == "mug-0"
    assert given["subject"]["src"].startswith("/api/images/")


def test_a_listing_that_is_not_there_is_left_to_the_search(mugs):
    given = handed(draw("search", listing="999"))
    assert (given["listing"], given["subject"]) == (999, None)


def test_a_photo_goes_before_a_listing(mugs):
    given = handed(draw("search", listing=str(mugs[0]), photo="7", region="0-0-500-500"))
    assert [given[name] for name in ("photo", "listing", "region")] == [7, None, None]


@pytest.mark.parametrize("wrong", ["-1", "x", "1" * 30])
def test_an_id_that_is_none_searches_by_nothing(mugs, wrong):
    given = handed(draw("search", listing=wrong, photo=wrong))
    assert (given["photo"], given["listing"]) == (None, None)


def test_filters_stand_in_the_address_and_go_by_a_click(mugs):
    day = datetime.now(UTC).date() - timedelta(days=1)
    app = draw("search", category="Home > Mug", seller="ada", **{"from": str(day)})
    assert handed(app)["filters"] == {
        "category": "Home > Mug",
        "seller": "ada",
        "since": str(day),
    }
    for key in ("category", "seller", "since"):
        app.button(key=f"search-drop-{key}").click().run()
    assert handed(app)["filters"] == {}
    app.text_input(key="words").input("blue mug").run()
    assert handed(app)["filters"] == {"words": "blue mug"}


def test_a_category_that_is_not_there_is_no_filter(mugs):
    assert handed(draw("search", category="Home > Spoon"))["filters"] == {}
