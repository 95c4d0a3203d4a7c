"""Shoppers through the API."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from core.actors import Actor
from db.engine import transaction
from db.rows import ListingRow
from tests.services.embedded import add_listings, near
from tests.services.flagged import add_batch

SHOPPER = "/shoppers/s-71"


@pytest.fixture
def mugs(engine: sa.Engine, actor: Actor) -> list[int]:
    batch_id = add_batch(engine, actor)
    add_listings(engine, batch_id, "lamp", near(1, 4), category="Home > Lamp")
    return list(add_listings(engine, batch_id, "mug", near(0, 4), category="Home > Mug"))


def publish(engine: sa.Engine) -> None:
    with transaction(engine) as session:
        session.execute(sa.update(ListingRow).values(state="published"))


def test_likes_come_in_recommendations_go_out_and_all_is_wiped(
    client: TestClient, engine: sa.Engine, mugs: list[int]
) -> None:
    at = (datetime.now(UTC) - timedelta(days=25)).isoformat()
    sent = {"interactions": [{"listing_id": mugs[0], "kind": "liked", "at": at}]}
    for kept in (1, 0):
        answer = client.post(f"{SHOPPER}/interactions", json=sent)
        assert (answer.status_code, answer.json()) == (200, {"interactions": kept})
    asked = f"{SHOPPER}/recommendations"
    assert client.get(asked).json()["hits"] == []  # nothing is published
    publish(engine)
    found = client.get(asked, params={"count": 3}).json()
    assert found["by"] == "profile"
    assert sorted(hit["listing_id"] for hit in found["hits"]) == mugs[1:]
    other = client.get(asked, params={"category": "Home > Lamp"}).json()
    assert len(other["hits"]) == 4
    assert client.delete(SHOPPER).json() == {"interactions": 1}
    assert client.get(asked).json()["by"] == "popular"


@pytest.mark.parametrize(
    "wrong",
    [
        {"listing_id": 1, "kind": "bought"},
        {"listing_id": 1, "kind": "liked", "at": "2026-11-01T10:00"},  # of which zone?
        {"listing_id": 2**63, "kind": "liked"},
        {"listing_id": 1, "kind": "liked", "at": "0001-01-01T00:00+14:00"},
        {"listing_id": 1, "kind": "liked", "at": "9999-12-31T23:59-12:00"},
    ],
)
def test_what_is_no_interaction_is_refused(
    client: TestClient, mugs: list[int], wrong: dict[str, object]
) -> None:
    assert client.post(f"{SHOPPER}/interactions", json={"interactions": [wrong]}).status_code == 422
    assert client.get(f"{SHOPPER}/recommendations", params={"count": 101}).status_code == 422
    assert client.get(f"/shoppers/{'x' * 201}/recommendations").status_code == 404
