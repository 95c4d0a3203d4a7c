"""What checks say of two reviewers, and settling what they disagree on."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import (
    CatalogError,
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    StaleError,
)
from core.services import adjudication, ledger, publishing, story, team
from core.services.adjudication import Disagreement
from core.services.team import ReviewerFigures
from db.engine import reading
from db.rows import CheckAnswerRow
from db.states import ListingState
from tests.services.checked import BOWL, LAMP, MUG, Shop, add_shop


@pytest.fixture
def shop(any_engine: sa.Engine, actor: Actor) -> Shop:
    return add_shop(any_engine, actor)


def open_ones(shop: Shop) -> tuple[Disagreement, ...]:
    return adjudication.list_disagreements(shop.engine, actor=shop.mona)


def settle(shop: Shop, keep: str, check_id: int) -> None:
    adjudication.settle(shop.engine, actor=shop.mona, check_id=check_id, keep=keep)


def figures(shop: Shop, actor: Actor, name: str) -> ReviewerFigures:
    found = team.measure_team(shop.engine, actor=actor).reviewers
    return next(each for each in found if each.name == name)


def test_only_what_two_disagree_on_comes_up_with_both_words(shop: Shop) -> None:
    shop.second_look(MUG, MUG)
    shop.second_look(None, None)
    listing_id = shop.second_look(MUG, BOWL)
    (found,) = open_ones(shop)
    assert (found.listing_id, found.kept) == (listing_id, None)
    assert found.sha256 is not None
    assert (found.first.by, found.second.by) == ("rita", "omar")
    assert found.first.category is not None
    assert found.second.category is not None
    assert (found.first.category.path, found.second.category.path) == (MUG, BOWL)


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        (MUG, BOWL, ListingState.CORRECTED),
        (BOWL, MUG, ListingState.ACCEPTED),
        (MUG, None, ListingState.REJECTED),
        (None, LAMP, ListingState.CORRECTED),
    ],
)
def test_the_word_that_is_kept_decides_the_listing_and_can_be_taken_back(
    shop: Shop, first: str | None, second: str | None, state: ListingState
) -> None:
    listing_id = shop.second_look(first, second)
    before = shop.stored(listing_id)
    (found,) = open_ones(shop)
    settle(shop, "second", found.check_id)
    settle(shop, "second", found.check_id)
    after = shop.stored(listing_id)
    assert after.state == state
    assert after.decided_category_id == (shop.categories[second] if second else None)
    assert open_ones(shop) == ()
    (settled,) = adjudication.list_disagreements(shop.engine, actor=shop.mona, settled=True)
    assert (settled.kept, settled.settled_by) == ("second", "mona")
    assert settled.kept_word == settled.second
    told = story.get_story(shop.engine, actor=shop.mona, listing_id=listing_id).events
    assert [event.by for event in told if event.kind == "decided"] == ["rita", "mona", "mona"]
    assert "settles what two reviewers said" in told[-1].detail

    adjudication.take_back(shop.engine, actor=shop.mona, check_id=found.check_id)
    adjudication.take_back(shop.engine, actor=shop.mona, check_id=found.check_id)
    restored = shop.stored(listing_id)
    assert (restored.state, restored.decided_category_id) == (
        before.state,
        before.decided_category_id,
    )
    assert [each.check_id for each in open_ones(shop)] == [found.check_id]
    assert ledger.verify(shop.engine, actor=shop.mona).is_sound


def test_to_keep_the_first_word_changes_nothing_but_that_it_is_settled(shop: Shop) -> None:
    listing_id = shop.second_look(MUG, BOWL)
    before, made = shop.stored(listing_id), shop.count_decisions()
    (found,) = open_ones(shop)
    settle(shop, "first", found.check_id)
    assert (shop.stored(listing_id).version, shop.count_decisions()) == (before.version, made)
    assert open_ones(shop) == ()
    with pytest.raises(ConflictError, match="mona has settled 'M-0' otherwise"):
        settle(shop, "second", found.check_id)
    with reading(shop.engine) as session:
        key = session.scalars(sa.select(CheckAnswerRow.key)).one()
    with pytest.raises(StaleError, match="mona has settled 'M-0' since"):
        shop.undo(shop.omar, key)


def test_what_is_published_stays_and_the_word_is_kept(shop: Shop) -> None:
    listing_id = shop.second_look(MUG, BOWL)
    publishing.publish(shop.engine, actor=shop.mona, listing_id=listing_id)
    (found,) = open_ones(shop)
    assert found.is_published
    settle(shop, "second", found.check_id)
    assert shop.stored(listing_id).decided_category_id == shop.categories[MUG]
    assert open_ones(shop) == ()
    adjudication.take_back(shop.engine, actor=shop.mona, check_id=found.check_id)
    assert len(open_ones(shop)) == 1


def test_what_is_back_in_the_queue_is_nobodys_disagreement(shop: Shop) -> None:
    listing_id = shop.second_look(MUG, BOWL)
    (found,) = open_ones(shop)
    shop.undo(shop.rita, shop.get(shop.rita, listing_id).history[0].key)
    assert open_ones(shop) == ()
    with pytest.raises(NotFoundError):
        settle(shop, "second", found.check_id)


def test_what_somebody_decided_since_is_not_taken_back_with_it(shop: Shop) -> None:
    listing_id = shop.second_look(MUG, BOWL)
    (found,) = open_ones(shop)
    settle(shop, "second", found.check_id)
    shop.undo(shop.rita, shop.get(shop.rita, listing_id).history[-1].key)
    shop.decide(shop.rita, listing_id, LAMP)
    with pytest.raises(StaleError, match=f"rita decided 'M-0' first: correct as {LAMP!r}"):
        adjudication.take_back(shop.engine, actor=shop.mona, check_id=found.check_id)
    assert shop.stored(listing_id).decided_category_id == shop.categories[LAMP]


def test_of_two_managers_at_once_one_comes_first(shop: Shop) -> None:
    shop.second_look(MUG, BOWL)
    (found,) = open_ones(shop)

    def keep(side: str) -> bool:
        try:
            settle(shop, side, found.check_id)
        except CatalogError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(keep, ("first", "second"))) == [False, True]
    assert len(adjudication.list_disagreements(shop.engine, actor=shop.mona, settled=True)) == 1
    assert ledger.verify(shop.engine, actor=shop.mona).is_sound


def test_settling_is_for_managers(shop: Shop) -> None:
    shop.second_look(MUG, BOWL)
    (found,) = open_ones(shop)
    for act in (
        lambda: adjudication.list_disagreements(shop.engine, actor=shop.rita),
        lambda: adjudication.settle(
            shop.engine, actor=shop.rita, check_id=found.check_id, keep="first"
        ),
        lambda: adjudication.take_back(shop.engine, actor=shop.rita, check_id=found.check_id),
    ):
        with pytest.raises(ForbiddenError):
            act()
    with pytest.raises(InvalidInputError, match="no side 'third'"):
        settle(shop, "third", found.check_id)
    with pytest.raises(NotFoundError):
        settle(shop, "first", 10**6)


def test_agreement_counts_both_of_a_pair_and_survives_settling(shop: Shop) -> None:
    shop.second_look(MUG, MUG)
    shop.second_look(BOWL, BOWL)
    shop.second_look(MUG, BOWL)
    for _ in range(2):
        found = team.measure_team(shop.engine, actor=shop.mona)
        assert found.agreement is not None
        assert found.agreement.kappa is not None
        assert (found.agreement.pairs, found.agreement.agreed) == (3, 2)
        assert found.agreement.kappa.value == pytest.approx(0.4)
        for name in ("rita", "omar"):
            assert figures(shop, shop.mona, name).checks.agreement == found.agreement
        for each in open_ones(shop):
            settle(shop, "second", each.check_id)


def test_what_is_caught_and_what_is_chosen_unaided_is_counted_for_each(shop: Shop) -> None:
    shop.set_shares(planted=1.0)
    for path in (LAMP, MUG, None):
        (listing,) = (each for each in shop.take(shop.rita, 1) if each.state == "needs_review")
        shop.decide(shop.rita, listing.id, MUG)
        shop.take(shop.omar)
        shop.decide(shop.omar, listing.id, path)
    shop.set_shares(hidden=1.0)
    for path in (MUG, BOWL):
        (listing,) = shop.take(shop.omar, 1)
        shop.decide(shop.omar, listing.id, path)
    found = figures(shop, shop.mona, "omar")
    assert found.checks.caught is not None
    assert (found.checks.caught.hits, found.checks.caught.count) == (2, 3)
    assert found.checks.caught.share.low < 2 / 3 < found.checks.caught.share.high
    assert found.checks.unaided is not None
    assert (found.checks.unaided.hits, found.checks.unaided.count) == (1, 2)
    assert found.checks.agreement is None
    assert (found.pace.decisions, found.pace.active_s) == (5, 5.0)
    assert (found.named, found.corrected) == (2, 1), "an answer to a check corrects nobody"
    assert figures(shop, shop.omar, "omar") == found, "reviewers see their own"
    assert [each.name for each in team.measure_team(shop.engine, actor=shop.omar).reviewers] == [
        "omar"
    ]
    _, line = team.figures_csv([found]).splitlines()
    assert ",3,2,0.6666" in line
