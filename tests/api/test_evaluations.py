"""The photos of an evaluation, from wherever they lie."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from api.dependencies import get_context
from core.actors import Actor
from core.evaluation import Picture
from core.services.context import Context
from core.services.measuring import make_material, store
from tests.services.evaluated import APPLE, add_version, make_subject, say
from tests.training.trees import draw


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere" / "a.png"
    draw(path, (200, 40, 40), seed=1)
    return path


@pytest.fixture
def evaluation_id(context: Context, photo: Path) -> int:
    digest = hashlib.sha256(photo.read_bytes()).hexdigest()
    pictures = [Picture(str(photo), digest, APPLE)]
    subject = make_subject("vit", add_version(context.engine, "vit"))
    batches = [(pictures, say([APPLE], [APPLE]))]
    material = make_material("shelf", "test", pictures)
    return store(context.engine, context.settings, subject, material, batches)


def test_a_photo_is_shown_as_a_small_jpeg(client: TestClient, evaluation_id: int) -> None:
    for size in ("thumb", "view"):
        answer = client.get(f"/evaluations/{evaluation_id}/photos/0?size={size}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/jpeg"
        assert Image.open(io.BytesIO(answer.content)).size == (48, 40)


def test_who_has_it_is_not_sent_it_again(client: TestClient, evaluation_id: int) -> None:
    address = f"/evaluations/{evaluation_id}/photos/0"
    tag = client.get(address).headers["etag"]
    again = client.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def _remove(photo: Path) -> None:
    photo.unlink()


def _change(photo: Path) -> None:
    draw(photo, (1, 2, 3), seed=9)


@pytest.mark.parametrize(
    ("spoil", "message"), [(_remove, "no longer where"), (_change, "has changed")]
)
def test_a_photo_that_is_gone_or_has_changed_is_not_shown(
    client: TestClient,
    evaluation_id: int,
    photo: Path,
    spoil: Callable[[Path], None],
    message: str,
) -> None:
    spoil(photo)
    answer = client.get(f"/evaluations/{evaluation_id}/photos/0")
    assert answer.status_code == 410
    assert message in answer.json()["message"]


def test_what_was_shown_before_needs_no_file(
    client: TestClient, evaluation_id: int, photo: Path
) -> None:
    address = f"/evaluations/{evaluation_id}/photos/0"
    before = client.get(address).content
    photo.unlink()
    assert client.get(address).content == before


@pytest.mark.parametrize(
    "address",
    [
        "/evaluations/{id}/photos/1",
        "/evaluations/{id}/photos/-1",
        "/evaluations/{id}/photos/99999999999999999999",
        "/evaluations/{id}/photos/..%2F..%2Fetc",
        "/evaluations/{id}/photos/0?size=huge",
        "/evaluations/77/photos/0",
        "/evaluations/0/photos/0",
    ],
)
def test_what_does_not_exist_is_not_found(
    client: TestClient, evaluation_id: int, address: str
) -> None:
    answer = client.get(address.format(id=evaluation_id))
    assert answer.status_code == 404
    assert answer.json()["message"]


def test_who_may_not_see_dashboards_sees_no_photo(
    client: TestClient, context: Context, evaluation_id: int
) -> None:
    reviewer = replace(context, actor=Actor(id=9, name="rita", role="reviewer"))
    client.app.dependency_overrides[get_context] = lambda: reviewer  # type: ignore[attr-defined]
    assert client.get(f"/evaluations/{evaluation_id}/photos/0").status_code == 403
