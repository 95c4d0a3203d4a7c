"""The page of duplicates, without a browser."""

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy import select

from core.actors import Actor
from core.settings import Settings
from db.engine import reading, transaction
from db.rows import ListingImageRow, ListingRow
from db.states import ListingState
from tests.pages.drawing import draw, words
from tests.services.copied import add_shown, as_file, compare_all
from tests.services.embedded import AXES, add_listings
from tests.services.flagged import add_batch
from tests.similarity.conftest import draw_photo


@pytest.fixture
def ids(engine: sa.Engine, settings: Settings, actor: Actor) -> dict[str, int]:
    photo = draw_photo(1)
    files = {"first": as_file(photo), "copy": as_file(photo, quality=40)}
    found = add_shown(engine, settings, add_batch(engine, actor), files)
    compare_all(engine, settings)
    return found


def press(app, label):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def state(engine, listing_id):
    with reading(engine) as session:
        return session.get_one(ListingRow, listing_id).state


def test_a_group_is_settled_in_one_action_and_taken_back(engine, ids):
    app = draw("duplicates")
    assert "2 listings with the same photo" in words(app)
    assert app.selectbox[0].value == ids["first"]
    drawn = "".join(str(each.proto.body) for each in app.get("html"))
    assert f"/search?listing={ids['copy']}&amp;varied=true" in drawn

    press(app, "Keep it, reject the others")
    assert "1 listing rejected" in app.success[0].value
    assert state(engine, ids["copy"]) == ListingState.REJECTED
    assert "No two listings show the same" in words(app)

    press(app, "Take back")
    assert state(engine, ids["copy"]) == ListingState.NEEDS_REVIEW
    assert "2 listings with the same photo" in words(app)


def test_no_duplicates_are_remembered(engine, ids):
    app = draw("duplicates")
    press(app, "Not duplicates")
    assert "Remembered" in app.success[0].value
    assert "No two listings show the same" in words(draw("duplicates"))


def test_the_address_of_a_group_shows_it_alone_and_says_when_it_is_settled(engine, ids):
    app = draw("duplicates", group="1")
    assert "2 listings with the same photo" in words(app)
    press(app, "Not duplicates")
    assert "This group is settled" in words(app)


def test_before_anything_was_compared_the_page_says_so(engine):
    assert "0 groups to settle · 0 photos compared" in words(draw("duplicates"))


def test_merging_is_offered_where_the_others_have_more_photos(engine, settings, actor, ids):
    app = draw("duplicates")
    assert next(each for each in app.button if each.label == "Merge into it").disabled
    files = {"back": as_file(draw_photo(2))}
    back = add_shown(engine, settings, add_batch(engine, actor, "2"), files)["back"]
    with transaction(engine) as session:
        image_id = session.scalar(
            select(ListingImageRow.image_id).where(ListingImageRow.listing_id == back)
        )
        session.add(
            ListingImageRow(
                listing_id=ids["copy"], image_id=image_id, position=1, file_name="back.jpg"
            )
        )
    app = draw("duplicates")
    press(app, "Merge into it")
    assert "1 listing merged into" in app.success[0].value
    assert "took over 1 photo" in app.success[0].value


def test_what_may_be_the_same_product_is_listed_on_demand_and_called_another(engine, actor):
    alike = np.stack([AXES[0], 0.95 * AXES[0] + 0.3 * AXES[1]])
    add_listings(engine, add_batch(engine, actor), "mug", alike)
    app = draw("duplicates")
    assert "May be the same product: likeness" not in words(app)
    app.toggle[0].set_value(True).run()
    assert "May be the same product: likeness 0." in words(app)
    press(app, "Not the same product")
    assert "No two of them look enough alike" in words(app)
    press(app, "Take back: not the same")
    assert "May be the same product: likeness 0." in words(app)
