"""What reviewers say of flags, on SQLite and on Postgres."""

from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from core.actors import Actor
from core.errors import ConflictError, ForbiddenError, NotFoundError
from core.evaluation import Tally
from core.evaluation.bootstrap import wilson
from core.services import dashboard, decisions, queue, review, verdicts
from core.services.review import RaisedFlag
from db.engine import reading, transaction
from db.queries.categories import ensure_paths
from db.queries.predictions import replace_open_flags
from db.rows import FlagRow, FlagVerdictRow, ListingRow
from db.states import DecisionKind, FlagState, FlagVerdict, ListingState, Role
from tests.services.flagged import BOWL, DETAILS, Flagged, add_batch, add_flagged, decide


@pytest.fixture
def mug(any_engine: sa.Engine, actor: Actor) -> Flagged:
    return add_flagged(any_engine, add_batch(any_engine, actor), "M-1", ["blurry", "dark"])


def judge(
    engine: sa.Engine, actor: Actor, flagged: Flagged, kind: str, *, is_wrong: bool = True
) -> dict[str, RaisedFlag]:
    flags = verdicts.judge(
        engine, actor=actor, listing_image_id=flagged.photo_id, kind=kind, is_wrong=is_wrong
    )
    return {flag.kind: flag for flag in flags}


def said(engine: sa.Engine) -> list[tuple[str, str, int]]:
    with reading(engine) as session:
        rows = session.scalars(select(FlagVerdictRow).order_by(FlagVerdictRow.id)).all()
        assert all(row.created_at for row in rows)
        return [(row.kind, row.verdict, row.user_id) for row in rows]


def looked_at(engine: sa.Engine, actor: Actor) -> dict[str, tuple[int, int]]:
    """Flags that were looked at and flags that were right, by kind."""
    found = verdicts.measure_precision(engine, actor=actor)
    return {kind: (each.count, each.hits) for kind, each in found.items()}


def states_of(engine: sa.Engine, flagged: Flagged) -> dict[str, str]:
    query = select(FlagRow).where(FlagRow.listing_id == flagged.listing_id)
    with reading(engine) as session:
        return {flag.kind: flag.state for flag in session.scalars(query)}


def test_a_flag_said_to_be_wrong_is_shown_last_with_who_said_so(
    any_engine: sa.Engine, actor: Actor, mug: Flagged
) -> None:
    flags = judge(any_engine, actor, mug, "blurry")
    assert [(flag.kind, flag.wrong_by) for flag in flags.values()] == [
        ("dark", None),
        ("blurry", actor.name),
    ]
    listing = review.get_listing(any_engine, actor=actor, listing_id=mug.listing_id)
    assert listing.flags == tuple(flags.values())
    assert listing.version == 1
    assert said(any_engine) == [("blurry", FlagVerdict.WRONG, actor.id)]


def test_a_flag_said_to_be_wrong_is_no_longer_counted_or_filtered_for(
    any_engine: sa.Engine, actor: Actor, mug: Flagged
) -> None:
    judge(any_engine, actor, mug, "blurry")
    batch = dashboard.get_batch(any_engine, actor=actor, batch_id=mug.batch_id)
    assert batch.summary.flags == {"dark": 1}
    only = queue.QueueFilter(flag="blurry")
    assert queue.list_next(any_engine, actor=actor, only=only).remaining == 0


def test_the_same_word_twice_is_kept_once(
    any_engine: sa.Engine, actor: Actor, mug: Flagged
) -> None:
    judge(any_engine, actor, mug, "blurry", is_wrong=False)
    assert said(any_engine) == []
    for _ in range(2):
        judge(any_engine, actor, mug, "blurry")
    assert len(said(any_engine)) == 1


def test_what_was_said_can_be_taken_back_and_both_words_stay(
    any_engine: sa.Engine, actor: Actor, mug: Flagged
) -> None:
    judge(any_engine, actor, mug, "blurry")
    flags = judge(any_engine, actor, mug, "blurry", is_wrong=False)
    assert flags["blurry"].wrong_by is None
    assert [verdict for _, verdict, _ in said(any_engine)] == list(FlagVerdict)
    assert looked_at(any_engine, actor) == {}


def test_a_flag_said_to_be_wrong_is_not_raised_again_and_one_taken_back_is(
    any_engine: sa.Engine, actor: Actor, mug: Flagged
) -> None:
    judge(any_engine, actor, mug, "blurry")
    judge(any_engine, actor, mug, "dark")
    judge(any_engine, actor, mug, "dark", is_wrong=False)
    found = [
        {
            "listing_id": mug.listing_id,
            "listing_image_id": mug.photo_id,
            "kind": kind,
            "severity": "warn",
            "score": 0.9,
            "detail": DETAILS[kind],
        }
        for kind in ("blurry", "dark")
    ]
    with transaction(any_engine) as session:
        replace_open_flags(session, photo_ids=[mug.photo_id], values=found)
    with reading(any_engine) as session:
        flags = {flag.kind: (flag.state, flag.score) for flag in session.scalars(select(FlagRow))}
    assert flags == {"blurry": (FlagState.DISMISSED, 0.5), "dark": (FlagState.OPEN, 0.9)}


def test_who_may_not_review_may_not_judge(any_engine: sa.Engine, mug: Flagged) -> None:
    staff = Actor(id=1, name="sam", role=Role.STAFF)
    with pytest.raises(ForbiddenError):
        judge(any_engine, staff, mug, "blurry")
    assert said(any_engine) == []


def test_a_flag_that_is_not_there_cannot_be_judged(
    any_engine: sa.Engine, actor: Actor, mug: Flagged
) -> None:
    with pytest.raises(NotFoundError, match="no flag 'small'"):
        judge(any_engine, actor, mug, "small")
    with pytest.raises(NotFoundError, match="photo 1000"):
        verdicts.judge(any_engine, actor=actor, listing_image_id=1000, kind="dark", is_wrong=True)


def test_the_flags_of_a_published_listing_stay_as_they_are(
    any_engine: sa.Engine, actor: Actor, mug: Flagged
) -> None:
    decide(any_engine, actor, mug)
    with transaction(any_engine) as session:
        session.execute(sa.update(ListingRow).values(state=ListingState.PUBLISHED))
    with pytest.raises(ConflictError, match="'M-1' is published"):
        judge(any_engine, actor, mug, "blurry")


@pytest.mark.parametrize("kind", [DecisionKind.ACCEPT, DecisionKind.REJECT])
def test_a_decision_looks_at_the_flags_it_was_shown_and_says_nothing_against_them(
    any_engine: sa.Engine, actor: Actor, mug: Flagged, kind: DecisionKind
) -> None:
    assert looked_at(any_engine, actor) == {}
    decide(any_engine, actor, mug, shown=["dark"], kind=kind)
    assert looked_at(any_engine, actor) == {"dark": (1, 1)}


def test_a_skip_looks_at_nothing_and_a_decision_taken_back_does_not_either(
    any_engine: sa.Engine, actor: Actor, mug: Flagged
) -> None:
    decide(any_engine, actor, mug, shown=["dark"], kind=DecisionKind.SKIP)
    made = decide(any_engine, actor, mug, shown=["dark"])
    decisions.undo(any_engine, actor=actor, key=str(uuid4()), decision_key=made.key)
    assert looked_at(any_engine, actor) == {}


def test_precision_is_the_share_not_said_to_be_wrong_with_wilsons_interval(
    any_engine: sa.Engine, actor: Actor, mug: Flagged
) -> None:
    others = [
        add_flagged(any_engine, mug.batch_id, f"N-{number}", ["blurry"]) for number in range(4)
    ]
    for flagged in others[:3]:
        decide(any_engine, actor, flagged, shown=["blurry"])
    judge(any_engine, actor, others[0], "blurry")  # also after its listing was decided
    judge(any_engine, actor, mug, "blurry")  # and before
    found = verdicts.measure_precision(any_engine, actor=actor)
    assert set(found) == {"blurry"}
    assert found["blurry"] == Tally(hits=2, count=4)
    assert found["blurry"].share == wilson(2, 4)
    assert verdicts.measure_precision(any_engine, actor=actor, kinds=["dark"]) == {}


def test_deciding_the_category_closes_the_flag_that_asks_for_it_and_undo_opens_it_again(
    any_engine: sa.Engine, actor: Actor, mug: Flagged
) -> None:
    asked = add_flagged(any_engine, mug.batch_id, "A-1", ["claimed_mismatch", "truncated"])
    made = decide(any_engine, actor, asked)
    assert states_of(any_engine, asked) == {"claimed_mismatch": "confirmed", "truncated": "open"}
    judge(any_engine, actor, asked, "claimed_mismatch")
    judge(any_engine, actor, asked, "claimed_mismatch", is_wrong=False)
    assert states_of(any_engine, asked)["claimed_mismatch"] == FlagState.CONFIRMED
    decisions.undo(any_engine, actor=actor, key=str(uuid4()), decision_key=made.key)
    assert set(states_of(any_engine, asked).values()) == {FlagState.OPEN}


def test_to_reject_a_listing_answers_no_flag(
    any_engine: sa.Engine, actor: Actor, mug: Flagged
) -> None:
    asked = add_flagged(any_engine, mug.batch_id, "A-1", ["claimed_mismatch"])
    decide(any_engine, actor, asked, kind=DecisionKind.REJECT)
    assert states_of(any_engine, asked) == {"claimed_mismatch": "open"}


@pytest.mark.parametrize(("as_claimed", "right"), [(True, 0), (False, 1)])
def test_a_mismatch_was_wrong_where_the_decision_is_what_was_claimed(
    any_engine: sa.Engine, actor: Actor, mug: Flagged, as_claimed: bool, right: int
) -> None:
    asked = add_flagged(any_engine, mug.batch_id, "A-1", ["claimed_mismatch"])
    with transaction(any_engine) as session:
        listing = session.get(ListingRow, asked.listing_id)
        assert listing
        bowl = ensure_paths(session, [BOWL])[BOWL]
        listing.claimed_category_id = listing.suggested_category_id if as_claimed else bowl
    decide(any_engine, actor, asked, shown=["claimed_mismatch"])
    assert looked_at(any_engine, actor) == {"claimed_mismatch": (1, right)}


def test_nobody_without_a_role_sees_the_precision(any_engine: sa.Engine) -> None:
    with pytest.raises(ForbiddenError):
        verdicts.measure_precision(any_engine, actor=Actor(id=1, name="x", role="none"))
