"""Signing in at an OpenID provider, there and back, and all that is refused on the way."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy import update
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from api import accounts, provider
from api.identity import IdentityMiddleware
from core.actors import Actor
from core.errors import InvalidInputError
from core.services import sessions, users
from core.services.accounts import parse_roles
from core.services.database import local_actor
from core.services.provider import role_of
from core.settings import Settings
from db.base import utc_now
from db.engine import transaction
from db.rows import ProviderVisitRow
from tests.identity.conftest import add_user
from tests.identity.openid import CLIENT_ID, CLIENT_SECRET, Provider, run_provider


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with run_provider() as found:
        yield found


@pytest.fixture
def there(running: Provider) -> Iterator[Provider]:
    """The provider; what a test changes of it is undone."""
    kept = dict(vars(running))
    running.person, running.forged, running.metadata = {"sub": "1001"}, {}, {}
    yield running
    vars(running).update(kept)


@dataclass
class Round:
    """A browser, and the app behind its middleware."""

    engine: sa.Engine
    settings: Settings
    client: TestClient

    def depart(self, path: str = "/auth/oidc/start") -> str:
        found = self.client.get(path)
        assert found.status_code == 303, found.text
        return found.headers["location"]

    def visit(self, address: str) -> str:
        """Let the provider sign the person in; return the path that it sends the browser to."""
        back = urlsplit(httpx.get(address, timeout=60).headers["location"])
        assert (back.netloc, back.path) == ("localhost:8501", "/auth/oidc/callback")
        return f"{back.path}?{back.query}"

    def go(self, path: str = "/auth/oidc/start") -> Any:
        return self.client.get(self.visit(self.depart(path)))

    def who(self) -> Actor | None:
        token = self.client.cookies.get(sessions.COOKIE, "")
        found = sessions.find(self.engine, self.settings, token=token)
        return None if found is None else found.actor


@pytest.fixture
def trip(
    engine: sa.Engine, settings: Settings, there: Provider, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Round]:
    changed = {
        "accounts": "oidc",
        "oidc_issuer": there.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": SecretStr(CLIENT_SECRET),
        "oidc_role_claim": "",
    }
    settings = settings.model_copy(update=changed)
    for module in (accounts, provider):
        monkeypatch.setattr(module, "get_engine", lambda: engine)
        monkeypatch.setattr(module, "get_settings", lambda: settings)
    app = Starlette(
        routes=accounts.list_routes(settings),
        middleware=[
            Middleware(
                IdentityMiddleware,
                find=lambda token: sessions.identify(engine, settings, token=token),
            )
        ],
    )
    base = "http://localhost:8501"
    with TestClient(app, base_url=base, follow_redirects=False) as client:
        yield Round(engine, settings, client)


def test_there_and_back(trip: Round, there: Provider) -> None:
    there.person = {"sub": "1001", "preferred_username": "Olga"}
    assert "Sign in with your company account" in trip.client.get("/login").text
    answer = trip.go("/auth/oidc/start?next=/review%3Fbatch%3D1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/review?batch=1")
    found = trip.who()
    assert found is not None
    assert (found.name, found.role) == ("olga", "staff")
    asked = {"state", "nonce", "code_challenge"}
    assert asked <= parse_qs(urlsplit(trip.depart()).query).keys()


def test_a_person_is_known_by_the_subject_alone(trip: Round, there: Provider) -> None:
    taken = add_user(trip.engine, "olga", "admin")
    there.person = {"sub": "1001", "preferred_username": "olga"}
    trip.go()
    first = trip.who()
    assert first is not None
    assert (first.name, first.role, first.id != taken.id) == ("olga (2)", "staff", True)
    there.person = {"sub": "1001", "email": "another@example.com"}
    trip.go()
    assert trip.who() == first
    there.person = {"sub": "1002", "preferred_username": "olga"}
    trip.go()
    second = trip.who()
    assert second is not None
    assert second.name == "olga (3)"


def test_a_role_given_here_stays_where_no_claim_gives_one(trip: Round, there: Provider) -> None:
    trip.go()
    found = trip.who()
    assert found is not None
    local = local_actor(trip.engine)
    users.set_role(trip.engine, actor=local, user_id=found.id, role="manager")
    trip.go()
    again = trip.who()
    assert again is not None
    assert (again.id, again.role) == (found.id, "manager")


@pytest.mark.parametrize(
    ("claim", "value", "role"),
    [
        ("", ["heads"], None),
        ("groups", ["heads"], "manager"),
        ("groups", ["buyers", "heads"], "manager"),
        ("groups", "it=admins", "admin"),
        ("groups", ["unknown"], "staff"),
        ("groups", [{"heads": 1}, None], "staff"),
        ("groups", None, "staff"),
        ("realm.roles", {"no": "list"}, "staff"),
    ],
)
def test_a_claim_gives_the_highest_role_of_its_values(
    settings: Settings, claim: str, value: object, role: str | None
) -> None:
    roles = "buyers=reviewer, heads=manager, it=admins=admin"
    settings = settings.model_copy(update={"oidc_role_claim": claim, "oidc_roles": roles})
    assert role_of(settings, {"groups": value, "realm": value}) == role


def test_a_claim_may_lie_deeper(settings: Settings) -> None:
    changed = {"oidc_role_claim": "realm_access.roles", "oidc_roles": "heads=manager"}
    settings = settings.model_copy(update=changed)
    assert role_of(settings, {"realm_access": {"roles": ["heads"]}}) == "manager"


@pytest.mark.parametrize("text", ["heads", "=admin", "heads=king", "heads=manager, x"])
def test_a_mapping_to_no_role_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="CATALENS_OIDC_ROLES"):
        parse_roles(text)


@pytest.mark.parametrize(
    "forged",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another client"},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"iss": "https://evil.example"},
        {"exp": 1_000_000_000},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 300},
    ],
    ids="-".join,
)
def test_a_token_that_is_not_for_us_is_refused(
    trip: Round, there: Provider, forged: dict[str, object]
) -> None:
    there.forged = forged
    answer = trip.go()
    assert (answer.status_code, trip.who()) == (502, None)


def test_a_token_by_another_key_is_refused(trip: Round, there: Provider) -> None:
    there.key = Provider().key
    assert (trip.go().status_code, trip.who()) == (502, None)


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(
    trip: Round, there: Provider
) -> None:
    there.sign_with_a_shared_secret()
    assert (trip.go().status_code, trip.who()) == (502, None)


def test_an_answer_counts_once_in_the_browser_that_asked(trip: Round, there: Provider) -> None:
    back = trip.visit(trip.depart())
    trip.client.cookies.clear()  # another browser: somebody was sent this address
    assert trip.client.get(back).status_code == 401
    back = trip.visit(trip.depart())
    cookies = "; ".join(f"{name}={value}" for name, value in trip.client.cookies.items())
    assert trip.client.get(back).status_code == 303
    trip.client.cookies.clear()
    assert trip.client.get(back, headers={"cookie": cookies}).status_code == 401
    assert trip.who() is None


def test_a_late_answer_is_refused(trip: Round, there: Provider) -> None:
    back = trip.visit(trip.depart())
    with transaction(trip.engine) as session:
        session.execute(update(ProviderVisitRow).values(expires_at=utc_now()))
    assert (trip.client.get(back).status_code, trip.who()) == (401, None)


def test_an_answer_of_another_provider_is_refused(trip: Round, there: Provider) -> None:
    back = trip.visit(trip.depart())
    answer = trip.client.get(f"{back}&iss=https://evil.example")
    assert (answer.status_code, trip.who()) == (401, None)


def test_a_no_is_told_as_text(trip: Round, there: Provider) -> None:
    state = parse_qs(urlsplit(trip.depart()).query)["state"][0]
    back = f"/auth/oidc/callback?state={state}&error=access_denied&error_description=<b>no</b>"
    answer = trip.client.get(back)
    assert answer.status_code == 401
    assert "&lt;b&gt;no" in answer.text


def test_a_disabled_person_does_not_come_in(trip: Round, there: Provider) -> None:
    trip.go()
    found = trip.who()
    assert found is not None
    local = local_actor(trip.engine)
    users.set_disabled(trip.engine, actor=local, user_id=found.id, is_disabled=True)
    answer = trip.go()
    assert (answer.status_code, "disabled" in answer.text, trip.who()) == (401, True, None)


def test_a_provider_that_is_another_or_away_is_told(trip: Round, there: Provider) -> None:
    there.metadata = {"issuer": "https://evil.example"}
    answer = trip.client.get("/auth/oidc/start")
    assert (answer.status_code, "calls itself" in answer.text) == (502, True)
    there.metadata = {"jwks_uri": None}
    answer = trip.client.get("/auth/oidc/start")
    assert (answer.status_code, "lacks" in answer.text) == (502, True)


def test_who_comes_from_the_provider_has_no_password_here(trip: Round, there: Provider) -> None:
    trip.go()
    answer = trip.client.post(
        "/password", data={"current": "x", "new": "a new password", "again": "a new password"}
    )
    assert (answer.status_code, "at the provider" in answer.text) == (409, True)
