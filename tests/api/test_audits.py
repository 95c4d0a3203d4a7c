"""The photos of a label audit: those it recorded, and no others."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from api.dependencies import get_context
from core.actors import Actor
from core.services.context import Context
from tests.services.audited import add_audit


@pytest.fixture
def shelf(context: Context, tmp_path: Path) -> Path:
    """A folder of photos that is audited; its audit is number 1."""
    folder = tmp_path / "shelf"
    assert add_audit(context.engine, context.settings, folder) == 1
    return folder


def test_a_photo_is_shown_as_a_small_jpeg_once(client: TestClient, shelf: Path) -> None:
    answer = client.get("/audits/1/photos/5?size=view")
    assert answer.status_code == 200
    assert Image.open(io.BytesIO(answer.content)).size == (48, 40)
    tag = answer.headers["etag"]
    again = client.get("/audits/1/photos/5?size=view", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_a_photo_that_is_gone_or_has_changed_is_not_shown(client: TestClient, shelf: Path) -> None:
    (shelf / "0.png").unlink()
    (shelf / "1.png").write_bytes((shelf / "2.png").read_bytes())
    for index, message in ((0, "where the audit found it"), (1, "has changed since the audit")):
        answer = client.get(f"/audits/1/photos/{index}")
        assert answer.status_code == 410
        assert message in answer.json()["message"]


@pytest.mark.parametrize(
    "address",
    [
        "/audits/1/photos/7",  # it could not be read, so nothing is known of its content
        "/audits/1/photos/8",
        "/audits/1/photos/-1",
        "/audits/1/photos/..%2F..%2Fetc%2Fpasswd",
        "/audits/1/photos/0?size=huge",
        "/audits/77/photos/0",
    ],
)
def test_what_the_audit_did_not_see_is_not_found(
    client: TestClient, shelf: Path, address: str
) -> None:
    answer = client.get(address)
    assert answer.status_code == 404
    assert answer.json()["message"]


def test_who_may_not_review_sees_no_photo(
    client: TestClient, context: Context, shelf: Path
) -> None:
    staff = replace(context, actor=Actor(id=9, name="Sam", role="staff"))
    client.app.dependency_overrides[get_context] = lambda: staff  # type: ignore[attr-defined]
    assert client.get("/audits/1/photos/0").status_code == 403
