"""The pages of brands and of evidence, without a browser."""

from decimal import Decimal

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.services import brands
from core.settings import Settings
from tests.pages.drawing import draw, words
from tests.services.copied import as_file
from tests.services.flagged import add_batch
from tests.services.protected import (
    ANOTHER,
    OWN,
    add_voltek,
    check_all,
    offer,
    print_logo,
)


def press(app, label):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


@pytest.fixture
def evidence(engine: sa.Engine, settings: Settings, actor: Actor) -> None:
    offer(engine, settings, add_batch(engine, actor), {"taken": print_logo()}, seller=ANOTHER)
    add_voltek(engine, settings, actor)
    check_all(engine, settings)


def test_an_empty_register_says_what_to_do(engine):
    assert "No brand yet. Add one by its name" in words(draw("brands"))


def test_a_brand_is_added_and_its_entry_changed(engine, actor):
    app = draw("brands")
    app.text_input[0].input("Voltek")
    press(app, "Add brand")
    assert "everybody who shows it is brought up" in words(app)
    (form,) = [each for each in app.text_area if each.label.startswith("Authorised")]
    form.input(f"{OWN}\nNord")
    prices = {each.label: each for each in app.number_input}
    prices["Usual price from"].set_value(20.0)
    press(app, "Save")
    (found,) = brands.list_brands(engine, actor=actor)
    assert (found.sellers, found.lowest, found.highest) == ((OWN, "Nord"), Decimal(20), None)
    assert "2 authorised sellers" in words(app)


def test_a_range_upside_down_is_refused_in_words(engine, settings, actor):
    add_voltek(engine, settings, actor)
    app = draw("brands")
    prices = {each.label: each for each in app.number_input}
    prices["Usual price from"].set_value(90.0)
    press(app, "Save")
    assert "above the highest" in app.error[0].value


def test_references_are_uploaded_and_what_is_no_picture_is_named(engine, settings, actor):
    add_voltek(engine, settings, actor)
    app = draw("brands")
    photos, _ = app.file_uploader
    photos.upload("lamp.jpg", as_file(print_logo()), "image/jpeg")
    photos.upload("notes.jpg", b"no picture", "image/jpeg")
    app.run()
    assert not app.exception
    assert "notes.jpg" in app.error[0].value.replace("\\", "")
    (found,) = brands.list_brands(engine, actor=actor)
    assert [(each.kind, each.file_name) for each in found.references] == [
        ("logo", "logo.jpg"),
        ("photo", "lamp.jpg"),
    ]


def test_a_reference_is_taken_out(engine, settings, actor):
    add_voltek(engine, settings, actor)
    app = draw("brands")
    press(app, "Take out")
    assert brands.list_brands(engine, actor=actor)[0].references == ()


def test_without_evidence_the_page_says_where_it_comes_from(engine):
    found = words(draw("brand_evidence"))
    assert "Nothing speaks for a copy" in found
    assert "No card has been settled yet" in words(draw("brand_evidence", view="Settled"))


def test_a_card_shows_both_photos_and_its_facts_and_is_settled(engine, evidence):
    app = draw("brand_evidence")
    found = words(app)
    assert "Voltek: The brand's logo, another seller" in found
    assert "1 card open" in found
    assert ANOTHER in found
    pictures = [each for html in app.get("html") for each in [html.proto.body] if "figure" in each]
    assert len(pictures) == 1
    for drawing in ("reference", "photo", "detail", "difference"):
        assert f"/api/brand-evidence/1/{drawing}?at=" in pictures[0]

    press(app, "Confirmed")
    assert "confirmed 1 of 1, 100%" in words(app)
    assert "Nothing speaks for a copy" in words(app)
    app = draw("brand_evidence", view="Settled")
    assert "Confirmed by" in words(app)
    press(app, "Take back")
    assert "1 card open" in words(draw("brand_evidence"))
