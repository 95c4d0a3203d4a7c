import http.client
import socket
import statistics
import time
from pathlib import Path

import pytest

from api.sockets import send_at_once
from core.services import database
from core.settings import Settings
from tests.browser.server import run_web_app

LISTENING = socket.AF_INET  # without a protocol, as Streamlit makes its own


def holds_back(sock: socket.socket) -> bool:
    return not sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_is_accepted_sends_at_once(tmp_path: Path) -> None:
    with socket.socket(LISTENING) as server, socket.socket(LISTENING) as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        send_at_once()
        client.connect(server.getsockname())
        accepted, _ = server.accept()
        with accepted:
            assert not holds_back(accepted)
            assert holds_back(client)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no such sockets here")
def test_sockets_of_other_kinds_and_files_are_left_alone(tmp_path: Path) -> None:
    address = str(tmp_path / "socket")
    with (
        socket.socket(socket.AF_UNIX) as server,
        socket.socket(socket.AF_UNIX) as client,
        (tmp_path / "file").open("w") as file,
    ):
        server.bind(address)
        server.listen()
        send_at_once()
        file.write("still open")
        client.connect(address)
        accepted, _ = server.accept()
        accepted.close()
    assert (tmp_path / "file").read_text() == "still open"


def test_the_web_app_answers_without_waiting_for_acknowledgements(tmp_path: Path) -> None:
    engine = database.open_engine(Settings(data_dir=tmp_path, database_url=""))
    database.upgrade(engine)
    engine.dispose()
    with run_web_app(tmp_path) as address:
        connection = http.client.HTTPConnection(address.removeprefix("http://"))
        times = []
        for _ in range(60):
            start = time.perf_counter()
            connection.request("GET", "/_stcore/health")
            connection.getresponse().read()
            times.append(time.perf_counter() - start)
        connection.close()
    assert min(times) < 0.03, f"{1000 * statistics.median(times):.0f} ms for nothing"
