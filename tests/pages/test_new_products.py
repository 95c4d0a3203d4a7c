"""New products, without a browser."""

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.services import categories, chunks, renewals
from core.services.recognition import KnownCache
from db.engine import reading
from db.rows import ListingRow
from db.states import ListingState
from tests.pages.drawing import draw, words
from tests.services.embedded import add_known, add_listings, near
from tests.services.flagged import add_batch


@pytest.fixture
def kettles(engine: sa.Engine, actor: Actor) -> list[int]:
    """Three listings that are like no decided one, flagged as such."""
    batch_id = add_batch(engine, actor)
    add_known(engine, batch_id)
    ids = add_listings(engine, batch_id, "kettle", near(9, 3))
    renewals.ask_renewal(engine, actor=actor)
    for chunk_id, _ in chunks.list_unfinished(engine, kind="recognition"):
        chunk = chunks.begin(engine, chunk_id=chunk_id)
        assert chunk
        renewals.renew_chunk(engine, chunk=chunk, known=KnownCache(engine))
    return list(ids)


def decided(engine: sa.Engine, ids: list[int]) -> list[bool]:
    with reading(engine) as session:
        return [session.get_one(ListingRow, id_).state == ListingState.CORRECTED for id_ in ids]


def press(app, label):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def test_a_group_becomes_a_category_and_can_be_taken_back(engine, kettles):
    app = draw("new_products")
    assert "3 listings alike" in words(app)

    app.text_input[0].input("Home > Kettle")
    app.multiselect[0].select(kettles[1])
    press(app, "Open category")
    assert "2 listings decided" in app.success[0].value
    assert "from 3 more examples on" in app.success[0].value
    assert decided(engine, kettles) == [True, False, True]

    press(app, "Take back")
    assert decided(engine, kettles) == [False, False, False]


def test_a_category_without_a_name_is_asked_for(engine, kettles):
    app = draw("new_products")
    press(app, "Open category")
    assert "names no category" in app.error[0].value
    assert decided(engine, kettles) == [False] * 3


def test_before_enough_is_decided_the_page_says_so(engine):
    shown = words(draw("new_products"))
    assert "0 so far, and it takes 50" in shown


def test_looking_again_asks_the_worker(engine, kettles):
    app = draw("new_products")
    press(app, "Look again")
    assert list(chunks.list_unfinished(engine, kind="recognition"))


def hand_in(app, table: bytes) -> None:
    app.file_uploader[0].upload("categories.csv", table, "text/csv")
    press(app, "Take over")


def test_a_table_of_codes_and_synonyms_is_taken_over_or_told_what_is_wrong(
    engine: sa.Engine, actor: Actor
) -> None:
    app = draw("new_products")
    hand_in(app, b"code,name,synonyms\nK-1,Home > Mug,cup,beaker\n")
    assert app.success[0].value == "1 category, 1 of them new: 1 code, 2 synonyms."
    [found] = categories.search(engine, actor=actor, text="beaker")
    assert (found.path, found.code) == ("Home > Mug", "K-1")

    app = draw("new_products")
    hand_in(app, b"title\nMug\n")
    assert "The first row is title; it has to name the columns" in app.error[0].value
    press(app, "Take over")  # with nothing chosen
    assert not app.error
