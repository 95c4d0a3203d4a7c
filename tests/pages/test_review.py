"""The filters above the review queue, without a browser."""

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.queue import POLICIES
from core.services import checks, views
from db.engine import transaction
from db.rows import ListingRow
from tests.pages.drawing import draw, words
from tests.services.flagged import add_batch, add_flagged
from tests.services.queues import add_reviewer


@pytest.fixture
def batch_id(engine: sa.Engine, actor: Actor) -> int:
    """Two flagged mugs, each of a seller of its own."""
    batch_id = add_batch(engine, actor)
    for sku, seller in (("M-1", "Nordwind"), ("M-2", "Kera & Co")):
        mug = add_flagged(engine, batch_id, sku, ["blurry"])
        with transaction(engine) as session:
            session.get_one(ListingRow, mug.listing_id).seller = seller
    return batch_id


def chosen(app) -> dict[str, str]:
    return {box.key.removeprefix("review-"): box.value for box in app.selectbox if box.value}


def address(app) -> dict[str, str]:
    """AppTest gives what a test put there as text, and what the page put there as a list."""
    params = app.query_params.items()
    return {name: value if isinstance(value, str) else value[0] for name, value in params}


def test_every_policy_is_offered_and_stands_in_the_address(batch_id: int) -> None:
    app = draw("review")
    box = app.selectbox(key="review-policy")
    assert box.options == [policy.label for policy in POLICIES.values()]
    box.select("oldest").run()
    assert not app.exception
    assert address(app) == {"policy": "oldest"}


def test_filters_begin_where_the_address_says(batch_id: int) -> None:
    asked = {
        "policy": "doubt",
        "state": "rejected",
        "batch": str(batch_id),
        "flag": "dark",
        "seller": "Nordwind",
    }
    app = draw("review", **asked)
    assert chosen(app) == asked
    assert address(app) == asked


def test_an_address_that_asks_for_what_is_not_there_is_told_so(batch_id: int) -> None:
    app = draw("review", policy="nonsense", category="x", flag="dark")
    told = "\n".join(warning.value for warning in app.warning)
    assert "no order 'nonsense'" in told
    assert "no category 'x'" in told
    assert chosen(app) == {"policy": "worth", "state": "needs_review", "flag": "dark"}


def test_what_is_not_as_always_stands_beside_the_filters_and_goes_by_a_click(
    batch_id: int,
) -> None:
    asked = {"policy": "doubt", "batch": str(batch_id), "seller": "Kera & Co", "listing": "1"}
    app = draw("review", **asked)
    shown = {button.key: button.label for button in app.button if "drop" in (button.key or "")}
    assert shown == {
        "review-drop-policy": "Most doubtful first",
        "review-drop-batch": "spring",
        "review-drop-seller": "Kera & Co",
    }
    app.button(key="review-drop-seller").click().run()
    app.button(key="review-drop-policy").click().run()
    assert not app.exception
    assert address(app) == {"batch": str(batch_id)}
    assert [button.label for button in app.button if "drop" in (button.key or "")] == ["spring"]


def test_with_nothing_chosen_nothing_stands_beside_the_filters(batch_id: int) -> None:
    app = draw("review", state="needs_review", policy="worth")
    assert not [button for button in app.button if "drop" in (button.key or "")]


def test_a_category_nothing_is_suggested_for_stays_chosen(batch_id: int) -> None:
    assert chosen(draw("review", category="77"))["category"] == "77"


def test_a_view_is_saved_opened_renamed_and_deleted(
    engine: sa.Engine, actor: Actor, batch_id: int
) -> None:
    app = draw("review", policy="doubt", seller="Kera & Co")
    app.text_input[0].input(" Kera  first ")
    next(button for button in app.button if button.label == "Save view").click().run()
    assert not app.exception
    [saved] = views.list_views(engine, actor=actor)
    assert (saved.name, saved.view.policy, saved.view.only.seller) == (
        "Kera first",
        "doubt",
        "Kera & Co",
    )

    app = draw("review")
    assert "Rename view" not in words(app)
    app.button(key="review-open-Kera first").click().run()
    assert not app.exception
    assert chosen(app) == {"policy": "doubt", "state": "needs_review", "seller": "Kera & Co"}
    assert address(app) == {"policy": "doubt", "seller": "Kera & Co"}

    app.text_input[1].input("Kera")
    next(button for button in app.button if button.label == "Rename view").click().run()
    assert [each.name for each in views.list_views(engine, actor=actor)] == ["Kera"]
    app.button(key="review-delete").click().run()
    assert not app.exception
    assert views.list_views(engine, actor=actor) == ()


def test_a_view_without_a_name_is_refused_in_words(batch_id: int) -> None:
    app = draw("review")
    next(button for button in app.button if button.label == "Save view").click().run()
    assert "A view needs a name" in app.error[0].value


def test_the_reviewer_is_told_that_there_are_checks_and_only_while_there_are(
    engine: sa.Engine, actor: Actor, batch_id: int
) -> None:
    rita = add_reviewer(engine, "rita")
    told = "checks of agreement and attention"
    assert told not in data_of(draw("review", as_actor=rita))
    checks.set_shares(engine, actor=actor, shares=checks.Shares())
    assert told in data_of(draw("review", as_actor=rita))
    assert told not in data_of(draw("review")), "who works alone is not checked"


def data_of(app) -> str:
    """What the workstation is given."""
    (component,) = app.get("bidi_component")
    return component.proto.json
