"""The page of a listing, without a browser."""

import sqlalchemy as sa

from core.actors import Actor
from core.services import story
from pages import listing
from tests.pages.drawing import draw, words
from tests.services.flagged import MUG, add_batch, add_flagged, decide


def test_a_listing_tells_its_story(engine: sa.Engine, actor: Actor) -> None:
    mug = add_flagged(engine, add_batch(engine, actor), "M-1", ["blurry"])
    decide(engine, actor, mug)
    app = draw("listing", id=str(mug.listing_id))
    said = words(app)
    assert "M\\-1" in said
    assert "More like this" in [button.label for button in app.button]
    assert "**Accepted** · Home \\> Mug" in said
    assert f"Accepted as {MUG}".replace(">", "\\>") in said
    assert said.index("Brought in with") < said.index("Flagged") < said.index("Accepted as")


def test_without_a_listing_in_the_address_the_page_leads_to_the_batches() -> None:
    assert "Choose a listing" in words(draw("listing"))


def test_every_kind_of_event_has_an_icon() -> None:
    assert tuple(listing.ICONS) == story.EVENT_KINDS


def test_a_batch_says_when_it_has_no_such_sku(engine: sa.Engine, actor: Actor) -> None:
    batch_id = add_batch(engine, actor)
    add_flagged(engine, batch_id, "M-1", ["blurry"])
    app = draw("batches", batch=str(batch_id))
    app.text_input(key="sku").input("M-9").run()
    assert "no listing with the SKU M\\-9" in words(app)
