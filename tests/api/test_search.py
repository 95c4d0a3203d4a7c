"""Search through the API, and the difference picture."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from core.actors import Actor
from core.imaging import ImageLimits, decode
from core.services.workshop import MAX_WAITING, workshop
from core.settings import Settings
from db.engine import reading, transaction
from db.rows import LookupRow, MatchRow
from db.states import LookupState
from tests.services.copied import add_shown, as_file, compare_all
from tests.services.embedded import AXES, SPACE, add_listings, near
from tests.services.flagged import add_batch
from tests.similarity.conftest import draw_photo

LIMITS = ImageLimits(max_bytes=10**7, max_pixels=10**7)


@pytest.fixture
def batch_id(engine: sa.Engine, actor: Actor) -> int:
    return add_batch(engine, actor)


def test_a_photo_is_handed_in_awaited_and_searched_by(
    client: TestClient, engine: sa.Engine, settings: Settings, batch_id: int
) -> None:
    mugs = list(add_listings(engine, batch_id, "mug", near(0, 3), category="Home > Mug"))
    add_listings(engine, batch_id, "lamp", near(1, 3), category="Home > Lamp")
    sent = client.post("/search/photos", content=b"a photo")
    assert (sent.status_code, sent.json()["state"]) == (202, "pending")
    photo_id = sent.json()["id"]
    assert client.get("/search", params={"photo": photo_id}).status_code == 409
    with transaction(engine) as session:
        row = session.get_one(LookupRow, photo_id)
        row.state, row.space = LookupState.DONE, SPACE
        row.vector = AXES[0].astype("<f2").tobytes()
    assert client.get(f"/search/photos/{photo_id}").json()["state"] == "done"
    found = client.get("/search", params={"photo": photo_id, "words": "mug"}).json()
    assert sorted(hit["listing_id"] for hit in found["hits"]) == mugs
    assert (found["total"], found["indexed"], found["waiting"]) == (3, 6, 0)
    liked = client.get("/search", params={"listing": mugs[0], "category": "Home > Mug"}).json()
    assert sorted(hit["listing_id"] for hit in liked["hits"]) == mugs[1:]


def test_a_part_is_searched_by_alone(
    client: TestClient, engine: sa.Engine, settings: Settings, batch_id: int
) -> None:
    photo = as_file(draw_photo(1))
    (listing_id,) = add_shown(engine, settings, batch_id, {"a": photo}).values()
    part = {"region": "0-0-500-500"}
    whole = client.post("/search/photos", content=photo).json()["id"]
    sent = client.post("/search/photos", content=photo, params=part)
    assert sent.status_code == 202
    assert sent.json()["id"] != whole
    shown = client.post(f"/search/listings/{listing_id}", params=part)
    assert shown.json() == sent.json()  # the same pixels are the same photo
    kept = settings.cache_dir / "lookups"
    shapes = [decode(path.read_bytes(), LIMITS).pixels.shape for path in kept.iterdir()]
    height, width, _ = draw_photo(1).shape
    assert sorted(shapes) == [(height // 2, width // 2, 3), (height, width, 3)]
    wrong = client.post("/search/photos", content=photo, params={"region": "0-0-1-1"})
    assert (wrong.status_code, "draw it again" in wrong.json()["message"]) == (422, True)
    assert client.post("/search/photos", content=b"x", params=part).status_code == 422


def test_who_cuts_a_part_while_too_many_do_is_asked_to_come_again(
    client: TestClient, settings: Settings
) -> None:
    shop, gate = workshop(settings), threading.Event()
    count = settings.decode_threads + MAX_WAITING
    with ThreadPoolExecutor(count) as askers:
        for _ in range(count):
            askers.submit(shop.make, gate.wait)
        while shop.has_room:
            time.sleep(0.01)
        part, photo = {"region": "0-0-500-500"}, as_file(draw_photo(1))
        answer = client.post("/search/photos", content=photo, params=part)
        gate.set()
    assert (answer.status_code, answer.json()["error"]) == (503, "BusyError")
    assert "try again" in answer.json()["message"]
    assert client.post("/search/photos", content=photo, params=part).status_code == 202


def test_a_photo_that_is_too_large_is_refused_before_it_is_read_whole(
    client: TestClient, settings: Settings
) -> None:
    answer = client.post("/search/photos", content=bytes(settings.max_file_bytes + 1))
    assert answer.status_code == 422
    assert "send a smaller one" in answer.json()["message"]


def test_the_difference_of_a_match_is_a_jpeg_and_of_one_image_there_is_none(
    client: TestClient, engine: sa.Engine, settings: Settings, batch_id: int
) -> None:
    photo = draw_photo(1)
    one, other = as_file(photo), as_file(np.ascontiguousarray(photo[:, ::-1]))
    add_shown(engine, settings, batch_id, {"a": one, "b": one, "c": other})
    compare_all(engine, settings)
    with reading(engine) as session:
        kinds = {row.kind: row.id for row in session.scalars(sa.select(MatchRow))}
    answer = client.get(f"/matches/{kinds['same_picture']}/difference")
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.content.startswith(b"\xff\xd8")
    assert client.get(f"/matches/{kinds['same_bytes']}/difference").status_code == 404
