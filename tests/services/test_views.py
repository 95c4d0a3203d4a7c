"""Views of the queue: addresses and saved ones."""

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.services import views
from core.services.queue import QueueFilter
from core.services.views import View, read_view, read_what_can_be
from db.states import ListingState
from tests.services.queues import add_reviewer

FULL = View(
    "batch",
    QueueFilter(
        state=ListingState.REJECTED, batch_id=3, category_id=4, flag="dark", seller="Kera & Co"
    ),
)


@pytest.mark.parametrize("view", [View(), FULL])
def test_a_view_comes_back_from_its_address(view: View) -> None:
    assert read_view(view.as_params()) == view


def test_the_usual_view_needs_no_address() -> None:
    assert View().as_params() == {}
    assert read_view({"listing": "3", "other": "x"}) == View()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("policy", "nonsense"),
        ("state", "lost"),
        ("state", "received"),
        ("batch", "-1"),
        ("batch", "1.5"),
        ("batch", "0"),
        ("category", "²"),
        ("category", "9" * 19),
        ("flag", "nonsense"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_the_rest_is_kept(name: str, value: str) -> None:
    with pytest.raises(InvalidInputError, match=value.replace(".", r"\.")):
        read_view({name: value})
    view, problems = read_what_can_be({name: value, "seller": "Kera"})
    assert view == View(only=QueueFilter(seller="Kera"))
    assert len(problems) == 1


def test_a_seller_longer_than_any_is_refused_and_its_name_is_cut_in_what_is_said() -> None:
    view, (problem,) = read_what_can_be({"seller": "x" * 3000, "batch": "3"})
    assert view == View(only=QueueFilter(batch_id=3))
    assert "3,000 characters; the longest has 200" in problem
    assert len(problem) < 150


def test_saved_views_are_each_reviewers_own(any_engine: sa.Engine, actor: Actor) -> None:
    rita = add_reviewer(any_engine, "rita")
    views.save(any_engine, actor=actor, name=" My  view ", view=FULL)
    views.save(any_engine, actor=rita, name="My view", view=View())
    views.save(any_engine, actor=rita, name="My view", view=View("doubt"))
    [mine], [hers] = (views.list_views(any_engine, actor=each) for each in (actor, rita))
    assert (mine.name, mine.view) == ("My view", FULL)
    assert (hers.name, hers.view) == ("My view", View("doubt"))
    views.delete(any_engine, actor=rita, name="My view")
    assert len(views.list_views(any_engine, actor=actor)) == 1


def test_a_view_is_renamed_unless_the_name_is_taken(any_engine: sa.Engine, actor: Actor) -> None:
    for name in ("one", "two"):
        views.save(any_engine, actor=actor, name=name, view=View())
    views.rename(any_engine, actor=actor, name="one", new_name="three")
    views.rename(any_engine, actor=actor, name="three", new_name="three")
    assert [each.name for each in views.list_views(any_engine, actor=actor)] == ["three", "two"]
    with pytest.raises(ConflictError, match="'two' exists already"):
        views.rename(any_engine, actor=actor, name="three", new_name="two")
    with pytest.raises(NotFoundError, match="no saved view 'one'"):
        views.rename(any_engine, actor=actor, name="one", new_name="four")
    with pytest.raises(NotFoundError, match="no saved view 'one'"):
        views.delete(any_engine, actor=actor, name="one")


@pytest.mark.parametrize("name", ["", " \n", "x" * 101])
def test_a_view_needs_a_name(any_engine: sa.Engine, actor: Actor, name: str) -> None:
    with pytest.raises(InvalidInputError, match="a view needs a name"):
        views.save(any_engine, actor=actor, name=name, view=View())


def test_so_many_views_are_enough(
    any_engine: sa.Engine, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MAX_VIEWS", 1)
    views.save(any_engine, actor=actor, name="one", view=View())
    views.save(any_engine, actor=actor, name="one", view=FULL)
    with pytest.raises(ConflictError, match="delete one first"):
        views.save(any_engine, actor=actor, name="two", view=View())
