"""Photos for the browser: who may see them, and how often they are decoded."""

import threading
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from core import storage
from core.actors import Actor
from core.errors import ForbiddenError, NotFoundError, UnreadableImageError
from core.services import images
from core.storage import ImageStore
from tests.imaging.samples import encoded, noise

ACTOR = Actor(id=1, name="r", role="reviewer")
UNASKED = sa.create_engine("sqlite://")  # a reviewer sees every photo, so nothing is looked up


@pytest.fixture
def store(settings) -> ImageStore:
    return ImageStore.of(settings)


@pytest.fixture
def decodings(monkeypatch) -> Iterator[list[int]]:
    """How many photos were being decoded, as each decoding began."""
    running: set[int] = set()
    counts: list[int] = []
    real = storage.decode

    def slowly(data, limits, **options):
        running.add(threading.get_ident())
        counts.append(len(running))
        time.sleep(0.05)
        try:
            return real(data, limits, **options)
        finally:
            running.discard(threading.get_ident())

    monkeypatch.setattr(storage, "decode", slowly)
    return counts


def request(settings, sha256: str, size: str = "thumb", actor: Actor = ACTOR):
    return images.request_rendition(UNASKED, settings, actor=actor, sha256=sha256, size=size)


def test_twenty_requests_decode_a_photo_once(settings, store, decodings):
    sha256 = store.put(encoded(noise(400, 300), "PNG"))

    futures = [request(settings, sha256) for _ in range(20)]

    assert len({future.result(10) for future in futures}) == 1
    assert len(decodings) == 1
    assert request(settings, sha256).done()


def test_few_photos_are_decoded_at_once(settings, store, decodings):
    photos = [store.put(encoded(noise(24, 16, seed=seed), "PNG")) for seed in range(8)]

    for future in [request(settings, sha256) for sha256 in photos]:
        future.result(10)

    assert len(decodings) == 8
    assert max(decodings) <= settings.decode_threads


def test_a_photo_damaged_since_fails_for_who_asks_and_may_be_asked_for_again(settings, store):
    sha256 = store.put(encoded(noise(24, 16), "PNG"))
    store.path(sha256).write_bytes(b"nothing")
    for _ in range(2):
        with pytest.raises(UnreadableImageError):
            request(settings, sha256).result(10)

    store.path(sha256).write_bytes(encoded(noise(24, 16), "PNG"))
    assert request(settings, sha256).result(10).exists()


@pytest.mark.parametrize("sha256", ["0" * 64, "../../etc/passwd", "A" * 64, ""])
def test_what_is_not_stored_is_not_found(settings, sha256):
    with pytest.raises(NotFoundError):
        request(settings, sha256)


def test_a_size_that_there_is_not_is_not_found(settings, store):
    with pytest.raises(NotFoundError, match="thumb"):
        request(settings, store.put(encoded(noise(24, 16), "PNG")), "original")


def test_who_has_no_role_sees_no_photo(settings, store):
    sha256 = store.put(encoded(noise(24, 16), "PNG"))
    with pytest.raises(ForbiddenError):
        request(settings, sha256, actor=Actor(id=2, name="x", role="nobody"))


def test_each_size_of_a_photo_has_a_tag_of_its_own():
    tags = {images.etag_of(digit * 64, size) for digit in "ab" for size in storage.RENDITIONS}
    assert len(tags) == 4
