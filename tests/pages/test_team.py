"""The figures of reviewers, without a browser."""

import sqlalchemy as sa

from core.actors import Actor
from core.services import adjudication, checks
from tests.pages.drawing import draw, words
from tests.services.checked import BOWL, MUG, add_shop
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


def test_what_two_disagree_on_is_settled_and_taken_back_by_one_click(
    engine: sa.Engine, actor: Actor
) -> None:
    shop = add_shop(engine, actor)
    listing_id = shop.second_look(MUG, BOWL)
    app = draw("team")
    assert "Two reviewers, two answers" in words(app)
    (check,) = adjudication.list_disagreements(engine, actor=shop.mona)
    first = app.button(key=f"keep-first-{check.check_id}")
    second = app.button(key=f"keep-second-{check.check_id}")
    assert ("Mug" in first.label, "rita" in first.label) == (True, True)
    assert ("Bowl" in second.label, "omar" in second.label) == (True, True)
    second.click().run()
    assert not app.exception
    assert shop.stored(listing_id).decided_category_id == shop.categories[BOWL]
    assert "Two reviewers, two answers" not in words(app)
    app.button(key=f"settled-{check.check_id}").click().run()
    assert not app.exception
    assert shop.stored(listing_id).decided_category_id == shop.categories[MUG]
    assert "Two reviewers, two answers" in words(app)


def test_the_figures_of_checks_stand_with_the_number_they_rest_on(
    engine: sa.Engine, actor: Actor
) -> None:
    shop = add_shop(engine, actor)
    shop.second_look(MUG, BOWL)
    app = draw("team")
    assert "Agreement and attention" in words(app)
    table = app.dataframe[1].value.set_index("Reviewer")
    assert "0 of 1 listing the same" in table.loc["omar", "Agreement with others"]
    assert table.loc["omar", "Wrong suggestions caught"] == "none yet"
    own = draw("team", as_actor=shop.omar)
    assert own.dataframe[1].value["Reviewer"].tolist() == ["omar"]
    assert "Two reviewers, two answers" not in words(own)
    assert not own.expander


def test_a_manager_sets_the_shares_and_switches_them_off(engine: sa.Engine, actor: Actor) -> None:
    shop = add_shop(engine, actor)
    app = draw("team")
    assert app.expander[0].label == "Checks are off"
    box = next(each for each in app.number_input if each.label == "Given to two (%)")
    box.set_value(5.0)
    next(button for button in app.button if button.label == "Save").click().run()
    assert not app.exception
    assert checks.get_shares(engine, actor=shop.omar) == checks.Shares(0.05, 0.0, 0.0)
    assert app.expander[0].label == "Checks are on"
    next(button for button in app.button if button.label == "Switch all off").click().run()
    assert checks.get_shares(engine, actor=shop.omar) == checks.OFF
