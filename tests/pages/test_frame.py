"""What stands round every page: who may open which, and what the end of a session does."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from streamlit.testing.v1 import AppTest

from core.actors import PERMISSIONS, Actor
from core.services import sessions, users
from core.services.database import local_actor
from core.settings import Settings, get_settings
from pages.registry import PAGES
from pages.ui import people, session
from tests.identity.conftest import add_everybody, start_session
from tests.pages.drawing import draw, words

MAY_OPEN = {
    "home": {"staff", "reviewer", "manager", "admin"},
    "upload": {"staff", "manager", "admin"},
    "batches": {"staff", "reviewer", "manager", "admin"},
    "listing": {"staff", "reviewer", "manager", "admin"},
    "review": {"reviewer", "manager", "admin"},
    "search": {"staff", "reviewer", "manager", "admin"},
    "duplicates": {"reviewer", "manager", "admin"},
    "brands": {"manager", "admin"},
    "brand_evidence": {"reviewer", "manager", "admin"},
    "new_products": {"reviewer", "manager", "admin"},
    "audits": {"reviewer", "manager", "admin"},
    "models": {"manager", "admin"},
    "team": {"reviewer", "manager", "admin"},
    "people": {"admin"},
    "account": {"staff", "reviewer", "manager", "admin"},
}


@pytest.fixture
def everybody(engine: sa.Engine) -> dict[str, Actor]:
    return add_everybody(engine)


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cookie of the browser that looks; accounts are on."""
    monkeypatch.setenv("CATALENS_ACCOUNTS", "local")
    get_settings.cache_clear()
    held = [""]
    monkeypatch.setattr(session, "read_token", lambda: held[0])
    return held


def look(key: str) -> AppTest:
    """Draw a page in its frame, as ``st.navigation`` would."""

    def script(key: str) -> None:
        from pages.frame import _draw
        from pages.registry import PAGES
        from pages.ui import session

        found = session.find()
        (spec,) = (spec for spec in PAGES if spec.key == key)
        _draw(spec, None if found is None else found.actor)

    return AppTest.from_function(script, kwargs={"key": key}, default_timeout=60).run()


def test_every_page_is_in_the_table() -> None:
    assert MAY_OPEN.keys() == {spec.key for spec in PAGES}


@pytest.mark.parametrize(
    "key", [spec.key for spec in PAGES if spec.key not in {"review", "upload"}]
)
def test_a_page_opens_for_its_roles_and_for_nobody_else(
    engine: sa.Engine, everybody: dict[str, Actor], token: list[str], key: str
) -> None:
    app = look(key)
    assert "You are signed out." in words(app)
    assert not app.title
    for role in PERMISSIONS:
        token[0] = start_session(engine, get_settings(), everybody[role])
        app = look(key)
        assert not app.exception
        assert bool(app.title) == (role in MAY_OPEN[key]), role
        assert any("may not" in each.value for each in app.warning) != bool(app.title)


@pytest.mark.parametrize("key", ["review", "upload"])
def test_a_page_of_our_components_is_closed_to_other_roles(
    engine: sa.Engine, everybody: dict[str, Actor], token: list[str], key: str
) -> None:
    for role in PERMISSIONS.keys() - MAY_OPEN[key]:
        token[0] = start_session(engine, get_settings(), everybody[role])
        assert "may not" in look(key).warning[0].value


def test_a_session_that_ends_closes_the_page_at_the_next_run(
    engine: sa.Engine, everybody: dict[str, Actor], token: list[str]
) -> None:
    admin = everybody["admin"]
    token[0] = start_session(engine, get_settings(), admin)
    app = look("people")
    assert app.title
    users.set_role(engine, actor=local_actor(engine), user_id=everybody["manager"].id, role="admin")
    users.set_role(engine, actor=local_actor(engine), user_id=admin.id, role="staff")
    assert "may not" in app.run().warning[0].value
    sessions.sign_out(engine, token=token[0])
    assert "You are signed out." in words(app.run())


def test_who_comes_next_in_a_tab_finds_nothing_of_who_was_there(
    engine: sa.Engine, everybody: dict[str, Actor], token: list[str]
) -> None:
    token[0] = start_session(engine, get_settings(), everybody["admin"])
    app = look("home")
    app.session_state["chosen"] = "the admin's"
    app.run()
    assert app.session_state["chosen"] == "the admin's"
    token[0] = start_session(engine, get_settings(), everybody["staff"])
    app.run()
    assert "chosen" not in app.session_state


def test_a_part_that_runs_by_itself_asks_again_who_looks() -> None:
    folder = Path(session.__file__).parents[1]
    for path in folder.rglob("*.py"):
        if re.search(r"st\.fragment\b", path.read_text()):
            assert "session.renew(" in path.read_text(), path


def test_without_accounts_the_first_page_says_so() -> None:
    assert people.NO_ACCOUNTS in words(draw("home"))
    assert people.NO_ACCOUNTS in words(draw("account"))


def test_an_admin_adds_a_person_and_sees_the_password_once(
    engine: sa.Engine, everybody: dict[str, Actor], token: list[str]
) -> None:
    token[0] = start_session(engine, get_settings(), everybody["admin"])
    app = look("people")
    app.text_input[0].input("Olga *")
    (add,) = [each for each in app.button if each.label == "Add person"]
    add.click().run()
    assert not app.exception
    assert [each.value for each in (*app.error, *app.warning)] == []
    (password,) = [each.value for each in app.code]
    assert "olga *" in app.dataframe[0].value["Name"].tolist()
    assert password not in words(app.run())


def test_an_admin_changes_a_person_and_ends_sessions(
    engine: sa.Engine, everybody: dict[str, Actor], token: list[str]
) -> None:
    token[0] = start_session(engine, get_settings(), everybody["admin"])
    staff = everybody["staff"]
    start_session(engine, get_settings(), staff)
    app = look("people")
    app.selectbox(key="person").select(staff.id).run()
    app.selectbox(key=f"role-{staff.id}").select("reviewer").run()
    press(app, "Set role")
    assert role_of(engine, staff) == "reviewer"
    press(app, "End")
    assert users_sessions(engine, staff) == 0
    start_session(engine, get_settings(), staff)
    press(app, "Disable")
    assert users_sessions(engine, staff) == 0
    press(app, "Let in again")
    press(app, "New one-time password")
    assert len(app.code) == 1


def test_one_ends_ones_other_sessions_and_ones_own(
    engine: sa.Engine, everybody: dict[str, Actor], token: list[str]
) -> None:
    staff = everybody["staff"]
    start_session(engine, get_settings(), staff)
    token[0] = start_session(engine, get_settings(), staff)
    app = look("account")
    assert "catalog staff" in words(app)
    press(app, "End")
    assert users_sessions(engine, staff) == 1
    start_session(engine, get_settings(), staff)
    press(app, "Sign out everywhere else")
    assert users_sessions(engine, staff) == 1
    press(app, "Sign out")
    assert users_sessions(engine, staff) == 0
    assert "You are signed out." in words(app)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "Chrome"),
        ("Mozilla/5.0 AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge"),
        ("Mozilla/5.0 (X11; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1 Version/18 Safari/605.1", "Safari"),
        ("curl/8.0 x", "curl/8.0"),
        ("", "an unknown browser"),
    ],
)
def test_browsers_are_called_as_people_call_them(user_agent: str, name: str) -> None:
    assert people.browser_of(user_agent) == name


def press(app: AppTest, label: str) -> None:
    (button,) = [each for each in app.button if each.label == label]
    button.click().run()
    assert not app.exception


def role_of(engine: sa.Engine, actor: Actor) -> str:
    found = users.list_users(engine, get_settings(), actor=local_actor(engine))
    return next(each.role for each in found if each.id == actor.id)


def users_sessions(engine: sa.Engine, actor: Actor) -> int:
    settings: Settings = get_settings()
    found = sessions.list_sessions(engine, settings, actor=local_actor(engine), user_id=actor.id)
    return len(found)
