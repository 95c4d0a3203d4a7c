"""``catalens users``, and the first admin of ``catalens run``."""

import json

import pytest
from typer.testing import CliRunner, Result

from cli import main, run
from core.errors import CatalogError, ConflictError, NotFoundError
from core.services import database, sessions
from core.services.accounts import sign_in
from core.settings import Settings, get_settings


def call(*words: str) -> Result:
    return CliRunner().invoke(main.build_app(), ["users", *words])


def fail(*words: str) -> CatalogError:
    error = call(*words).exception
    assert isinstance(error, CatalogError)
    return error


def enter(name: str, password: str) -> str:
    return sign_in(
        database.get_engine(),
        get_settings(),
        name=name,
        password=password,
        address="::1",
        user_agent="Test/1",
    )


def listed() -> dict[str, dict[str, object]]:
    return {each["name"]: each for each in json.loads(call("list", "--json").stdout)}


def test_people_are_added_changed_and_let_out(own_data: None) -> None:
    password = call("add", "Olga", "--role", "reviewer").stdout.strip()
    enter("olga", password)
    assert listed()["olga"] == {
        "name": "olga",
        "role": "reviewer",
        "signs_in": "one-time password",
        "is_disabled": False,
        "sessions": 1,
    }
    assert call("role", "olga", "manager").exit_code == 0
    assert call("disable", "olga").exit_code == 0
    assert (listed()["olga"]["role"], listed()["olga"]["sessions"]) == ("manager", 0)
    assert call("disable", "olga", "--undo").exit_code == 0
    new = call("reset-password", "OLGA").stdout.strip()
    assert new != password
    enter("olga", new)
    assert "olga" in call("list").stdout
    assert "Test/1" in call("sessions", "olga").stdout
    assert call("end-session", "1").exit_code == 0
    assert listed()["olga"]["sessions"] == 0


def test_what_cannot_be_is_told(own_data: None) -> None:
    assert isinstance(fail("role", "nobody", "staff"), NotFoundError)
    assert isinstance(fail("end-session", "7"), NotFoundError)
    assert isinstance(fail("disable", database.LOCAL_USER), ConflictError)
    call("add", "olga")
    assert isinstance(fail("add", "olga"), ConflictError)
    assert call("role", "olga", "king").exit_code == 2


def test_the_first_start_prints_the_admins_password_once(
    own_data: None, capsys: pytest.CaptureFixture[str]
) -> None:
    database.upgrade(database.get_engine())
    run._introduce_admin()
    told = capsys.readouterr().err
    password = told.split("password ")[1].split(" ")[0]
    token = enter("admin", password)
    found = sessions.find(database.get_engine(), get_settings(), token=token)
    assert found is not None
    assert found.must_change_password
    run._introduce_admin()
    assert capsys.readouterr().err == ""


def test_a_start_open_to_others_without_accounts_is_refused(
    own_data: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_to_all = Settings(_env_file=None, host="0.0.0.0", accounts="off")
    monkeypatch.setattr(run, "get_settings", lambda: open_to_all)
    with pytest.raises(ConflictError, match="CATALENS_ACCOUNTS=local"):
        run.run_command(no_browser=True)
