"""What the routes answer, in status, headers and JSON."""

import io
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import anyio
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from api import uploads
from core.flags import FLAG_KINDS
from core.services import queue
from core.services.context import Context
from core.services.imports import ImportReport, import_path
from core.services.queue import QueueFilter, take_next
from core.services.submissions import MAX_ACTS
from tests.services.flagged import add_batch, add_flagged, decide
from tests.services.queues import add_reviewer
from tests.worker.catalog import draw_photos


@pytest.fixture
def report(context: Context, tmp_path: Path) -> ImportReport:
    """A batch of two photos that no model has seen."""
    draw_photos(tmp_path / "photos", count=2)
    return import_path(
        context.engine,
        context.settings,
        actor=context.actor,
        path=tmp_path / "photos",
        batch_name="spring",
    )


@pytest.fixture
def sha256(client: TestClient, report: ImportReport) -> str:
    photo: str = client.get("/review/listings/1").json()["photos"][0]["sha256"]
    return photo


def decision(**changed: object) -> dict[str, object]:
    return {
        "key": str(uuid4()),
        "listing_id": 1,
        "listing_version": 1,
        "kind": "skip",
    } | changed


def submission(*decisions: dict[str, object]) -> dict[str, object]:
    return {"decisions": decisions}


def png(side_px: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side_px, side_px), "red").save(buffer, "PNG")
    return buffer.getvalue()


def test_a_photo_comes_as_a_small_jpeg_that_never_changes(client: TestClient, sha256: str) -> None:
    answer = client.get(f"/images/{sha256}/thumb")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    picture = Image.open(io.BytesIO(answer.content))
    assert (picture.format, max(picture.size)) == ("JPEG", 40)


def test_who_has_a_photo_already_is_told_so(client: TestClient, sha256: str) -> None:
    address = f"/images/{sha256}/thumb"
    tag = client.get(address).headers["etag"]
    for known in (tag, f'"other", W/{tag}'):
        again = client.get(address, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "immutable" in again.headers["cache-control"]
    other = client.get(f"/images/{sha256}/view", headers={"If-None-Match": tag})
    assert other.status_code == 200
    missing = client.get(f"/images/{'0' * 64}/thumb", headers={"If-None-Match": "*"})
    assert missing.status_code == 404


@pytest.mark.parametrize("path", ["/explanations/1", "/explanations/1/agreement"])
def test_who_asks_for_a_heat_map_says_of_which_category(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, "category_id" in answer.json()["message"]) == (422, True)


@pytest.mark.parametrize(
    "path",
    [
        f"/images/{'0' * 64}/thumb",
        f"/images/{'0' * 64}/original",
        f"/images/{'G' * 64}/thumb",
        "/images/short/thumb",
        "/images/..%2f..%2fetc%2fpasswd/thumb",
        "/explanations/0?category_id=1",
        "/explanations/1?category_id=1",
        "/explanations/x?category_id=1",
        f"/explanations/{2**63}?category_id=1",
        "/review/listings/999",
        "/exports/999.csv",
        "/exports/1.exe",
        "/nothing",
    ],
)
def test_what_does_not_exist_is_not_found(
    client: TestClient, report: ImportReport, path: str
) -> None:
    assert client.get(path).status_code == 404


def test_errors_say_in_json_what_was_wrong(client: TestClient) -> None:
    answer = client.get("/review/next", params={"flag": "nonsense"})
    assert answer.status_code == 422
    assert answer.json()["error"] == "InvalidInputError"
    assert "no flag 'nonsense'" in answer.json()["message"]
    answer = client.get("/review/next", params={"limit": 0})
    assert answer.status_code == 422
    assert "limit" in answer.json()["message"]


def test_errors_of_the_framework_are_json_too(client: TestClient) -> None:
    missing = client.get("/nothing")
    assert (missing.status_code, missing.json()["error"]) == (404, "NotFoundError")
    method = client.put("/uploads")
    assert (method.status_code, method.json()["error"]) == (405, "InvalidInputError")
    assert method.headers["allow"] == "POST"
    upload_id = client.post("/uploads").json()["upload_id"]
    body = client.post(
        f"/uploads/{upload_id}/files",
        content=b"no parts",
        headers={"content-type": "multipart/form-data"},
    )
    assert (body.status_code, body.json()["error"]) == (400, "MalformedBodyError")
    assert all(answer.json()["message"] for answer in (missing, method, body))


def test_an_unexpected_error_is_logged_and_not_told(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the secret")

    monkeypatch.setattr(queue, "list_next", fail)
    answer = client.get("/review/next")
    assert answer.status_code == 500
    assert "the secret" not in answer.text
    assert "the secret" in caplog.text


def test_of_decisions_sent_together_each_is_kept_or_refused_by_itself(
    client: TestClient, context: Context
) -> None:
    mug = add_flagged(context.engine, add_batch(context.engine, context.actor), "M-1", [])
    skip = decision(listing_id=mug.listing_id)
    sent = submission(
        decision(listing_id=mug.listing_id, listing_version=9),
        skip,
        decision(listing_id=999),
        undoing := decision(kind="undo", undoes=skip["key"]),
    )
    answer = client.post("/decisions", json=sent)
    assert answer.status_code == 200
    assert [each["error"] for each in answer.json()] == ["StaleError", "", "NotFoundError", ""]
    again = client.post("/decisions", json=sent).json()
    assert [each["outcome"] for each in again] == [each["outcome"] for each in answer.json()]
    history = client.get(f"/review/listings/{mug.listing_id}").json()["history"]
    assert [past["key"] for past in history] == [skip["key"], undoing["key"]]


def test_a_decision_counts_for_nobody_but_who_made_it(
    client: TestClient, context: Context, report: ImportReport
) -> None:
    mine, another = decision(by=context.actor.id), decision(by=context.actor.id + 1)
    answer = client.post("/decisions", json=submission(mine, another))
    assert (answer.status_code, answer.json()["error"]) == (401, "UnauthenticatedError")
    assert client.get("/review/listings/1").json()["history"] == []
    assert client.post("/decisions", json=submission(mine)).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"key": "x"},
        {"kind": "love"},
        {"active_ms": -1},
        {"listing_id": 2**70},
        {"shown": {"flags": ["x"] * 1000}},
        {"shown": {"flags": ["\0"]}},
        {"shown": {"suggestions": [-1]}},
        {"shown": {"policy": "No key"}},
    ],
)
def test_a_malformed_decision_is_refused(client: TestClient, changed: dict[str, object]) -> None:
    sent = submission(decision(), decision(**changed))
    assert client.post("/decisions", json=sent).status_code == 422


@pytest.mark.parametrize("count", [0, MAX_ACTS + 1])
def test_decisions_are_sent_neither_by_none_nor_by_hundreds(client: TestClient, count: int) -> None:
    sent = submission(*(decision() for _ in range(count)))
    assert client.post("/decisions", json=sent).status_code == 422


def test_an_upload_becomes_a_batch(client: TestClient) -> None:
    upload_id = client.post("/uploads").json()["upload_id"]
    files = [
        ("files", ("shoes/red.png", png(16))),
        ("files", ("../../escape.png", png(18))),
        ("files", ("notes.png", b"text")),
    ]
    results = client.post(f"/uploads/{upload_id}/files", files=files).json()
    assert [result["accepted"] for result in results] == [True, False, False]
    assert all(result["message"] for result in results[1:])
    report = client.post(f"/uploads/{upload_id}/finish", json={"batch_name": " Shoes "}).json()
    assert (report["batch_name"], report["accepted"], len(report["refused"])) == ("Shoes", 1, 2)


def test_an_upload_is_told_what_the_catalogue_has_and_may_leave_it_out(client: TestClient) -> None:
    for batch in ("first", "second"):
        upload_id = client.post("/uploads").json()["upload_id"]
        sides = (40,) if batch == "first" else (40, 41)
        files = [("files", (f"{batch}-{side}.png", png(side))) for side in sides]
        client.post(f"/uploads/{upload_id}/files", files=files)
        found = client.post(f"/uploads/{upload_id}/check").json()
        sent = {"batch_name": batch, "duplicates": "skip_same_bytes"}
        report = client.post(f"/uploads/{upload_id}/finish", json=sent).json()
        wrong = client.post(f"/uploads/{upload_id}/finish", json=sent | {"duplicates": "delete"})
        assert wrong.status_code == 422
        assert report["accepted"] == 1
    assert (found["photos"], found["same_file"]) == (2, 1)
    assert found["told"][0]["sku"] == "first-40.png"
    assert [each["name"] for each in report["refused"]] == ["second-40.png"]


def test_an_upload_can_be_thrown_away(client: TestClient) -> None:
    upload_id = client.post("/uploads").json()["upload_id"]
    assert client.delete(f"/uploads/{upload_id}").status_code == 204
    assert client.delete(f"/uploads/{upload_id}").status_code == 404


def test_an_upload_request_takes_fifty_files(client: TestClient) -> None:
    upload_id = client.post("/uploads").json()["upload_id"]
    files = [("files", (f"{number}.png", b"x")) for number in range(51)]
    answer = client.post(f"/uploads/{upload_id}/files", files=files)
    assert (answer.status_code, answer.json()["error"]) == (422, "InvalidInputError")


def test_a_large_upload_request_takes_one_file(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MANY_FILES_BYTES", 100)
    upload_id = client.post("/uploads").json()["upload_id"]
    files = [("files", (f"{number}.png", png(16))) for number in range(2)]
    answer = client.post(f"/uploads/{upload_id}/files", files=files)
    assert (answer.status_code, answer.json()["error"]) == (422, "InvalidInputError")
    assert client.post(f"/uploads/{upload_id}/files", files=files[:1]).status_code == 200


def test_a_client_that_stops_in_the_middle_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stalled() -> AsyncIterator[bytes]:
        await anyio.sleep_forever()
        yield b""

    monkeypatch.setattr(uploads, "STALLED_AFTER_S", 0.01)
    # In a thread of its own: a browser test before it leaves a running loop in this one.
    with ThreadPoolExecutor(1) as pool, pytest.raises(uploads.StalledError):
        pool.submit(anyio.run, uploads._next_piece, stalled()).result()


def test_an_upload_that_became_a_batch_is_not_thrown_away(client: TestClient) -> None:
    upload_id = client.post("/uploads").json()["upload_id"]
    client.post(f"/uploads/{upload_id}/files", files=[("files", ("red.png", png(16)))])
    sent = {"batch_name": "Shoes"}
    first = client.post(f"/uploads/{upload_id}/finish", json=sent)
    assert client.post(f"/uploads/{upload_id}/finish", json=sent).json() == first.json()
    assert client.delete(f"/uploads/{upload_id}").status_code == 409


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\0b"])
def test_an_upload_needs_a_proper_name(client: TestClient, name: str) -> None:
    upload_id = client.post("/uploads").json()["upload_id"]
    answer = client.post(f"/uploads/{upload_id}/finish", json={"batch_name": name})
    assert answer.status_code == 422


@pytest.mark.parametrize("format_key", ["csv", "json", "parquet"])
def test_an_export_is_a_download(client: TestClient, report: ImportReport, format_key: str) -> None:
    answer = client.get(f"/exports/{report.batch_id}.{format_key}")
    assert answer.status_code == 200
    assert f'filename="batch-1.{format_key}"' in answer.headers["content-disposition"]
    assert answer.content


def test_a_flag_can_be_said_to_be_wrong_and_that_taken_back(
    client: TestClient, context: Context
) -> None:
    batch_id = add_batch(context.engine, context.actor)
    mug = add_flagged(context.engine, batch_id, "M-1", ["blurry"])
    address = f"/review/photos/{mug.photo_id}/flags/blurry"
    for is_wrong, said_by in ((True, context.actor.name), (False, None)):
        answer = client.put(address, json={"is_wrong": is_wrong})
        assert answer.status_code == 200
        assert [flag["wrong_by"] for flag in answer.json()] == [said_by]
        shown = client.get(f"/review/listings/{mug.listing_id}").json()
        assert shown["flags"] == answer.json()


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        ("/review/photos/1/flags/blurry", {"is_wrong": True}, 404),
        ("/review/photos/0/flags/blurry", {"is_wrong": True}, 404),
        (f"/review/photos/{2**70}/flags/blurry", {"is_wrong": True}, 404),
        ("/review/photos/1/flags/UP", {"is_wrong": True}, 404),
        ("/review/photos/1/flags/blurry", {}, 422),
    ],
)
def test_a_flag_that_is_not_there_cannot_be_judged(
    client: TestClient, path: str, sent: dict[str, bool], status: int
) -> None:
    assert client.put(path, json=sent).status_code == status


def test_a_listing_is_published_once_no_open_flag_blocks_it(
    client: TestClient, context: Context
) -> None:
    batch_id = add_batch(context.engine, context.actor)
    mug = add_flagged(context.engine, batch_id, "M-1", ["truncated"])
    decide(context.engine, context.actor, mug)
    address = f"/listings/{mug.listing_id}/publish"
    refused = client.post(address)
    assert (refused.status_code, refused.json()["error"]) == (409, "ConflictError")
    assert FLAG_KINDS["truncated"].label in refused.json()["message"]
    client.put(f"/review/photos/{mug.photo_id}/flags/truncated", json={"is_wrong": True})
    assert client.post(address).status_code == 204
    assert client.get(f"/review/listings/{mug.listing_id}").json()["state"] == "published"


def test_the_queue_is_taken_by_post_and_given_back(client: TestClient, context: Context) -> None:
    batch_id = add_batch(context.engine, context.actor)
    mug = add_flagged(context.engine, batch_id, "M-1", ["blurry"])
    asked = {"policy": "flag", "batch": batch_id, "flag": "blurry", "seller": ""}
    for method in ("GET", "POST"):
        page = client.request(method, "/review/next", params=asked).json()
        assert [listing["id"] for listing in page["listings"]] == [mug.listing_id]
    sent = {"listing_ids": [mug.listing_id]}
    assert client.put("/review/leases", json=sent).json() == []
    assert client.post("/review/leases/release", json=sent).status_code == 204


def test_a_listing_somebody_else_has_is_refused_by_name(
    client: TestClient, context: Context
) -> None:
    batch_id = add_batch(context.engine, context.actor)
    mug = add_flagged(context.engine, batch_id, "M-1", [])
    rita = add_reviewer(context.engine, "rita")
    take_next(context.engine, actor=rita, only=QueueFilter())
    sent = {"listing_ids": [mug.listing_id]}
    held = client.put("/review/leases", json=sent).json()
    assert held == [{"listing_id": mug.listing_id, "by": "rita"}]
    late = submission(decision(listing_id=mug.listing_id))
    [answer] = client.post("/decisions", json=late).json()
    assert answer["error"] == "LeasedError"
    assert "rita is looking at 'M-1'" in answer["message"]


@pytest.mark.parametrize(
    "asked",
    [
        {"policy": "nonsense"},
        {"after": "nonsense"},
        {"after": "x" * 5000},
        {"state": "lost"},
        {"category": -1},
        {"seller": "a\0b"},
        {"limit": 25},
    ],
)
def test_a_queue_that_cannot_be_is_refused(client: TestClient, asked: dict[str, str]) -> None:
    assert client.post("/review/next", params=asked).status_code == 422
