"""The promised share of unfounded flags, and the margin without it, as a manager moves them."""

from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.mislabel import FALSE_ALARMS
from core.services import claims, limits
from core.services.claims import ClaimPromise
from db.engine import reading, transaction
from db.rows import (
    FlagRow,
    ListingRow,
)
from db.states import FlagState, ListingState
from tests.services.claimed import (
    EACH,
    LAMP,
    add_model,
    add_open,
    add_reviewed,
    check,
    work,
)
from tests.services.embedded import add_listings, near
from tests.services.flagged import add_batch


@pytest.fixture
def reviewed(any_engine: sa.Engine, actor: Actor) -> int:
    """A batch of which just enough claims were confirmed."""
    return add_reviewed(any_engine, actor, EACH)


@pytest.fixture
def batch_id(any_engine: sa.Engine, actor: Actor) -> int:
    return add_batch(any_engine, actor, "open")


def see(engine: sa.Engine, actor: Actor, batch_id: int, **asked: str) -> limits.LimitView:
    return limits.get_limit(
        engine, actor=actor, batch_id=batch_id, **({"key": claims.KIND} | asked)
    )


def move(engine: sa.Engine, actor: Actor, value: float | None, **asked: str) -> list[int]:
    """Move a limit and do what follows; return the listings that are flagged then."""
    limits.set_limit(engine, actor=actor, value=value, **({"key": claims.KIND} | asked))
    work(engine)
    with reading(engine) as session:
        query = sa.select(FlagRow.listing_id).where(FlagRow.state == FlagState.OPEN)
        return sorted(session.scalars(query))


def test_a_moved_rate_is_what_the_flags_promise(any_engine, actor, reviewed, batch_id):
    wrong = add_open(any_engine, batch_id)
    check(any_engine, actor, batch_id)
    view = see(any_engine, actor, batch_id)
    assert (view.limit, view.listings, view.job) == (FALSE_ALARMS, 24, "claims")
    assert [photo.listing_id for photo in view.list_beyond(FALSE_ALARMS)] == list(wrong)
    least = view.photos[0].value
    assert view.list_beyond(least * 0.9) == ()

    assert move(any_engine, actor, least * 0.9) == []
    assert move(any_engine, actor, 0.3) == sorted(
        photo.listing_id for photo in view.list_beyond(0.3)
    )

    outlook = claims.get_outlook(any_engine, actor=actor, batch_id=batch_id)
    assert [(each.branch, each.share) for each in outlook.promises] == [(None, 0.3)]


def test_a_branch_with_a_rate_of_its_own_is_judged_by_itself(any_engine, actor, reviewed, batch_id):
    """Else it would borrow from the flags of others, and the promise would not hold for it."""
    mugs = add_open(any_engine, batch_id)
    add_listings(any_engine, batch_id, "lamp", near(1, 20, seed=9), claimed=LAMP)
    lamps = add_listings(any_engine, batch_id, "no-lamp", near(2, 4, seed=9), claimed=LAMP)
    together = {photo.sku: photo.value for photo in check_and_see(any_engine, actor, batch_id)}

    flagged = move(any_engine, actor, 0.2, branch=LAMP)

    others, own = (see(any_engine, actor, batch_id, **asked) for asked in ({}, {"branch": LAMP}))
    caught = sorted(photo.listing_id for photo in own.list_beyond(0.2))
    assert flagged == [*mugs, *caught]
    assert set(lamps) <= set(caught)
    outlook = claims.get_outlook(any_engine, actor=actor, batch_id=batch_id)
    assert outlook.promises == (
        ClaimPromise(None, FALSE_ALARMS, together=4, remaining=4),
        ClaimPromise(LAMP, 0.2, together=len(caught), remaining=len(caught)),
    )
    assert (others.listings, others.elsewhere, others.limit) == (24, 24, FALSE_ALARMS)
    assert (own.listings, own.elsewhere, own.limit) == (24, 0, 0.2)
    alone = {photo.sku: photo.value for photo in (*others.photos, *own.photos)}
    assert alone.keys() == together.keys()
    assert alone != together
    with reading(any_engine) as session:
        details = list(session.scalars(sa.select(FlagRow.detail)))
    kept = {detail["p_value"]: detail["share"] for detail in details}
    assert {photo.value for photo in own.list_beyond(0.2)} <= set(kept.values())


def check_and_see(engine: sa.Engine, actor: Actor, batch_id: int) -> Sequence[limits.MeasuredPhoto]:
    check(engine, actor, batch_id)
    return see(engine, actor, batch_id).photos


def test_a_moved_margin_counts_while_no_rate_can_be_promised(any_engine, actor, batch_id):
    wrong = add_open(any_engine, batch_id)
    add_model(any_engine, {wrong[0]: LAMP}, sure=0.9)
    add_model(any_engine, {wrong[1]: LAMP}, sure=0.4, arch="vit")
    margin = {"key": "claimed_mismatch_margin"}

    view = see(any_engine, actor, batch_id, **margin)
    assert [(photo.listing_id, photo.value) for photo in view.photos] == [
        (wrong[0], pytest.approx(0.9)),
        (wrong[1], pytest.approx(0.4)),
    ]
    assert see(any_engine, actor, batch_id).photos == ()

    assert move(any_engine, actor, 0.3, **margin) == list(wrong[:2])
    assert move(any_engine, actor, 0.95, **margin) == []
    assert move(any_engine, actor, None, **margin) == [wrong[0]]


def test_a_claim_that_is_judged_by_a_rate_has_no_margin(any_engine, actor, reviewed, batch_id):
    wrong = add_open(any_engine, batch_id)
    add_model(any_engine, {wrong[0]: LAMP}, sure=0.9)
    check(any_engine, actor, batch_id)
    assert see(any_engine, actor, batch_id, key="claimed_mismatch_margin").photos == ()


def test_rates_that_can_no_longer_be_promised_are_not_kept(any_engine, actor, reviewed, batch_id):
    add_open(any_engine, batch_id)
    assert check_and_see(any_engine, actor, batch_id)
    with transaction(any_engine) as session:
        session.execute(
            sa.update(ListingRow)
            .where(ListingRow.batch_id == reviewed)
            .values(state=ListingState.NEEDS_REVIEW)
        )
    assert check_and_see(any_engine, actor, batch_id) == ()
