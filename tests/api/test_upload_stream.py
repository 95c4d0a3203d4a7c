"""Uploads into a running web app: large ones, refused ones, and those that break off."""

import http.client
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from core.settings import MIB, Settings
from tests.browser.server import run_web_app
from tests.imaging.samples import encoded, noise

LARGE_BYTES = 600 * MIB
CHUNK = bytes(MIB)
PHOTO = encoded(noise(24, 16, seed=1), "PNG")
END = b"\r\n--between--\r\n"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Path:
    folder = tmp_path_factory.mktemp("app")
    (folder / migrated_sqlite.name).write_bytes(migrated_sqlite.read_bytes())
    return folder


@pytest.fixture(scope="module")
def host(data_dir: Path) -> Iterator[str]:
    with run_web_app(data_dir) as address:
        yield urlsplit(address).netloc


@pytest.fixture
def upload_id(host: str) -> str:
    with closing(http.client.HTTPConnection(host, timeout=30)) as connection:
        connection.request("POST", "/api/uploads")
        started: str = answer_of(connection)[1]["upload_id"]
        return started


@pytest.fixture
def folder(data_dir: Path, upload_id: str) -> Path:
    """Where the server keeps the upload."""
    return Settings(_env_file=None, data_dir=data_dir).uploads_dir / upload_id


def head(name: str) -> bytes:
    return (
        f'--between\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    ).encode()


def zeros(size_bytes: int) -> Iterator[bytes]:
    return (CHUNK for _ in range(size_bytes // MIB))


@contextmanager
def begun(host: str, upload_id: str, size_bytes: int) -> Iterator[http.client.HTTPConnection]:
    """Send the headers of a request with files."""
    with closing(http.client.HTTPConnection(host, timeout=60)) as connection:
        connection.putrequest("POST", f"/api/uploads/{upload_id}/files")
        connection.putheader("Content-Type", "multipart/form-data; boundary=between")
        connection.putheader("Content-Length", str(size_bytes))
        connection.endheaders()
        yield connection


def answer_of(connection: http.client.HTTPConnection) -> tuple[int, Any]:
    with connection.getresponse() as answer:
        return answer.status, json.load(answer)


def send(host: str, upload_id: str, pieces: list[bytes]) -> tuple[int, Any]:
    with begun(host, upload_id, sum(map(len, pieces))) as connection:
        for piece in pieces:
            connection.send(piece)
        return answer_of(connection)


def web_app(data_dir: Path) -> psutil.Process:
    """The process that ``run_web_app`` started on this data."""
    for process in psutil.Process().children():
        if process.environ().get("CATALENS_DATA_DIR") == str(data_dir):
            return process
    raise AssertionError(f"no web app runs on {data_dir}")


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_large_upload_takes_no_memory(
    host: str, data_dir: Path, upload_id: str, folder: Path
) -> None:
    server = web_app(data_dir)
    send(host, upload_id, [head("first.png"), PHOTO, END])
    before = most = server.memory_info().rss
    start, magic = head("large.zip"), b"PK\x03\x04"
    size_bytes = len(start + magic) + LARGE_BYTES + len(END)
    with begun(host, upload_id, size_bytes) as connection:
        connection.send(start + magic)
        for chunk in zeros(LARGE_BYTES):
            connection.send(chunk)
            most = max(most, server.memory_info().rss)
        connection.send(END)
        status, results = answer_of(connection)

    assert (status, results[0]["accepted"]) == (200, True)
    assert most - before < 32 * MIB
    (large,) = folder.glob("*.zip")
    assert large.stat().st_size == LARGE_BYTES + len(magic)
    large.unlink()


def test_a_file_that_is_too_large_stops_no_other(host: str, upload_id: str, folder: Path) -> None:
    status, results = send(
        host,
        upload_id,
        [head("1.png"), PHOTO, b"\r\n", head("huge.png"), PHOTO, *zeros(60 * MIB), b"\r\n",
         head("2.png"), PHOTO, END],
    )  # fmt: skip

    assert status == 200
    assert [(each["accepted"], each["reason"]) for each in results] == [
        (True, None), (False, "too_large"), (True, None),
    ]  # fmt: skip
    assert [path.stat().st_size for path in folder.glob("*.photo")] == [len(PHOTO)] * 2
    assert not list(folder.glob("*.part"))


def test_one_file_that_is_too_large_is_refused_before_all_of_it_came(
    host: str, upload_id: str
) -> None:
    with begun(host, upload_id, 600 * MIB) as connection:
        connection.send(head("huge.png") + PHOTO)
        for chunk in zeros(51 * MIB):
            connection.send(chunk)
        status, results = answer_of(connection)

    assert (status, results[0]["reason"]) == (200, "too_large")


def test_a_request_that_says_it_is_too_large_is_refused_at_once(host: str, upload_id: str) -> None:
    with begun(host, upload_id, 10_000 * MIB) as connection:
        status, problem = answer_of(connection)

    assert status == 422
    assert "at most" in problem["message"]


def test_what_broke_off_leaves_nothing_half(host: str, upload_id: str, folder: Path) -> None:
    with begun(host, upload_id, 20 * MIB) as connection:
        connection.send(head("whole.png") + PHOTO + b"\r\n" + head("half.png") + PHOTO + CHUNK)
        wait_until(lambda: len(list(folder.glob("*.part"))) == 1)
    wait_until(lambda: not list(folder.glob("*.part")))

    assert [path.stat().st_size for path in folder.glob("*.photo")] == [len(PHOTO)]
    status, results = send(host, upload_id, [head("half.png"), PHOTO, END])
    assert (status, results[0]["accepted"]) == (200, True)


@pytest.mark.parametrize(
    "body",
    [
        b"no multipart",
        head("a.png") + PHOTO,
        head("a.png") + PHOTO + b"\r\n--between",
        head("a.png").replace(b"form-data", b"nonsense") + PHOTO + END,
        head("a.png").replace(b'"files"', b'"others"') + PHOTO + END,
        head("a" * 10_000) + PHOTO + END,
        os.urandom(100_000),
    ],
)
def test_a_malformed_request_is_the_callers_mistake(
    host: str, upload_id: str, folder: Path, body: bytes
) -> None:
    status, problem = send(host, upload_id, [body])

    assert status in {400, 422}
    assert problem["message"]
    assert not list(folder.glob("*.p*"))
