"""Photos to search by that a worker embeds at once, over its own small server."""

import http.client
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.services import lookup_door, lookups
from core.services.active_models import ModelCache
from core.services.lookup_door import HOST, Address
from core.services.lookups import PhotoEmbedder
from core.settings import Settings
from core.worker import lookup_server
from core.worker.lookup_server import LookupServer
from db.states import LookupState
from tests.worker import catalog


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    (path,) = catalog.draw_photos(tmp_path_factory.mktemp("photo"), count=1)
    return path.read_bytes()


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def worker(
    engine: sa.Engine,
    settings: Settings,
    stop: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[LookupServer]:
    """A server that listens."""
    monkeypatch.setattr(lookup_server, "WARMED_AFTER_S", 0.0)
    monkeypatch.setattr(lookup_door, "ANSWER_TIMEOUT_S", 60.0)
    server = LookupServer(settings, PhotoEmbedder(ModelCache(engine, settings)), stop)
    server.start()
    catalog.wait_until(lambda: lookup_door._find(settings) is not None)
    yield server
    stop.set()
    server.close()


def test_a_photo_is_embedded_at_once_as_the_queue_would(
    engine: sa.Engine, settings: Settings, actor: Actor, photo: bytes, worker: LookupServer
) -> None:
    lookup = lookups.request(engine, settings, actor=actor, data=photo)

    assert lookup.state == LookupState.DONE
    assert lookups.list_pending(engine) == ()
    assert not (settings.cache_dir / "lookups").exists()
    expected = PhotoEmbedder(ModelCache(engine, settings)).embed(lambda: photo)
    assert lookups.get_vector(engine, actor=actor, lookup_id=lookup.id) == expected


def test_a_photo_that_waited_is_done_when_it_is_handed_in_again(
    engine: sa.Engine, settings: Settings, actor: Actor, photo: bytes, request
) -> None:
    waiting = lookups.request(engine, settings, actor=actor, data=photo)
    assert waiting.state == LookupState.PENDING
    request.getfixturevalue("worker")

    lookup = lookups.request(engine, settings, actor=actor, data=photo)

    assert (lookup.id, lookup.state) == (waiting.id, LookupState.DONE)
    assert list((settings.cache_dir / "lookups").iterdir()) == []
    assert lookups.list_pending(engine) == ()


def test_what_is_no_picture_says_so_at_once(
    engine: sa.Engine, settings: Settings, actor: Actor, worker: LookupServer
) -> None:
    lookup = lookups.request(engine, settings, actor=actor, data=b"no picture")

    assert lookup.state == LookupState.FAILED
    assert lookup.error


def test_where_nobody_listens_any_more_the_photo_waits(
    engine: sa.Engine,
    settings: Settings,
    actor: Actor,
    photo: bytes,
    worker: LookupServer,
    stop: threading.Event,
) -> None:
    address = lookup_door._find(settings)
    assert address is not None
    stop.set()
    worker.close()
    assert lookup_door._find(settings) is None
    lookup_door.announce(settings, address)  # as a worker that was killed leaves it

    lookup = lookups.request(engine, settings, actor=actor, data=photo)

    assert lookup.state == LookupState.PENDING
    assert len(lookups.list_pending(engine)) == 1


def test_an_answer_that_does_not_come_in_time_is_not_waited_for(
    engine: sa.Engine,
    settings: Settings,
    actor: Actor,
    photo: bytes,
    worker: LookupServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lookup_door, "ANSWER_TIMEOUT_S", 0.2)
    monkeypatch.setattr(worker, "answer", lambda _: time.sleep(1.0))

    assert lookups.request(engine, settings, actor=actor, data=photo).state == LookupState.PENDING


def test_only_who_knows_the_word_is_answered(settings: Settings, worker: LookupServer) -> None:
    address = lookup_door._find(settings)
    assert address is not None
    connection = http.client.HTTPConnection(HOST, address.port, timeout=10)
    connection.request("POST", "/", b"photo", {"Authorization": "Bearer guessed"})

    assert connection.getresponse().status == 403
    connection.close()
    path = settings.data_dir / "lookup-door.json"
    assert path.stat().st_mode & 0o077 == 0


def test_a_worker_takes_back_only_what_it_announced_itself(
    settings: Settings, tmp_path: Path
) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    lookup_door.announce(settings, Address(1, "mine"))
    lookup_door.announce(settings, Address(2, "theirs"))

    lookup_door.withdraw(settings, Address(1, "mine"))

    assert lookup_door._find(settings) == Address(2, "theirs")


def test_no_more_is_read_than_a_photo_may_have(settings: Settings, worker: LookupServer) -> None:
    address = lookup_door._find(settings)
    assert address is not None
    for length in (str(settings.max_file_bytes + 1), "-1", "many"):
        connection = http.client.HTTPConnection(HOST, address.port, timeout=10)
        connection.putrequest("POST", "/")
        connection.putheader("Authorization", f"Bearer {address.token}")
        connection.putheader("Content-Length", length)
        connection.endheaders()
        assert connection.getresponse().status == 413
        connection.close()
