"""The queue and decisions, on SQLite and on Postgres."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from core.actors import Actor
from core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    StaleError,
)
from core.services import decisions, queue, review
from core.services.decisions import DecisionOutcome, NewDecision
from core.services.queue import QueueFilter
from core.services.review import ReviewListing
from db.engine import reading, transaction
from db.queries.categories import ensure_paths
from db.rows import (
    BatchRow,
    DecisionRow,
    FlagRow,
    ImageRow,
    ListingImageRow,
    ListingRow,
    ModelVersionRow,
    PredictionRow,
    UserRow,
)
from db.states import DecisionKind, FlagSeverity, ListingState, Role

MUG, BOWL, LAMP = "Home > Kitchen > Mugs", "Home > Kitchen > Bowls", "Home > Lamps"
DOUBTS = (0.1, 0.9, 0.5)


@pytest.fixture
def category_ids(any_engine: sa.Engine) -> dict[str, int]:
    with transaction(any_engine) as session:
        return dict(ensure_paths(session, [MUG, BOWL, LAMP]))


@pytest.fixture
def listing_ids(any_engine: sa.Engine, actor: Actor, category_ids: dict[str, int]) -> Sequence[int]:
    """Three listings that need review, mugs by suggestion, with ``DOUBTS``."""
    with transaction(any_engine) as session:
        batch = BatchRow(name="spring", content_digest="d" * 64, created_by=actor.id)
        session.add(batch)
        session.flush()
        rows = [
            ListingRow(
                batch_id=batch.id,
                sku=f"A-{number}",
                state=ListingState.NEEDS_REVIEW,
                doubt=doubt,
                suggested_category_id=category_ids[MUG],
            )
            for number, doubt in enumerate(DOUBTS)
        ]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


@pytest.fixture
def colleague(any_engine: sa.Engine) -> Actor:
    with transaction(any_engine) as session:
        row = UserRow(name="rita", role=Role.REVIEWER)
        session.add(row)
        session.flush()
        return Actor(id=row.id, name=row.name, role=row.role)


@pytest.fixture
def accept(listing_ids: Sequence[int], category_ids: dict[str, int]) -> NewDecision:
    return NewDecision(
        key=str(uuid4()),
        listing_id=listing_ids[0],
        listing_version=1,
        kind=DecisionKind.ACCEPT,
        category_id=category_ids[MUG],
        active_ms=900,
        shown={"suggestions": [category_ids[MUG]], "model_versions": [], "flags": []},
    )


def undo(engine: sa.Engine, actor: Actor, decision: NewDecision) -> DecisionOutcome:
    return decisions.undo(engine, actor=actor, key=str(uuid4()), decision_key=decision.key)


def get(engine: sa.Engine, actor: Actor, listing_id: int) -> ReviewListing:
    return review.get_listing(engine, actor=actor, listing_id=listing_id)


def count_decisions(engine: sa.Engine) -> int:
    with reading(engine) as session:
        return session.scalar(select(sa.func.count()).select_from(DecisionRow)) or 0


def test_the_most_doubtful_listing_comes_first(
    any_engine: sa.Engine, actor: Actor, listing_ids: Sequence[int]
) -> None:
    page = queue.list_next(any_engine, actor=actor, only=QueueFilter())
    assert [listing.doubt for listing in page.listings] == sorted(DOUBTS, reverse=True)
    assert page.remaining == len(DOUBTS)
    assert page.after is None


def test_pages_follow_each_other_without_gap_or_repeat(
    any_engine: sa.Engine, actor: Actor, listing_ids: Sequence[int]
) -> None:
    seen: list[int] = []
    after = None
    while True:
        page = queue.list_next(any_engine, actor=actor, only=QueueFilter(), after=after, limit=1)
        seen += [listing.id for listing in page.listings]
        after = page.after
        if after is None:
            break
    assert len(seen) == len(set(seen)) == len(listing_ids)


def test_filters_narrow_the_queue(
    any_engine: sa.Engine, actor: Actor, listing_ids: Sequence[int], category_ids: dict[str, int]
) -> None:
    def count(**only: object) -> int:
        narrowed = replace(QueueFilter(), **only)  # type: ignore[arg-type]
        return queue.list_next(any_engine, actor=actor, only=narrowed).remaining

    assert count(category_id=category_ids[MUG]) == 3
    assert count(category_id=category_ids[LAMP]) == 0
    assert count(batch_id=10**6) == 0
    assert count(flag="blurry") == 0
    assert count(state=ListingState.REJECTED) == 0
    with pytest.raises(InvalidInputError, match="no flag 'nonsense'"):
        count(flag="nonsense")
    with pytest.raises(InvalidInputError, match="that are received are not reviewed"):
        count(state=ListingState.RECEIVED)


def test_an_acceptance_moves_the_listing_and_keeps_what_was_shown(
    any_engine: sa.Engine, actor: Actor, accept: NewDecision
) -> None:
    outcome = decisions.decide(any_engine, actor=actor, new=accept)
    assert (outcome.listing_state, outcome.listing_version) == (ListingState.ACCEPTED, 2)
    listing = get(any_engine, actor, accept.listing_id)
    assert listing.decided is not None
    assert listing.decided.path == MUG
    with reading(any_engine) as session:
        row = session.scalars(select(DecisionRow)).one()
        assert (row.shown, row.active_ms) == (accept.shown, accept.active_ms)


def test_a_correction_sets_the_other_category(
    any_engine: sa.Engine, actor: Actor, accept: NewDecision, category_ids: dict[str, int]
) -> None:
    correct = replace(accept, kind=DecisionKind.CORRECT, category_id=category_ids[LAMP])
    outcome = decisions.decide(any_engine, actor=actor, new=correct)
    assert outcome.listing_state == ListingState.CORRECTED
    listing = get(any_engine, actor, accept.listing_id)
    assert listing.decided is not None
    assert listing.decided.path == LAMP


def test_a_correction_to_the_suggestion_is_an_acceptance(
    any_engine: sa.Engine, actor: Actor, accept: NewDecision
) -> None:
    outcome = decisions.decide(
        any_engine, actor=actor, new=replace(accept, kind=DecisionKind.CORRECT)
    )
    assert (outcome.kind, outcome.listing_state) == (DecisionKind.ACCEPT, ListingState.ACCEPTED)


def test_a_skip_is_kept_and_moves_nothing(
    any_engine: sa.Engine, actor: Actor, accept: NewDecision
) -> None:
    skip = replace(accept, kind=DecisionKind.SKIP, category_id=None)
    outcome = decisions.decide(any_engine, actor=actor, new=skip)
    assert (outcome.listing_state, outcome.listing_version) == (ListingState.NEEDS_REVIEW, 1)
    assert count_decisions(any_engine) == 1


def test_a_decision_that_is_sent_again_is_kept_once(
    any_engine: sa.Engine, actor: Actor, accept: NewDecision
) -> None:
    first = decisions.decide(any_engine, actor=actor, new=accept)
    assert decisions.decide(any_engine, actor=actor, new=accept) == first
    assert count_decisions(any_engine) == 1


def test_a_key_stands_for_one_listing_only(
    any_engine: sa.Engine, actor: Actor, accept: NewDecision, listing_ids: Sequence[int]
) -> None:
    decisions.decide(any_engine, actor=actor, new=accept)
    with pytest.raises(ConflictError, match="belongs to another decision"):
        decisions.decide(any_engine, actor=actor, new=replace(accept, listing_id=listing_ids[1]))


def test_a_key_stands_for_one_choice_only(
    any_engine: sa.Engine, actor: Actor, accept: NewDecision
) -> None:
    decisions.decide(any_engine, actor=actor, new=accept)
    other = replace(accept, kind=DecisionKind.REJECT, category_id=None)
    with pytest.raises(ConflictError, match="was sent before with the choice 'accept'"):
        decisions.decide(any_engine, actor=actor, new=other)


def test_who_comes_second_learns_who_decided_what(
    any_engine: sa.Engine, actor: Actor, colleague: Actor, accept: NewDecision
) -> None:
    decisions.decide(any_engine, actor=colleague, new=accept)
    late = replace(accept, key=str(uuid4()), kind=DecisionKind.REJECT, category_id=None)
    with pytest.raises(StaleError, match=f"rita decided 'A-0' first: accept as '{MUG}'"):
        decisions.decide(any_engine, actor=actor, new=late)
    assert get(any_engine, actor, accept.listing_id).state == ListingState.ACCEPTED


def test_a_suggestion_that_changed_cannot_be_accepted(
    any_engine: sa.Engine, actor: Actor, accept: NewDecision, category_ids: dict[str, int]
) -> None:
    with pytest.raises(StaleError, match="the suggestion for 'A-0' has changed"):
        decisions.decide(
            any_engine, actor=actor, new=replace(accept, category_id=category_ids[BOWL])
        )


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"category_id": None}, InvalidInputError),
        ({"kind": DecisionKind.REJECT}, InvalidInputError),
        ({"kind": DecisionKind.UNDO}, InvalidInputError),
        ({"listing_id": 10**6}, NotFoundError),
        ({"kind": DecisionKind.CORRECT, "category_id": 10**6}, NotFoundError),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(
    any_engine: sa.Engine,
    actor: Actor,
    accept: NewDecision,
    changed: dict[str, object],
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        decisions.decide(any_engine, actor=actor, new=replace(accept, **changed))  # type: ignore[arg-type]
    assert count_decisions(any_engine) == 0


def test_an_undone_decision_stays_and_the_listing_comes_back(
    any_engine: sa.Engine, actor: Actor, accept: NewDecision
) -> None:
    decisions.decide(any_engine, actor=actor, new=accept)
    outcome = undo(any_engine, actor, accept)
    assert (outcome.listing_state, outcome.listing_version) == (ListingState.NEEDS_REVIEW, 3)
    listing = get(any_engine, actor, accept.listing_id)
    assert listing.decided is None
    assert [(past.kind, past.undone) for past in listing.history] == [
        (DecisionKind.ACCEPT, True),
        (DecisionKind.UNDO, False),
    ]


def test_a_listing_can_be_decided_again_after_an_undo(
    any_engine: sa.Engine, actor: Actor, accept: NewDecision
) -> None:
    decisions.decide(any_engine, actor=actor, new=accept)
    undo(any_engine, actor, accept)
    again = replace(accept, key=str(uuid4()), listing_version=3)
    assert decisions.decide(any_engine, actor=actor, new=again).listing_version == 4


def test_a_decision_is_undone_once(
    any_engine: sa.Engine, actor: Actor, accept: NewDecision
) -> None:
    decisions.decide(any_engine, actor=actor, new=accept)
    key = str(uuid4())
    first = decisions.undo(any_engine, actor=actor, key=key, decision_key=accept.key)
    assert decisions.undo(any_engine, actor=actor, key=key, decision_key=accept.key) == first
    with pytest.raises(ConflictError, match="undone already"):
        undo(any_engine, actor, accept)
    with pytest.raises(ConflictError, match="cannot be undone"):
        decisions.undo(any_engine, actor=actor, key=str(uuid4()), decision_key=key)


def test_only_the_last_decision_on_a_listing_can_be_undone(
    any_engine: sa.Engine, actor: Actor, accept: NewDecision
) -> None:
    skip = replace(accept, key=str(uuid4()), kind=DecisionKind.SKIP, category_id=None)
    decisions.decide(any_engine, actor=actor, new=skip)
    decisions.decide(any_engine, actor=actor, new=accept)
    with pytest.raises(StaleError, match="local decided 'A-0' first: accept"):
        undo(any_engine, actor, skip)


def test_a_decision_nobody_made_cannot_be_undone(any_engine: sa.Engine, actor: Actor) -> None:
    with pytest.raises(NotFoundError, match="no decision"):
        decisions.undo(any_engine, actor=actor, key=str(uuid4()), decision_key=str(uuid4()))


def test_staff_may_neither_look_nor_decide(any_engine: sa.Engine, accept: NewDecision) -> None:
    staff = Actor(id=1, name="sam", role=Role.STAFF)
    with pytest.raises(ForbiddenError):
        queue.list_next(any_engine, actor=staff, only=QueueFilter())
    with pytest.raises(ForbiddenError):
        decisions.decide(any_engine, actor=staff, new=accept)


def test_a_listing_shows_photos_newest_predictions_and_flags(
    any_engine: sa.Engine, actor: Actor, listing_ids: Sequence[int], category_ids: dict[str, int]
) -> None:
    with transaction(any_engine) as session:
        image = ImageRow(sha256="a" * 64, size_bytes=1, width_px=4, height_px=3, format="PNG")
        session.add(image)
        session.flush()
        photo = ListingImageRow(
            listing_id=listing_ids[0], image_id=image.id, position=0, file_name="a.png"
        )
        session.add(photo)
        session.flush()
        for number, (category, probability) in enumerate([(MUG, 0.6), (BOWL, 0.9)]):
            version = ModelVersionRow(
                arch="vit", digest=str(number) * 64, file_name="v", file_bytes=1,
                parameters=1, labels=[], metrics={},
            )  # fmt: skip
            session.add(version)
            session.flush()
            top = [{"category_id": category_ids[category], "probability": probability}]
            session.add(
                PredictionRow(
                    listing_image_id=photo.id,
                    model_version_id=version.id,
                    category_id=category_ids[category],
                    probability=probability,
                    top=top,
                )
            )
        session.add(
            FlagRow(
                listing_id=listing_ids[0], listing_image_id=photo.id, kind="exact_duplicate",
                severity=FlagSeverity.WARN, score=1.0, detail={"listing_ids": [7]},
            )
        )  # fmt: skip
    listing = get(any_engine, actor, listing_ids[0])
    [shown] = listing.photos
    [opinion] = shown.opinions
    assert [(each.category.path, each.probability) for each in opinion.top] == [(BOWL, 0.9)]
    assert [choice.category.path for choice in listing.choices] == [MUG, BOWL]
    assert "#7" in listing.flags[0].reason
