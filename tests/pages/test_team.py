"""The figures of reviewers, without a browser."""

import sqlalchemy as sa

from core.actors import Actor
from tests.pages.drawing import draw, words
from tests.services.flagged import add_batch, add_flagged, decide


def test_before_the_first_decision_the_page_says_what_will_stand_there(actor: Actor) -> None:
    app = draw("team")
    assert "Nobody has reviewed yet" in words(app)
    assert not app.dataframe


def test_who_decided_stands_in_the_table_and_the_address_narrows_it(
    engine: sa.Engine, actor: Actor
) -> None:
    decide(engine, actor, add_flagged(engine, add_batch(engine, actor), "M-1", []))
    app = draw("team")
    table = app.dataframe[0].value
    assert table[["Reviewer", "Decisions", "Corrected", "Of"]].values.tolist() == [
        [actor.name, 1, 0, 1]
    ]
    assert app.get("plotly_chart")
    assert "Choose other days" in words(draw("team", to="2020-01-01"))
