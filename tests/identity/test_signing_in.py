"""Signing in over HTTP: forms, cookies, ways back, and what the middleware lets through."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from api import accounts
from api.identity import IdentityMiddleware, client_address, get_signed_in, is_encrypted, safe_path
from api.security import SecurityMiddleware
from core.actors import Actor
from core.errors import CatalogError
from core.services import sessions, users
from core.services.database import local_actor
from core.services.lockout import LOCKS
from core.settings import Settings
from tests.identity.conftest import PASSWORD, add_user


async def who(request: Request) -> JSONResponse:
    signed_in = get_signed_in(request)
    return JSONResponse({"name": signed_in.actor.name, "role": signed_in.actor.role})


async def proxied(request: Request) -> JSONResponse:
    told = Settings(_env_file=None, trust_proxy=True)
    return JSONResponse(
        {
            "plain": [client_address(request, Settings(_env_file=None))],
            "trusted": [client_address(request, told), is_encrypted(request, told)],
            "encrypted": is_encrypted(request, Settings(_env_file=None)),
        }
    )


@pytest.fixture
def app(engine: sa.Engine, with_accounts: Settings, monkeypatch: pytest.MonkeyPatch) -> Starlette:
    """The routes of signing in behind the real middleware, before two routes that tell."""
    monkeypatch.setattr(accounts, "get_engine", lambda: engine)
    monkeypatch.setattr(accounts, "get_settings", lambda: with_accounts)
    return Starlette(
        routes=[
            *accounts.list_routes(with_accounts),
            Route("/who", who),
            Route("/proxied", proxied),
        ],
        middleware=[
            Middleware(SecurityMiddleware, hosts=()),
            Middleware(
                IdentityMiddleware,
                find=lambda token: sessions.identify(engine, with_accounts, token=token),
            ),
        ],
        exception_handlers={CatalogError: accounts.tell_problem},
    )


@pytest.fixture
def client(app: Starlette) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://localhost:8501", follow_redirects=False) as opened:
        yield opened


@pytest.fixture
def olga(engine: sa.Engine) -> Actor:
    return add_user(engine, "olga", "staff", password=PASSWORD)


def log_in(client: TestClient, password: str = PASSWORD, **more: str) -> dict[str, str]:
    """Send the form; return the answer's status and where it leads."""
    sent = {"name": "olga", "password": password} | more
    found = client.post("/login", data=sent)
    return {"status": str(found.status_code), "to": found.headers.get("location", "")}


def test_who_signs_in_gets_a_cookie_and_goes_where_they_wanted(
    client: TestClient, olga: Actor
) -> None:
    assert client.get("/who").status_code == 401
    answer = client.post(
        "/login", data={"name": "olga", "password": PASSWORD, "next": "/review?batch=1"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/review?batch=1")
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=lax", "path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "secure" not in cookie
    assert client.get("/who").json() == {"name": "olga", "role": "staff"}
    assert client.get("/login").headers["location"] == "/"


def test_behind_tls_the_cookie_is_secure(app: Starlette, olga: Actor) -> None:
    with TestClient(app, base_url="https://localhost", follow_redirects=False) as client:
        answer = client.post("/login", data={"name": "olga", "password": PASSWORD})
        assert "; secure" in answer.headers["set-cookie"].lower()


def test_signing_out_ends_the_session_and_not_only_the_cookie(
    client: TestClient, olga: Actor
) -> None:
    log_in(client)
    token = client.cookies[sessions.COOKIE]
    assert client.get("/logout").status_code == 200
    assert client.get("/who").status_code == 200  # a link alone does nothing
    assert client.post("/logout").headers["location"] == "/login"
    assert sessions.COOKIE not in client.cookies
    client.cookies.set(sessions.COOKIE, token)
    assert client.get("/who").status_code == 401


def test_a_new_sign_in_is_a_new_session(client: TestClient, olga: Actor) -> None:
    chosen = {"cookie": f"{sessions.COOKIE}=chosen by somebody else"}
    form = {"name": "olga", "password": PASSWORD}
    answer = client.post("/login", data=form, headers=chosen)
    assert f"{sessions.COOKIE}=" in answer.headers["set-cookie"]
    assert "chosen" not in answer.headers["set-cookie"]


def test_a_wrong_password_is_told_on_the_form(client: TestClient, olga: Actor) -> None:
    answer = client.post(
        "/login", data={"name": '"><b>', "password": "wrong", "next": '/x"><script>'}
    )
    assert answer.status_code == 401
    assert 'role="alert">Name or password is wrong.' in answer.text
    assert "<script>" not in answer.text
    assert "<b>" not in answer.text
    assert "set-cookie" not in answer.headers


def test_who_guesses_is_told_to_wait(client: TestClient, olga: Actor) -> None:
    for _ in range(LOCKS["account"].free):
        assert log_in(client, "wrong")["status"] == "401"
    answer = client.post("/login", data={"name": "olga", "password": PASSWORD})
    wait_s = answer.headers["retry-after"]
    assert (answer.status_code, 10 <= int(wait_s) <= 15) == (429, True)
    assert f"wait {wait_s} seconds" in answer.text


def test_a_one_time_password_opens_its_change_and_nothing_else(
    client: TestClient, engine: sa.Engine
) -> None:
    first = users.create_user(engine, actor=local_actor(engine), name="olga", role="staff")
    assert log_in(client, first)["status"] == "303"
    looks = {"accept": "text/html"}
    assert client.get("/", headers=looks).headers["location"] == "/password"
    refused = client.get("/who")
    assert (refused.status_code, refused.json()["error"]) == (403, "ForbiddenError")
    new = {"current": first, "new": "a new password"}
    differ = client.post("/password", data=new | {"again": "another password"})
    assert (differ.status_code, "differ" in differ.text) == (422, True)
    short = client.post("/password", data={"current": first, "new": "short", "again": "short"})
    assert (short.status_code, "at least 10" in short.text) == (422, True)
    done = client.post("/password", data=new | {"again": "a new password"})
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert client.get("/who").status_code == 200


@pytest.mark.parametrize(
    ("path", "is_taken"),
    [
        ("/", True),
        ("/review?batch=1&flag=a%20b", True),
        ("/batches?batch=1#x", True),
        ("", False),
        ("review", False),
        ("//evil.example", False),
        ("/\\evil.example", False),
        ("/a\\..\\b", False),
        ("https://evil.example/", False),
        ("javascript:alert(1)", False),
        ("/\r\nSet-Cookie: x=1", False),
        ("/\t/evil.example", False),
        ("/login?next=/login", False),
        ("/logout", False),
        ("/password", False),
        ("/" + "x" * 2000, False),
    ],
)
def test_only_ways_inside_lead_on(
    client: TestClient, olga: Actor, path: str, is_taken: bool
) -> None:
    assert safe_path(path) == (path if is_taken else "/")
    assert log_in(client, next=path)["to"] == (path if is_taken else "/")


def test_other_sites_can_send_no_form(client: TestClient, olga: Actor) -> None:
    form = {"name": "olga", "password": PASSWORD}
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        for path in ("/login", "/logout", "/password"):
            assert client.post(path, data=form, headers=headers).status_code == 403
    own = {"origin": "http://localhost:8501", "sec-fetch-site": "same-origin"}
    assert client.post("/login", data=form, headers=own).status_code == 303


def test_a_form_is_bounded(client: TestClient) -> None:
    for body in (b"x" * 20_000, b"&".join([b"a=1"] * 100), b"name=\xff"):
        answer = client.post("/login", content=body)
        assert answer.status_code == 422


def test_the_forms_load_nothing_and_are_kept_nowhere(client: TestClient, olga: Actor) -> None:
    answers = [client.get("/login")]
    log_in(client)
    answers += [client.get("/password"), client.get("/logout")]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "<script" not in answer.text
        assert 'src="' not in answer.text


def test_a_proxy_is_believed_only_where_it_is_trusted(client: TestClient, olga: Actor) -> None:
    log_in(client)
    told = {"x-forwarded-for": "1.1.1.1, 192.0.2.9", "x-forwarded-proto": "https"}
    assert client.get("/proxied", headers=told).json() == {
        "plain": ["testclient"],
        "trusted": ["192.0.2.9", True],
        "encrypted": False,
    }
    nonsense = client.get("/proxied", headers={"x-forwarded-for": "unknown"}).json()
    assert nonsense["trusted"] == ["testclient", False]


def test_without_accounts_whoever_comes_is_the_local_user(
    engine: sa.Engine, settings: Settings
) -> None:
    find = sessions.identify
    assert accounts.list_routes(settings) == []
    found = find(engine, settings, token="")
    assert found is not None
    assert found.actor == local_actor(engine)
