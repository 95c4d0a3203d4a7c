"""Two reviewers at one queue, on SQLite and on Postgres."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ForbiddenError, InvalidInputError, LeasedError
from core.services import decisions, leases, queue
from core.services.decisions import NewDecision
from core.services.queue import LEASE_WINDOW, PAGE_WINDOW, QueueFilter
from db.base import utc_now
from db.engine import transaction
from db.rows import LeaseRow
from db.states import DecisionKind, ListingState, Role
from tests.services.queues import add_listings, add_reviewer

LISTINGS = 200
SHORT_S = 0.2


@pytest.fixture
def rita(any_engine: sa.Engine) -> Actor:
    return add_reviewer(any_engine, "rita")


@pytest.fixture
def sam(any_engine: sa.Engine) -> Actor:
    return add_reviewer(any_engine, "sam")


@pytest.fixture
def listing_ids(any_engine: sa.Engine, actor: Actor) -> Sequence[int]:
    return add_listings(any_engine, actor, count=20)


def take(engine: sa.Engine, actor: Actor, **options: object) -> list[int]:
    page = queue.take_next(engine, actor=actor, only=QueueFilter(), policy="doubt", **options)  # type: ignore[arg-type]
    return [listing.id for listing in page.listings]


def reject(engine: sa.Engine, actor: Actor, listing_id: int) -> None:
    new = NewDecision(str(uuid4()), listing_id, 1, DecisionKind.REJECT)
    decisions.decide(engine, actor=actor, new=new)


def test_two_reviewers_at_once_never_get_the_same_listing(
    any_engine: sa.Engine, actor: Actor, rita: Actor, sam: Actor
) -> None:
    ids = set(add_listings(any_engine, actor, count=LISTINGS))
    before: dict[int, str] = {}
    twice: list[int] = []
    lock = threading.Lock()
    begin = threading.Barrier(2)

    def work(reviewer: Actor) -> int:
        """Take, decide and leave what is decided, until nothing is left."""
        begin.wait()
        done = 0
        while taken := take(any_engine, reviewer, limit=4):
            with lock:
                twice.extend(
                    id_ for id_ in taken if before.get(id_, reviewer.name) != reviewer.name
                )
                before.update(dict.fromkeys(taken, reviewer.name))
            for id_ in taken:
                reject(any_engine, reviewer, id_)
                done += 1
        return done

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(work, (rita, sam)))
    assert twice == []
    assert set(before) == ids
    assert sum(done) == LISTINGS


def test_what_one_has_before_them_nobody_else_is_given(
    any_engine: sa.Engine, rita: Actor, sam: Actor, listing_ids: Sequence[int]
) -> None:
    hers = take(any_engine, rita)
    assert hers == list(listing_ids[:LEASE_WINDOW])
    assert take(any_engine, sam) == list(listing_ids[LEASE_WINDOW : 2 * LEASE_WINDOW])
    assert take(any_engine, rita) == hers, "a second tab of hers shows the same"
    looked_at = queue.list_next(any_engine, actor=sam, only=QueueFilter(), policy="doubt")
    assert not {listing.id for listing in looked_at.listings} & set(hers)


def test_who_closes_the_laptop_blocks_nobody_and_loses_nothing(
    any_engine: sa.Engine, rita: Actor, sam: Actor, listing_ids: Sequence[int]
) -> None:
    hers = take(any_engine, rita, limit=2)
    assert not set(take(any_engine, sam, limit=2)) & set(hers)
    with transaction(any_engine) as session:  # their time is over
        session.execute(sa.update(LeaseRow).values(until=utc_now() - timedelta(seconds=1)))
    assert take(any_engine, sam, limit=2) == hers
    with pytest.raises(LeasedError, match="sam is looking at 'M-000' now"):
        reject(any_engine, rita, hers[0])
    leases.release(any_engine, actor=sam, listing_ids=hers)
    reject(any_engine, rita, hers[0])


def test_a_lease_that_is_renewed_goes_on(
    any_engine: sa.Engine, rita: Actor, sam: Actor, listing_ids: Sequence[int]
) -> None:
    hers = take(any_engine, rita, limit=2, lease_s=SHORT_S)
    assert leases.renew(any_engine, actor=rita, listing_ids=hers) == ()
    time.sleep(1.5 * SHORT_S)
    held = leases.renew(any_engine, actor=sam, listing_ids=[*hers, 10**6])
    assert {(holder.listing_id, holder.by) for holder in held} == {(id_, "rita") for id_ in hers}
    leases.release(any_engine, actor=sam, listing_ids=hers)
    assert not set(take(any_engine, sam)) & set(hers), "nobody gives back what is not theirs"


def test_a_decision_ends_the_lease_and_undoing_it_takes_it_again(
    any_engine: sa.Engine, rita: Actor, sam: Actor, listing_ids: Sequence[int]
) -> None:
    first = take(any_engine, rita, limit=1)[0]
    new = NewDecision(str(uuid4()), first, 1, DecisionKind.SKIP)
    decisions.decide(any_engine, actor=rita, new=new)
    assert take(any_engine, sam, limit=1) == [first]
    reject(any_engine, sam, first)
    assert leases.renew(any_engine, actor=rita, listing_ids=[first]) == ()
    new = NewDecision(str(uuid4()), listing_ids[1], 1, DecisionKind.REJECT)
    decisions.decide(any_engine, actor=rita, new=new)
    decisions.undo(any_engine, actor=rita, key=str(uuid4()), decision_key=new.key)
    assert listing_ids[1] not in take(any_engine, sam)


def test_decided_listings_are_looked_at_by_everybody(
    any_engine: sa.Engine, rita: Actor, sam: Actor, listing_ids: Sequence[int]
) -> None:
    reject(any_engine, rita, listing_ids[0])
    for reviewer in (rita, sam):
        page = queue.take_next(
            any_engine, actor=reviewer, only=QueueFilter(state=ListingState.REJECTED)
        )
        assert [listing.id for listing in page.listings] == [listing_ids[0]]


def test_leases_have_their_limits(
    any_engine: sa.Engine, rita: Actor, listing_ids: Sequence[int]
) -> None:
    assert len(take(any_engine, rita, limit=50)) == min(PAGE_WINDOW, len(listing_ids))
    with pytest.raises(InvalidInputError, match="51 listings are too many"):
        leases.renew(any_engine, actor=rita, listing_ids=range(51))
    staff = Actor(id=rita.id, name="staff", role=Role.STAFF)
    for act in (leases.renew, leases.release):
        with pytest.raises(ForbiddenError):
            act(any_engine, actor=staff, listing_ids=[1])
