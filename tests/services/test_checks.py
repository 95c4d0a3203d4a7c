"""Listings that are checks: given out, seen, answered, taken back, on SQLite and on Postgres."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from uuid import uuid4

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError, StaleError
from core.services import (
    checks,
    decisions,
    duplicates,
    leases,
    ledger,
    new_products,
    publishing,
    queue,
    story,
)
from core.services.checks import OFF, Shares
from core.services.decisions import NewDecision
from core.services.duplicates import DuplicateGroup, DuplicateListing
from core.services.new_products import Chosen
from core.services.queue import QueueFilter
from db.engine import reading, transaction
from db.queries import checks as check_queries
from db.rows import CheckAnswerRow, CheckRow, DecisionRow, FlagRow, ListingImageRow
from db.states import DecisionKind, ListingState
from tests.services.checked import BOWL, MUG, Shop, add_shop, ids
from tests.services.flagged import DETAILS, add_batch


@pytest.fixture
def shop(any_engine: sa.Engine, actor: Actor) -> Shop:
    return add_shop(any_engine, actor)


def test_a_decided_listing_comes_to_another_as_if_nobody_had_decided(shop: Shop) -> None:
    listing_id = shop.give_to_omar(second=1.0)
    for seen in (shop.get(shop.omar, listing_id), *shop.take(shop.omar)):
        assert seen.state == ListingState.NEEDS_REVIEW
        assert (seen.decided, seen.history) == (None, ())
        assert seen.suggested is not None
        assert seen.suggested.path == MUG
    other = shop.get(shop.rita, listing_id)
    assert (other.state, len(other.history)) == (ListingState.ACCEPTED, 1)
    assert leases.renew(shop.engine, actor=shop.omar, listing_ids=[listing_id]) == ()
    looked_at = queue.list_next(
        shop.engine, actor=shop.omar, only=QueueFilter(state=ListingState.ACCEPTED)
    )
    assert [each.state for each in looked_at.listings] == [ListingState.NEEDS_REVIEW]


def test_who_decided_is_never_given_the_same_again(shop: Shop) -> None:
    shop.decide(shop.rita, shop.listing_ids[0], MUG)
    shop.set_shares(second=1.0, planted=1.0)
    assert shop.listing_ids[0] not in ids(shop.take(shop.rita, 4))


def test_a_reload_draws_the_same(shop: Shop) -> None:
    for listing_id in shop.listing_ids[:3]:
        shop.decide(shop.rita, listing_id, MUG)
    shop.set_shares(second=1.0, hidden=1.0)
    first = shop.take(shop.omar, 2)
    assert shop.take(shop.omar, 2) == first
    assert len(first) == 3
    with reading(shop.engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(CheckRow)) == 3


def test_a_listing_is_one_check_however_many_requests_draw_at_once(shop: Shop) -> None:
    for listing_id in shop.listing_ids[:2]:
        shop.decide(shop.rita, listing_id, MUG)
    shop.set_shares(second=1.0, planted=1.0)
    people = [shop.omar, shop.mona] * 2
    together = Barrier(len(people))

    def draw(actor: Actor, listing_id: int) -> None:  # no two take the same lease
        together.wait()
        with transaction(shop.engine) as session:
            checks.give_out(
                session,
                actor=actor,
                listing_ids=[listing_id],
                only=QueueFilter(),
                by_flag=False,
                is_start=True,
            )

    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(draw, people, shop.listing_ids[2:]))
    with reading(shop.engine) as session:
        drawn = sorted(session.scalars(sa.select(CheckRow.listing_id)))
    assert drawn == shop.listing_ids[:2]


def test_an_answer_is_no_decision_and_the_listing_stays(shop: Shop) -> None:
    listing_id = shop.give_to_omar(second=1.0)
    before = shop.stored(listing_id)
    outcome = shop.decide(shop.omar, listing_id, BOWL)
    assert (outcome.kind, outcome.listing_state) == (DecisionKind.CORRECT, ListingState.CORRECTED)
    after = shop.stored(listing_id)
    assert (after.state, after.version) == (before.state, before.version)
    assert after.decided_category_id == shop.categories[MUG]
    assert shop.count_decisions() == 1
    assert ledger.verify(shop.engine, actor=shop.mona).is_sound
    assert shop.get(shop.omar, listing_id).state == ListingState.ACCEPTED, "the secret is out"
    assert listing_id not in ids(shop.take(shop.omar))


def test_an_answer_that_is_sent_again_is_kept_once(shop: Shop) -> None:
    listing_id = shop.give_to_omar(second=1.0)
    new = NewDecision(
        str(uuid4()), listing_id, 2, DecisionKind.ACCEPT, category_id=shop.categories[MUG]
    )
    first = decisions.decide(shop.engine, actor=shop.omar, new=new)
    assert decisions.decide(shop.engine, actor=shop.omar, new=new) == first
    other = replace(new, kind=DecisionKind.REJECT, category_id=None)
    with pytest.raises(ConflictError, match="belongs to another decision"):
        decisions.decide(shop.engine, actor=shop.omar, new=other)
    with pytest.raises(StaleError, match="you decided 'M-0' already"):
        decisions.decide(shop.engine, actor=shop.omar, new=replace(new, key=str(uuid4())))
    shop.undo(shop.omar, new.key)
    no_category = replace(new, key=str(uuid4()), kind=DecisionKind.REJECT, category_id=None)
    decisions.decide(shop.engine, actor=shop.omar, new=no_category)
    skipped = replace(no_category, kind=DecisionKind.SKIP)
    with pytest.raises(ConflictError, match="belongs to another decision"):
        decisions.decide(shop.engine, actor=shop.omar, new=skipped)
    shop.undo(shop.omar, no_category.key)
    unknown = replace(new, key=str(uuid4()), kind=DecisionKind.CORRECT, category_id=10**6)
    with pytest.raises(NotFoundError, match="no category"):
        decisions.decide(shop.engine, actor=shop.omar, new=unknown)


def test_an_answer_is_taken_back_once_however_often_at_once(shop: Shop) -> None:
    listing_id = shop.give_to_omar(second=1.0)
    made = shop.decide(shop.omar, listing_id, BOWL)
    together = Barrier(4)

    def undo(_: int) -> bool:
        together.wait()
        try:
            shop.undo(shop.omar, made.key)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(undo, range(4))) == [False, False, False, True]


def test_an_answer_is_taken_back_and_given_anew(shop: Shop) -> None:
    listing_id = shop.give_to_omar(second=1.0)
    made = shop.decide(shop.omar, listing_id, BOWL)
    key = str(uuid4())
    undone = decisions.undo(shop.engine, actor=shop.omar, key=key, decision_key=made.key)
    assert (undone.kind, undone.listing_state) == (DecisionKind.UNDO, ListingState.NEEDS_REVIEW)
    again = decisions.undo(shop.engine, actor=shop.omar, key=key, decision_key=made.key)
    assert again.key == key
    with pytest.raises(ConflictError, match="undone already"):
        shop.undo(shop.omar, made.key)
    with pytest.raises(ConflictError, match="cannot be undone"):
        shop.undo(shop.omar, key)
    with pytest.raises(NotFoundError):
        shop.undo(shop.rita, made.key)
    assert shop.get(shop.omar, listing_id).state == ListingState.NEEDS_REVIEW
    assert shop.decide(shop.omar, listing_id, MUG).kind == DecisionKind.ACCEPT
    assert shop.stored(listing_id).state == ListingState.ACCEPTED


@pytest.mark.parametrize("page", ["duplicates", "new products"])
def test_what_is_done_to_it_on_another_page_is_no_answer(shop: Shop, page: str) -> None:
    listing_id = shop.give_to_omar(second=1.0)
    version = shop.stored(listing_id).version
    if page == "duplicates":
        shown = [
            DuplicateListing(id_, version, "M", "", "", ListingState.ACCEPTED, "", 1, 1, 1)
            for id_ in (listing_id, shop.listing_ids[1])
        ]
        group = DuplicateGroup(1, tuple(shown), "", (), ())
        keep = shop.listing_ids[1]
        settled = duplicates.keep_one(shop.engine, actor=shop.omar, group=group, listing_id=keep)
        made, refused = settled.rejected, settled.refused
    else:
        omar = Actor(shop.omar.id, shop.omar.name, "manager")
        chosen = [Chosen(listing_id, version, str(uuid4()))]
        opened = new_products.open_category(shop.engine, actor=omar, path=BOWL, chosen=chosen)
        made, refused = opened.decided, opened.refused
    assert (made, len(refused)) == ((), 1), "somebody had decided it"
    with reading(shop.engine) as session:
        assert session.scalars(sa.select(CheckAnswerRow)).all() == []


def test_only_the_latest_checks_of_a_person_wait(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = shop.listing_ids[0], shop.listing_ids[-1]
    shop.decide(shop.rita, older, MUG)
    shop.set_shares(second=1.0)
    assert older in ids(shop.take(shop.omar))
    shop.decide(shop.mona, newer, MUG)
    shop.set_shares(planted=1.0)
    assert {older, newer} <= set(ids(shop.take(shop.omar)))
    monkeypatch.setattr(check_queries, "LATEST_CHECKS", 1)
    seen = ids(shop.take(shop.omar))
    assert (older in seen, newer in seen) == (False, True)


def test_a_draw_looks_up_what_was_decided_last_and_goes_through_nothing_else(
    engine: sa.Engine, actor: Actor
) -> None:
    shop = add_shop(engine, actor)
    plans: list[str] = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def explain(_c, cursor, statement, parameters, _context, _many) -> None:
        if statement.startswith("WITH latest"):
            rows = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.append("\n".join(row[-1] for row in rows))

    shop.give_to_omar(second=1.0, planted=1.0)
    assert len(plans) == 2, "one for each kind of check on what is decided"
    for plan in plans:
        assert "SEARCH listings USING INTEGER PRIMARY KEY" in plan
        assert "ix_listings" not in plan, plan
        assert "ix_decisions_user_id" not in plan, plan


def test_a_check_that_is_put_off_waits(shop: Shop) -> None:
    listing_id = shop.give_to_omar(second=1.0)
    skip = NewDecision(str(uuid4()), listing_id, 2, DecisionKind.SKIP)
    outcome = decisions.decide(shop.engine, actor=shop.omar, new=skip)
    assert (outcome.listing_state, outcome.listing_version) == (ListingState.NEEDS_REVIEW, 2)
    assert listing_id in ids(shop.take(shop.omar))
    assert shop.count_decisions() == 1


def test_a_check_ends_with_the_decision_that_it_is_on(shop: Shop) -> None:
    shop.set_shares(second=1.0)
    listing_id = shop.listing_ids[0]
    first = shop.decide(shop.rita, listing_id, MUG)
    assert listing_id in ids(shop.take(shop.omar))
    stale = NewDecision(str(uuid4()), listing_id, 2, DecisionKind.REJECT)
    shop.undo(shop.rita, first.key)
    with pytest.raises(StaleError, match="rita"):
        decisions.decide(shop.engine, actor=shop.omar, new=stale)
    assert shop.stored(listing_id).state == ListingState.NEEDS_REVIEW


def test_a_hidden_suggestion_is_nowhere_and_the_decision_counts(shop: Shop) -> None:
    shop.set_shares(hidden=1.0)
    (seen,) = shop.take(shop.omar, 1)
    assert (seen.suggested, seen.source, seen.choices) == (None, "hidden", ())
    assert seen.photos[0].opinions == ()
    assert shop.get(shop.omar, seen.id) == seen
    assert shop.get(shop.rita, seen.id).suggested is not None
    made = shop.decide(shop.omar, seen.id, MUG)
    assert (made.kind, made.listing_state) == (DecisionKind.ACCEPT, ListingState.ACCEPTED)
    assert shop.stored(seen.id).decided_category_id == shop.categories[MUG]
    with reading(shop.engine) as session:
        (kept,) = session.scalars(sa.select(DecisionRow)).all()
    assert kept.shown["check"] == "hidden"
    assert ledger.verify(shop.engine, actor=shop.mona).is_sound
    told = story.get_story(shop.engine, actor=shop.mona, listing_id=seen.id)
    assert "without the suggestion" in told.events[-1].detail
    shop.undo(shop.omar, made.key)
    assert shop.get(shop.omar, seen.id).source == "hidden"


def test_the_story_of_a_check_keeps_the_secret_until_it_is_answered(shop: Shop) -> None:
    listing_id = shop.give_to_omar(planted=1.0)

    def kinds(actor: Actor) -> set[str]:
        found = story.get_story(shop.engine, actor=actor, listing_id=listing_id)
        return {event.kind for event in found.events}

    assert kinds(shop.omar) == {"uploaded"}
    assert kinds(shop.rita) == {"uploaded", "classified", "decided"}
    shop.decide(shop.omar, listing_id, MUG)
    assert kinds(shop.omar) == kinds(shop.rita)


def test_publishing_waits_for_no_check(shop: Shop) -> None:
    listing_id = shop.give_to_omar(second=1.0)
    publishing.publish(shop.engine, actor=shop.mona, listing_id=listing_id)
    assert shop.get(shop.omar, listing_id).state == ListingState.NEEDS_REVIEW
    shop.decide(shop.omar, listing_id, BOWL)
    stored = shop.stored(listing_id)
    assert (stored.state, stored.decided_category_id) == (
        ListingState.PUBLISHED,
        shop.categories[MUG],
    )


def test_a_view_holds_no_check_that_is_not_of_it(shop: Shop, actor: Actor) -> None:
    listing_id = shop.listing_ids[0]
    shop.decide(shop.rita, listing_id, MUG)
    shop.set_shares(second=1.0, planted=1.0)
    other = add_batch(shop.engine, actor, "autumn")
    mug, bowl = shop.categories[MUG], shop.categories[BOWL]
    for view in ({"batch_id": other}, {"category_id": bowl}, {"seller": "Kera"}, {"flag": "dark"}):
        assert shop.take(shop.omar, **view) == ()
    taken = shop.take(shop.omar, batch_id=shop.stored(listing_id).batch_id, category_id=mug)
    assert listing_id in ids(taken)
    assert all(each.suggested and each.suggested.id == mug for each in taken)


def test_a_queue_of_flags_hides_nothing(shop: Shop) -> None:
    with transaction(shop.engine) as session:
        photo = session.scalars(sa.select(ListingImageRow).limit(1)).one()
        session.add(
            FlagRow(
                listing_id=photo.listing_id, listing_image_id=photo.id, kind="dark",
                severity="warn", score=0.5, detail=DETAILS["dark"],
            )
        )  # fmt: skip
        listing_id = photo.listing_id
    shop.set_shares(hidden=1.0)
    (seen,) = shop.take(shop.omar, flag="dark")
    assert (seen.id, seen.source) == (listing_id, "models")
    (seen,) = shop.take(shop.omar, 1)
    assert (seen.id, seen.source) == (listing_id, "hidden")


def test_off_is_off_at_once(shop: Shop) -> None:
    listing_id = shop.give_to_omar(second=1.0, hidden=1.0)
    checks.set_shares(shop.engine, actor=shop.mona, shares=OFF)
    assert not checks.are_on_for(shop.engine, actor=shop.omar)
    assert shop.get(shop.omar, listing_id).state == ListingState.ACCEPTED
    taken = shop.take(shop.omar)
    assert listing_id not in ids(taken)
    assert all(each.suggested for each in taken)
    shop.decide(shop.omar, taken[0].id, MUG)
    with reading(shop.engine) as session:
        assert all("check" not in row.shown for row in session.scalars(sa.select(DecisionRow)))


def test_who_works_alone_without_accounts_is_not_checked(shop: Shop, actor: Actor) -> None:
    shop.decide(shop.rita, shop.listing_ids[0], MUG)
    shop.set_shares(second=1.0, hidden=1.0, planted=1.0)
    assert ids(shop.take(actor)) == list(shop.listing_ids[1:3])
    assert not checks.are_on_for(shop.engine, actor=actor)
    assert checks.are_on_for(shop.engine, actor=shop.omar)


def test_two_at_once_are_each_given_their_own(shop: Shop) -> None:
    for listing_id in shop.listing_ids[:2]:
        shop.decide(shop.rita, listing_id, MUG)
    shop.set_shares(second=1.0)
    with ThreadPoolExecutor(2) as pool:
        omars, monas = pool.map(lambda who: ids(shop.take(who, 1)), (shop.omar, shop.mona))
    real = set(shop.listing_ids[2:])
    assert len(omars) == len(monas) == 2
    assert not set(omars) & set(monas) & real


def test_the_shares_have_their_bounds_and_their_permission(shop: Shop) -> None:
    wanted = Shares(second=0.05, hidden=0.0, planted=0.02)
    checks.set_shares(shop.engine, actor=shop.mona, shares=wanted)
    assert checks.get_shares(shop.engine, actor=shop.rita) == wanted
    for share in (-0.01, 0.5, float("nan")):
        with pytest.raises(InvalidInputError, match="Wrong suggestion"):
            checks.set_shares(shop.engine, actor=shop.mona, shares=Shares(planted=share))
    with pytest.raises(ForbiddenError):
        checks.set_shares(shop.engine, actor=shop.rita, shares=OFF)
    assert Shares() == Shares(0.03, 0.02, 0.01)
