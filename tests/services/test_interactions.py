"""What is kept of shoppers, and for how long."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from core.actors import Actor
from core.errors import InvalidInputError
from core.services import interactions
from core.services.interactions import CLOCK_SKEW, KEPT_FOR, NewInteraction
from db.engine import reading, transaction
from db.rows import InteractionRow
from tests.services.embedded import add_listings, near
from tests.services.flagged import add_batch

SHOPPER = "shopper-71"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def listing_id(any_engine: sa.Engine, actor: Actor) -> int:
    return next(iter(add_listings(any_engine, add_batch(any_engine, actor), "Mug", near(0, 1))))


@pytest.fixture
def record(any_engine: sa.Engine, actor: Actor, listing_id: int):
    def record(*at: datetime) -> int:
        new = [NewInteraction(listing_id, "liked", each) for each in at]
        return interactions.record(any_engine, actor=actor, shopper=SHOPPER, interactions=new)

    return record


def kept(engine: sa.Engine) -> list[datetime]:
    with reading(engine) as session:
        return list(session.scalars(select(InteractionRow.at).order_by(InteractionRow.at)))


def test_what_is_sent_again_is_kept_once(record):
    at = datetime.now(UTC) - timedelta(days=25)
    assert [record(at), record(at), record(at.astimezone(timezone(timedelta(hours=5))))] == [
        1,
        0,
        0,
    ]


def test_what_is_yet_to_come_is_refused_with_its_time_and_nothing_is_kept(any_engine, record):
    now = datetime.now(UTC)
    for at in (now + CLOCK_SKEW + MINUTE, datetime(9999, 1, 1, tzinfo=UTC)):
        with pytest.raises(InvalidInputError, match=rf"{at.year}.*is yet to come.*set the clock"):
            record(now, at)
    assert kept(any_engine) == []
    assert record(now + CLOCK_SKEW - MINUTE) == 1  # clocks differ


def test_what_is_older_than_a_year_is_not_kept(any_engine, record):
    now = datetime.now(UTC)
    young = now - KEPT_FOR + MINUTE
    assert record(now - KEPT_FOR - MINUTE, young) == 1
    assert kept(any_engine) == [young]


def test_what_has_become_old_or_was_never_of_the_past_is_deleted(any_engine, listing_id, record):
    now = datetime.now(UTC)
    with transaction(any_engine) as session:  # as it was before that was refused
        for days in (-9999, -366, -1, 1, 9999):
            at = now + timedelta(days=days)
            session.add(InteractionRow(shopper=SHOPPER, listing_id=listing_id, kind="liked", at=at))
    assert interactions.forget_old(any_engine) == 4
    assert kept(any_engine) == [now - timedelta(days=1)]
    assert interactions.forget_old(any_engine) == 0
