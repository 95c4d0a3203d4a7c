"""The form that asks for a training, without a browser."""

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from core.actors import Actor
from db.engine import reading
from db.rows import JobRow
from tests.pages.drawing import draw


def test_the_form_opens_in_a_dialog(engine: sa.Engine) -> None:
    app = draw("models")
    [button] = [each for each in app.button if each.label == "Train a model"]
    button.click().run()
    assert not app.exception
    assert box(app, "First weights").value == ""


@pytest.mark.parametrize(
    ("arch", "offered"),
    [
        ("custom_cnn", ["The recipe's own", "Random"]),
        ("vit", ["The recipe's own", "Random", "From the hub"]),
        ("efficientnet_lite0", ["The recipe's own", "Random", "Packaged"]),
    ],
)
def test_the_form_offers_the_first_weights_that_a_network_has(
    actor: Actor, arch: str, offered: list[str]
) -> None:
    app = draw_form(actor)
    choose_in(app, "Model", arch)
    assert box(app, "First weights").options == offered


@pytest.mark.parametrize(
    ("weights", "changes"), [("", {}), ("none", {"weights": "none"}), ("hub", {"weights": "hub"})]
)
def test_a_training_is_asked_for_with_the_weights_that_were_chosen(
    engine: sa.Engine, actor: Actor, weights: str, changes: dict[str, str]
) -> None:
    app = draw_form(actor)
    choose_in(app, "Model", "vit")
    choose_in(app, "First weights", weights)
    app.text_input[0].set_value("/photos/shelf")
    [start] = [each for each in app.button if each.label == "Start"]
    start.click().run()
    assert not app.error
    with reading(engine) as session:
        (params,) = session.scalars(sa.select(JobRow.params))
    assert (params["arch"], params["changes"]) == ("vit", changes)


@pytest.mark.parametrize(
    ("arch", "preset", "weights", "always"),
    [
        ("efficientnet_lite0", "default", "", False),
        ("efficientnet_lite0", "default", "none", True),
        ("efficientnet_lite0", "published", "", True),
        ("resnet50", "distilled", "", True),
        ("custom_cnn", "default", "", True),
    ],
)
def test_the_whole_network_may_be_asked_for_where_it_is_not_trained_anyway(
    engine: sa.Engine, actor: Actor, arch: str, preset: str, weights: str, always: bool
) -> None:
    app = draw_form(actor)
    choose_in(app, "Model", arch)
    choose_in(app, "How", preset)
    choose_in(app, "First weights", weights)
    [whole] = app.checkbox
    assert (whole.value, whole.disabled) == (always, always)
    if always:
        return
    whole.check().run()
    app.text_input[0].set_value("/photos/shelf")
    [start] = [each for each in app.button if each.label == "Start"]
    start.click().run()
    with reading(engine) as session:
        (params,) = session.scalars(sa.select(JobRow.params))
    assert params["changes"] == {"full": True}


def draw_form(actor: Actor) -> AppTest:
    """Draw the form by itself: AppTest closes a dialog at the next click."""

    def script(actor: object) -> None:
        from importlib import import_module

        import_module("pages.models.training_form").show_form(actor)

    return AppTest.from_function(script, kwargs={"actor": actor}, default_timeout=60).run()


def box(app: AppTest, label: str) -> Selectbox:
    (found,) = [each for each in app.selectbox if each.label == label]
    return found


def choose_in(app: AppTest, label: str, value: str) -> None:
    box(app, label).set_value(value).run()
