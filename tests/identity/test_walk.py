"""Every route, as every role and as nobody, against one table, on a running web app."""

import io
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from api.app import create_api
from core.actors import PERMISSIONS
from core.services import sessions, users
from tests.browser.server import PROJECT_DIR
from tests.identity.conftest import Shop

ROLES = ("staff", "reviewer", "manager", "admin")
NO_UPLOAD = "00000000-0000-4000-8000-000000000000"  # the same in every process of a test run
DECISION = {"key": str(uuid4()), "listing_id": 999, "listing_version": 1, "kind": "skip"}


@dataclass(frozen=True)
class Visit:
    """A route, an address that it answers, and what it answers whom.

    Attributes:
        nobody: Status for who has no session.
        by_role: Statuses for staff, reviewer, manager and admin.
    """

    method: str
    route: str
    address: str
    by_role: tuple[int, int, int, int]
    nobody: int = 401
    send: Mapping[str, Any] = field(default_factory=dict)


def same(status: int) -> tuple[int, int, int, int]:
    return (status,) * 4


def photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "PNG")
    return buffer.getvalue()


UPLOADERS = (404, 403, 404, 404)  # of an upload that is not there
REVIEWERS = (403, 404, 404, 404)  # of something that is not there
MANAGERS = (403, 403, 404, 404)
HELD_NOTHING = {"json": {"listing_ids": []}}
FILES = {"files": {"files": ("a.png", photo())}}

TABLE = (
    # api/
    Visit("GET", "/api/images/{sha256}/{size}", "/api/images/{sha256}/thumb", same(200)),
    Visit(
        "GET", "/api/explanations/{prediction_id}", "/api/explanations/999?category_id=1", REVIEWERS
    ),
    Visit(
        "GET",
        "/api/explanations/{prediction_id}/agreement",
        "/api/explanations/999/agreement?category_id=1",
        REVIEWERS,
    ),
    Visit("GET", "/api/review/next", "/api/review/next", (403, 200, 200, 200)),
    Visit("POST", "/api/review/next", "/api/review/next", (403, 200, 200, 200)),
    Visit(
        "PUT", "/api/review/leases", "/api/review/leases", (403, 200, 200, 200), send=HELD_NOTHING
    ),
    Visit(
        "POST",
        "/api/review/leases/release",
        "/api/review/leases/release",
        (403, 204, 204, 204),
        send=HELD_NOTHING,
    ),
    Visit("GET", "/api/review/listings/{listing_id}", "/api/review/listings/999", REVIEWERS),
    Visit(
        "GET",
        "/api/review/listings/{listing_id}/look-alikes",
        "/api/review/listings/999/look-alikes",
        same(404),
    ),
    Visit("GET", "/api/categories", "/api/categories", (403, 200, 200, 200)),
    Visit(
        "POST",
        "/api/decisions",
        "/api/decisions",
        (403, 200, 200, 200),  # each decision has an answer of its own
        send={"json": {"decisions": [DECISION]}},
    ),
    Visit(
        "POST",
        "/api/listings/{listing_id}/publish",
        "/api/listings/1/publish",
        (409, 403, 409, 409),  # nobody has decided on it
    ),
    Visit(
        "PUT",
        "/api/review/photos/{listing_image_id}/flags/{kind}",
        "/api/review/photos/1/flags/blurry",
        REVIEWERS,
        send={"json": {"is_wrong": True}},
    ),
    Visit("POST", "/api/uploads", "/api/uploads", (201, 403, 201, 201)),
    Visit(
        "POST",
        "/api/uploads/{upload_id}/files",
        f"/api/uploads/{NO_UPLOAD}/files",
        UPLOADERS,
        send=FILES,
    ),
    Visit(
        "POST",
        "/api/uploads/{upload_id}/finish",
        f"/api/uploads/{NO_UPLOAD}/finish",
        UPLOADERS,
        send={"json": {"batch_name": "summer"}},
    ),
    Visit(
        "POST",
        "/api/uploads/{upload_id}/check",
        f"/api/uploads/{NO_UPLOAD}/check",
        UPLOADERS,
    ),
    Visit("GET", "/api/uploads/{upload_id}", f"/api/uploads/{NO_UPLOAD}", UPLOADERS),
    Visit("DELETE", "/api/uploads/{upload_id}", f"/api/uploads/{NO_UPLOAD}", UPLOADERS),
    Visit(
        "GET", "/api/exports/{batch_id}.{format_key}", "/api/exports/1.csv", (200, 403, 200, 200)
    ),
    Visit(
        "GET",
        "/api/evaluations/{evaluation_id}/photos/{index}",
        "/api/evaluations/999/photos/0",
        (403, 403, 404, 404),
    ),
    Visit("GET", "/api/audits/{audit_id}/photos/{index}", "/api/audits/999/photos/0", REVIEWERS),
    Visit("GET", "/api/matches/{match_id}/difference", "/api/matches/999/difference", REVIEWERS),
    Visit(
        "GET",
        "/api/brand-evidence/{evidence_id}/{drawing}",
        "/api/brand-evidence/999/photo",
        REVIEWERS,
    ),
    Visit("GET", "/api/search", "/api/search?words=mug", same(200)),
    Visit("POST", "/api/search/photos", "/api/search/photos", same(422), send={"content": b""}),
    Visit("GET", "/api/search/photos/{lookup_id}", "/api/search/photos/999", same(404)),
    Visit(
        "POST",
        "/api/search/listings/{listing_id}",
        "/api/search/listings/999?region=0-0-500-500",
        same(404),
    ),
    Visit(
        "POST",
        "/api/shoppers/{shopper}/interactions",
        "/api/shoppers/s-1/interactions",
        MANAGERS,
        send={"json": {"interactions": [{"listing_id": 999, "kind": "liked"}]}},
    ),
    Visit(
        "GET",
        "/api/shoppers/{shopper}/recommendations",
        "/api/shoppers/s-1/recommendations",
        (403, 403, 200, 200),
    ),
    Visit("DELETE", "/api/shoppers/{shopper}", "/api/shoppers/s-1", (403, 403, 200, 200)),
    Visit("GET", "/api/openapi.json", "/api/openapi.json", same(200)),
    # signing in
    Visit("GET", "/login", "/login", same(303), nobody=200),
    Visit("POST", "/login", "/login", same(401), nobody=401, send={"data": {"name": "x"}}),
    Visit("GET", "/logout", "/logout", same(200), nobody=303),
    Visit("POST", "/logout", "/logout", same(303), nobody=303),
    Visit("GET", "/password", "/password", same(200)),
    Visit("POST", "/password", "/password", same(422)),
    Visit("GET", "/auth/oidc/start", "/auth/oidc/start", same(502), nobody=502),
    Visit("GET", "/auth/oidc/callback", "/auth/oidc/callback", same(401), nobody=401),
    # Streamlit's own
    Visit("GET", "/_stcore/health", "/_stcore/health", same(200), nobody=200),
    Visit("OPTIONS", "/_stcore/health", "/_stcore/health", same(204), nobody=204),
    Visit("GET", "/_stcore/metrics", "/_stcore/metrics", same(200)),
    Visit("OPTIONS", "/_stcore/metrics", "/_stcore/metrics", same(204)),
    Visit("GET", "/_stcore/host-config", "/_stcore/host-config", same(200)),
    Visit("GET", "/media/{file_id:path}", "/media/none.png", same(404)),
    Visit("OPTIONS", "/media/{file_id:path}", "/media/none.png", same(204)),
    Visit(
        "PUT",
        "/_stcore/upload_file/{session_id}/{file_id}",
        "/_stcore/upload_file/none/none",
        same(403),  # its own token is asked for, too
        send=FILES,
    ),
    Visit(
        "DELETE",
        "/_stcore/upload_file/{session_id}/{file_id}",
        "/_stcore/upload_file/none/none",
        same(403),
    ),
    Visit(
        "OPTIONS",
        "/_stcore/upload_file/{session_id}/{file_id}",
        "/_stcore/upload_file/none/none",
        same(204),
    ),
    Visit("GET", "/component/{path:path}", "/component/none/x.js", same(404)),
    Visit("OPTIONS", "/component/{path:path}", "/component/none/x.js", same(204)),
    Visit("GET", "/_stcore/bidi-components/{path:path}", "/_stcore/bidi-components/x/y", same(404)),
    Visit(
        "OPTIONS",
        "/_stcore/bidi-components/{path:path}",
        "/_stcore/bidi-components/x/y",
        same(204),
    ),
    Visit("GET", "/auth/login", "/auth/login", same(302)),
    Visit("GET", "/auth/logout", "/auth/logout", same(302)),
    Visit("GET", "/oauth2callback", "/oauth2callback", same(302)),
    Visit("GET", "/_stcore/agent/interact", "/_stcore/agent/interact", same(404)),
    Visit("GET", "/_stcore/agent/openapi.json", "/_stcore/agent/openapi.json", same(404)),
    Visit("GET", "/_stcore/agent/mcp", "/_stcore/agent/mcp", same(404)),
    # the pages, whose script asks for the permission itself (see tests/pages/test_frame.py)
    Visit("GET", "", "/review", same(200)),
    Visit("GET", "", "/static/none.js", same(200)),
)


def answer(shop: Shop, visit: Visit, role: str | None) -> int:
    found = httpx.request(
        visit.method,
        shop.address + visit.address.replace("{sha256}", shop.sha256),
        cookies=shop.cookies(role),
        timeout=60,
        **visit.send,
    )
    return found.status_code


def test_the_table_has_a_column_for_every_role() -> None:
    assert tuple(PERMISSIONS) == ROLES


@pytest.mark.slow
@pytest.mark.parametrize("visit", TABLE, ids=lambda visit: f"{visit.method} {visit.address}")
def test_a_route_answers_each_role_and_nobody_as_the_table_says(shop: Shop, visit: Visit) -> None:
    found = {role: answer(shop, visit, role) for role in (None, *ROLES)}
    assert found == {None: visit.nobody} | dict(zip(ROLES, visit.by_role, strict=True))


def test_every_route_stands_in_the_table() -> None:
    code = (
        "import json, app\n"
        "found = [(method, route.path) for route in app.app._build_starlette_app().routes"
        " for method in sorted(getattr(route, 'methods', None) or ['*'])]\n"
        "print(json.dumps(found))"
    )
    environment = {
        "CATALENS_ACCOUNTS": "oidc",
        "CATALENS_OIDC_ISSUER": "http://127.0.0.1:9",
        "CATALENS_OIDC_CLIENT_ID": "catalens",
        "PATH": "",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        check=True,
        capture_output=True,
        cwd=PROJECT_DIR,
        env=environment,
    )
    outer = {
        (method, path)
        for method, path in json.loads(done.stdout)
        if method != "HEAD" and (method == "GET" or "/agent/" not in path)  # it takes every method
    }
    inner = {
        (method.upper(), f"/api{path}")
        for path, methods in create_api().openapi()["paths"].items()
        for method in methods
    } | {("GET", "/api/openapi.json")}
    elsewhere = {("*", "/_stcore/stream"), ("*", "/api"), ("*", "")}  # websocket, mounts
    known = {(visit.method, visit.route) for visit in TABLE if visit.route}
    assert known == inner | outer - elsewhere
    assert elsewhere <= outer


@pytest.mark.slow
def test_the_websocket_opens_for_who_is_signed_in(shop: Shop) -> None:
    address = f"{shop.address.replace('http', 'ws')}/_stcore/stream"
    with pytest.raises(InvalidStatus) as refused:
        connect(address)
    assert refused.value.response.status_code == 403
    for role in ROLES:
        (token,) = shop.cookies(role).values()
        with connect(address, additional_headers={"Cookie": f"{sessions.COOKIE}={token}"}):
            pass


@pytest.mark.slow
@pytest.mark.parametrize("cookie", ["", "x", "0" * 64, "é", "a b; c"])
def test_a_cookie_that_is_nobodys_opens_nothing(shop: Shop, cookie: str) -> None:
    header = {"cookie": f"{sessions.COOKIE}={cookie}".encode()}
    found = httpx.get(f"{shop.address}/api/categories", headers=header, timeout=60)  # type: ignore[arg-type]
    assert (found.status_code, found.json()["error"]) == (401, "UnauthenticatedError")


@pytest.mark.slow
def test_who_looks_at_a_page_is_sent_to_sign_in_and_back(shop: Shop) -> None:
    looks = {"accept": "text/html,*/*;q=0.8"}
    found = httpx.get(f"{shop.address}/review?batch=1&flag=a%20b", headers=looks, timeout=60)
    assert found.status_code == 303
    assert found.headers["location"] == "/login?next=/review%3Fbatch%3D1%26flag%3Da%2520b"
    form = httpx.get(f"{shop.address}{found.headers['location']}", headers=looks, timeout=60)
    assert 'name="next" value="/review?batch=1&amp;flag=a%20b"' in form.text
    assert httpx.get(f"{shop.address}/api/categories", headers=looks, timeout=60).status_code == 401


@pytest.mark.slow
def test_a_role_and_the_end_of_a_session_act_at_the_next_request(shop: Shop) -> None:
    admin = shop.everybody["admin"]
    user_id = shop.everybody["reviewer"].id
    cookies = shop.cookies("reviewer")

    def ask() -> int:
        return httpx.get(f"{shop.address}/api/review/next", cookies=cookies, timeout=60).status_code

    assert ask() == 200
    users.set_role(shop.engine, actor=admin, user_id=user_id, role="staff")
    assert ask() == 403
    users.set_role(shop.engine, actor=admin, user_id=user_id, role="reviewer")
    assert ask() == 200
    users.set_disabled(shop.engine, actor=admin, user_id=user_id, is_disabled=True)
    assert ask() == 401
    users.set_disabled(shop.engine, actor=admin, user_id=user_id, is_disabled=False)
    assert ask() == 401
