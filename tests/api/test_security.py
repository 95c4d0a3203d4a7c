"""What stands in front of everything."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from api.security import SECURITY_HEADERS, SecurityMiddleware


async def answer(_request: object) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = Starlette(
        routes=[Route("/", answer, methods=["GET", "POST"]), WebSocketRoute("/ws", talk)],
        middleware=[Middleware(SecurityMiddleware, hosts={"Shop.example"})],
    )
    with TestClient(app, base_url="http://localhost:8501") as opened:
        yield opened


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:8501", 200),
        ("127.0.0.1:8501", 200),
        ("[::1]:8501", 200),
        ("shop.example", 200),
        ("SHOP.EXAMPLE:443", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("localhost@evil.example", 403),
        ("[::1", 403),
        ("", 403),
    ],
)
def test_it_answers_for_its_own_hosts_only(client: TestClient, host: str, status: int) -> None:
    found = client.get("/", headers={"host": host})
    assert found.status_code == status
    assert (
        SECURITY_HEADERS.items()
        <= {name: found.headers.get(name, "") for name in SECURITY_HEADERS}.items()
    )


def test_what_is_refused_is_said_as_the_api_says_it(client: TestClient) -> None:
    found = client.get("/", headers={"host": "evil.example"}).json()
    assert found["error"] == "ForbiddenError"
    assert "'evil.example'" in found["message"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://localhost:8501", 200),
        ("http://localhost:9999", 403),
        ("http://evil.example", 403),
        ("null", 403),
    ],
)
def test_other_origins_may_not_write(client: TestClient, origin: str | None, status: int) -> None:
    headers = {} if origin is None else {"origin": origin}
    assert client.post("/", headers=headers).status_code == status
    assert client.get("/", headers=headers).status_code == 200


def test_other_origins_may_not_open_the_websocket(client: TestClient) -> None:
    own = {"host": "localhost:8501", "origin": "http://localhost:8501"}
    with client.websocket_connect("/ws", headers=own) as opened:
        assert opened.receive_text() == "hello"
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/ws", headers={"origin": "http://evil.example"}),
    ):
        pass
