"""What a worker does that nobody asks it for."""

import time
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from core.actors import Actor
from core.services.interactions import KEPT_FOR
from core.settings import Settings
from db.engine import reading, transaction
from db.rows import InteractionRow
from tests.services.embedded import add_listings, near
from tests.services.flagged import add_batch
from tests.worker.conftest import Workers


def test_a_worker_deletes_what_a_shopper_did_too_long_ago(
    engine: sa.Engine, settings: Settings, actor: Actor, workers: Workers
) -> None:
    (listing_id,) = add_listings(engine, add_batch(engine, actor), "Mug", near(0, 1))
    with transaction(engine) as session:
        for shopper, age in (("old", KEPT_FOR + timedelta(hours=1)), ("new", timedelta(days=364))):
            at = datetime.now(UTC) - age
            session.add(
                InteractionRow(shopper=shopper, listing_id=listing_id, kind="viewed", at=at)
            )
    worker = workers.start(settings.model_copy(update={"worker_silent_s": 1.0}))
    until = time.monotonic() + 120
    left = ["old", "new"]
    while len(left) > 1 and time.monotonic() < until:
        time.sleep(0.2)
        with reading(engine) as session:
            left = list(session.scalars(sa.select(InteractionRow.shopper)))
    assert left == ["new"], worker.said
    assert worker.terminate() == 0
