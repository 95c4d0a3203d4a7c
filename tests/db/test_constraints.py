"""What the database itself refuses, whatever the code does."""

from contextlib import nullcontext
from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError, StatementError

from db.engine import reading, transaction
from db.queries.categories import ensure_paths
from db.queries.upsert import insert_missing
from db.rows import (
    AuditFindingRow,
    AuditRow,
    BrandEvidenceRow,
    BrandReferenceRow,
    BrandRow,
    CategoryRow,
    DecisionRow,
    EvaluationRow,
    FlagRow,
    FlagVerdictRow,
    InteractionRow,
    JobRow,
    ListingRow,
    PredictionRow,
    ReplayRow,
    RetrievalRow,
    SessionRow,
    SignInTriesRow,
    UserRow,
)
from db.states import LISTING_TRANSITIONS, ListingState
from tests.db.rows import add_everything, add_listing, make_decision, make_evaluation

BAD_VALUES = [
    (ListingRow, {"state": "lost"}),
    (ListingRow, {"price": -1}),
    (ListingRow, {"doubt": 1.5}),
    (PredictionRow, {"probability": 1.01}),
    (ReplayRow, {"probability": -0.01}),
    (InteractionRow, {"kind": "bought"}),
    (InteractionRow, {"shopper": ""}),
    (RetrievalRow, {"recall_at_1": 1.1}),
    (RetrievalRow, {"mean_precision": -0.1}),
    (RetrievalRow, {"pictures": 0}),
    (RetrievalRow, {"data_digest": "short"}),
    (FlagRow, {"severity": "shout"}),
    (FlagRow, {"state": "maybe"}),
    (FlagVerdictRow, {"verdict": "perhaps"}),
    (JobRow, {"done": 2}),
    (UserRow, {"role": "king"}),
    (SessionRow, {"token_digest": "the token itself"}),
    (SignInTriesRow, {"tries": -1}),
    (EvaluationRow, {"split": "some"}),
    (EvaluationRow, {"pictures": 0}),
    (EvaluationRow, {"subject": "short"}),
    (EvaluationRow, {"data_digest": "short"}),
    (AuditRow, {"photos": 0}),
    (AuditRow, {"false_alarms": 1.1}),
    (AuditRow, {"trusted": -1}),
    (AuditFindingRow, {"wrong": 1.1}),
    (AuditFindingRow, {"rate": -0.1}),
    (AuditFindingRow, {"rank": 0}),
    (BrandRow, {"lowest": -1}),
    (BrandRow, {"lowest": 9, "highest": 8}),
    (BrandReferenceRow, {"kind": "song"}),
    (BrandEvidenceRow, {"score": 1.1}),
    (BrandEvidenceRow, {"reference_id": None}),
]


@pytest.mark.parametrize(("row_class", "values"), BAD_VALUES)
def test_a_bad_value_is_refused(any_engine, row_class, values):
    add_everything(any_engine)

    with pytest.raises(DBAPIError), transaction(any_engine) as session:
        session.execute(update(row_class).values(**values))


def _walk_to(session, listing_id: int, state: ListingState) -> None:
    """Put the listing into the state with the guard out of the way."""
    session.execute(sa.text("DELETE FROM listing_transitions"))
    session.execute(
        sa.text("INSERT INTO listing_transitions SELECT :was, :state"),
        {"was": session.get(ListingRow, listing_id).state, "state": state},
    )
    session.execute(update(ListingRow).values(state=state))


@pytest.mark.parametrize("target", ListingState)
def test_only_the_moves_of_the_table_are_possible(any_engine, target):
    with transaction(any_engine) as session:
        listing_id = add_listing(session).id
    for start in ListingState:
        if start == target:
            continue
        allowed = (start, target) in LISTING_TRANSITIONS
        assert _can_move(any_engine, listing_id, start, target) is allowed, (start, target)


def _can_move(engine, listing_id: int, start: ListingState, target: ListingState) -> bool:
    """Try the move from a fresh start; leave nothing behind."""
    with engine.connect() as connection:
        session = sa.orm.Session(connection)
        if start != ListingState.NEEDS_REVIEW:
            saved = session.execute(sa.text("SELECT * FROM listing_transitions")).all()
            _walk_to(session, listing_id, start)
            session.execute(sa.text("DELETE FROM listing_transitions"))
            for row in saved:
                session.execute(
                    sa.text("INSERT INTO listing_transitions VALUES (:a, :b)"),
                    {"a": row[0], "b": row[1]},
                )
        try:
            session.execute(update(ListingRow).values(state=target))
        except DBAPIError:
            return False
        finally:
            session.rollback()
        return True


@pytest.mark.parametrize(
    ("severity", "state", "allowed"),
    [
        ("block", "open", False),
        ("block", "dismissed", True),
        ("warn", "open", True),
        ("hint", "open", True),
    ],
)
def test_only_an_open_blocking_flag_keeps_a_listing_from_being_published(
    any_engine, severity, state, allowed
):
    add_everything(any_engine)
    with transaction(any_engine) as session:
        session.execute(update(FlagRow).values(severity=severity, state=state))
        session.execute(update(ListingRow).values(state=ListingState.ACCEPTED))
    outcome = (
        nullcontext()
        if allowed
        else pytest.raises(DBAPIError, match="open blocking flag cannot be published")
    )
    with outcome, transaction(any_engine) as session:
        session.execute(sa.text("UPDATE listings SET state = 'published'"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE decisions SET active_ms = 1",
        "DELETE FROM decisions",
        "UPDATE flag_verdicts SET verdict = 'taken_back'",
        "DELETE FROM flag_verdicts",
        "UPDATE audit_verdicts SET label = 'A'",
        "DELETE FROM audit_verdicts",
        "UPDATE check_shares SET planted = 0",
        "UPDATE checks SET category_id = NULL",
        "UPDATE check_answers SET kind = 'skip', category_id = NULL",
        "DELETE FROM check_answers",
        "DELETE FROM check_verdicts",
        "UPDATE brand_outcomes SET outcome = 'unfounded'",
        "DELETE FROM brand_outcomes",
    ],
)
def test_what_a_person_decided_or_said_can_neither_be_changed_nor_deleted(any_engine, statement):
    add_everything(any_engine)

    with pytest.raises(DBAPIError, match="append-only"), transaction(any_engine) as session:
        session.execute(sa.text(statement))


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "accept"},  # without a category
        {"kind": "undo"},  # without what it undoes
        {"kind": "reject", "category_id": 1},
        {"active_ms": -1},
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(any_engine, values):
    add_everything(any_engine)
    with reading(any_engine) as session:
        listing = session.scalars(select(ListingRow)).one()
        user_id = session.scalars(select(UserRow.id)).one()
        decision = make_decision(listing, user_id, key="another", **values)

    with pytest.raises(DBAPIError), transaction(any_engine) as session:
        session.add(decision)


def test_a_second_prediction_of_one_model_for_one_photo_is_not_stored(any_engine):
    add_everything(any_engine)

    with transaction(any_engine) as session:
        row = session.scalars(select(PredictionRow)).one()
        again = {
            "listing_image_id": row.listing_image_id,
            "model_version_id": row.model_version_id,
            "category_id": row.category_id,
            "probability": 0.9,
            "top": [],
        }
        added = insert_missing(
            session, PredictionRow, [again], conflict=["listing_image_id", "model_version_id"]
        )

    assert added == 0


def test_one_subject_has_one_evaluation_of_the_same_pictures(any_engine):
    with transaction(any_engine) as session:
        session.add(make_evaluation(None))
    for changed in ({"split": "validation"}, {"data_digest": "f" * 64}, {"subject": "c" * 64}):
        with transaction(any_engine) as session:
            session.add(make_evaluation(None, **changed))

    with pytest.raises(DBAPIError), transaction(any_engine) as session:
        session.add(make_evaluation(None, data_name="another name"))


def test_a_flag_of_another_listings_photo_is_refused(any_engine):
    add_everything(any_engine)

    with pytest.raises(DBAPIError), transaction(any_engine) as session:
        session.execute(update(FlagRow).values(listing_id=999))


def test_foreign_keys_hold_on_sqlite_too(any_engine):
    with pytest.raises(DBAPIError), transaction(any_engine) as session:
        session.add(DecisionRow(key="k", listing_id=1, listing_version=1, user_id=1, kind="skip"))


def test_times_come_back_as_they_went_in(any_engine):
    with transaction(any_engine) as session:
        session.add(UserRow(name="rita", role="reviewer"))
        session.flush()
        written = session.scalars(select(UserRow.created_at)).one()
    with reading(any_engine) as session:
        read = session.scalars(select(UserRow.created_at)).one()

    assert written == read
    assert read.tzinfo is not None


def test_a_time_without_zone_is_refused(any_engine):
    with pytest.raises(StatementError, match="naive"), transaction(any_engine) as session:
        session.add(
            UserRow(name="rita", role="reviewer", created_at=datetime(2026, 1, 1))  # noqa: DTZ001
        )


@pytest.mark.parametrize("count", [1, 12_000])
def test_categories_are_made_once_with_their_parents(any_engine, count):
    paths = [f"Shop > {number % 7} > {number}" for number in range(count)]
    with transaction(any_engine) as session:
        first = ensure_paths(session, paths)
    with transaction(any_engine) as session:
        second = ensure_paths(session, [*paths, "  Shop>0 "])
        query = select(CategoryRow.path).where(CategoryRow.parent_id.is_(None))
        roots = session.scalars(query).all()

    assert {path: second[path] for path in paths} == first
    assert roots == ["Shop"]
