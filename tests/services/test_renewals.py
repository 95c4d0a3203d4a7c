"""When the worker holds what is undecided against what was decided, without being asked."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.services import chunks, renewals
from core.services.jobs import JobProgress, list_jobs
from core.services.renewals import MORE_REVIEWED, PAUSE
from db.engine import transaction
from db.rows import JobRow, ListingRow, UserRow
from db.states import DecisionKind, JobState
from tests.services.embedded import add_listings, near
from tests.services.flagged import Flagged, add_batch, add_flagged, decide


@pytest.fixture
def batch_id(request: pytest.FixtureRequest, actor: Actor) -> int:
    """A batch in whichever database the test uses; both take some decisions."""
    name = "any_engine" if "any_engine" in request.fixturenames else "engine"
    return add_batch(request.getfixturevalue(name), actor)


def review(
    engine: sa.Engine,
    actor: Actor,
    batch_id: int,
    name: str,
    count: int,
    kind: DecisionKind = DecisionKind.ACCEPT,
) -> list[Flagged]:
    listings = [add_flagged(engine, batch_id, f"{name}-{number}", []) for number in range(count)]
    for each in listings:
        decide(engine, actor, each, kind=kind)
    return listings


def end_jobs(engine: sa.Engine, *, ago: timedelta = 2 * PAUSE) -> None:
    """End all jobs as if they had been asked for so long ago."""
    with transaction(engine) as session:
        session.execute(
            sa.update(JobRow).values(state=JobState.DONE, created_at=datetime.now(UTC) - ago)
        )


def asked(engine: sa.Engine, actor: Actor) -> list[JobProgress]:
    return [job for job in list_jobs(engine, actor=actor) if not job.is_finished]


def test_enough_reviewed_listings_ask_for_a_renewal(any_engine, actor, batch_id):
    add_listings(any_engine, batch_id, "open", near(0, 2), claimed="Home > Mug")
    review(any_engine, actor, batch_id, "first", MORE_REVIEWED - 1)
    assert renewals.ask_when_due(any_engine) is None

    review(any_engine, actor, batch_id, "last", 1)
    assert renewals.ask_when_due(any_engine) is not None
    assert sorted(job.kind for job in asked(any_engine, actor)) == ["claims", "recognition"]
    assert renewals.ask_when_due(any_engine) is None


def test_the_next_one_takes_a_fifth_more_and_a_pause(engine, actor, batch_id):
    add_listings(engine, batch_id, "open", near(0, 2))
    review(engine, actor, batch_id, "a", MORE_REVIEWED)
    renewals.ask_when_due(engine)
    end_jobs(engine)
    with transaction(engine) as session:  # as if there had been many more
        job = session.scalars(sa.select(JobRow).where(JobRow.kind == "recognition")).one()
        before = job.params["reviewed"]
        assert before == MORE_REVIEWED
        job.params = job.params | {"reviewed": before - 10}

    review(engine, actor, batch_id, "b", MORE_REVIEWED - 1)
    assert renewals.ask_when_due(engine) is None  # 59 more, but 49 decisions
    review(engine, actor, batch_id, "c", 1)
    end_jobs(engine, ago=PAUSE / 2)
    assert renewals.ask_when_due(engine) is None
    end_jobs(engine)
    assert renewals.ask_when_due(engine) is not None


def test_a_fifth_of_many_is_more_than_the_least(engine, actor, batch_id):
    add_listings(engine, batch_id, "open", near(0, 2))
    review(engine, actor, batch_id, "a", MORE_REVIEWED)
    renewals.ask_when_due(engine)
    end_jobs(engine)
    with transaction(engine) as session:
        job = session.scalars(sa.select(JobRow).where(JobRow.kind == "recognition")).one()
        job.params = {"reviewed": 500, "decision": 0}
    assert renewals.ask_when_due(engine) is None


def test_what_a_person_asked_for_counts(engine, actor, batch_id):
    add_listings(engine, batch_id, "open", near(0, 2))
    review(engine, actor, batch_id, "a", MORE_REVIEWED)
    renewals.ask_renewal(engine, actor=actor)
    end_jobs(engine)
    assert renewals.ask_when_due(engine) is None


def test_skips_and_rejections_teach_nothing(engine, actor, batch_id):
    add_listings(engine, batch_id, "open", near(0, 2))
    review(engine, actor, batch_id, "a", MORE_REVIEWED, DecisionKind.REJECT)
    assert renewals.ask_when_due(engine) is None


def test_a_renewal_at_work_is_not_asked_for_again(engine, actor, batch_id):
    add_listings(engine, batch_id, "open", near(0, 2))
    renewals.ask_renewal(engine, actor=actor)
    review(engine, actor, batch_id, "a", MORE_REVIEWED)
    with transaction(engine) as session:
        session.execute(sa.update(JobRow).values(created_at=datetime.now(UTC) - 2 * PAUSE))
    assert renewals.ask_when_due(engine) is None
    end_jobs(engine)
    assert renewals.ask_when_due(engine) is not None


def test_it_is_asked_for_in_the_name_of_who_decided_last(any_engine, actor, batch_id):
    with transaction(any_engine) as session:
        user = UserRow(name="rita", role="reviewer")
        session.add(user)
        session.flush()
        rita = Actor(user.id, "rita", "reviewer")
    add_listings(any_engine, batch_id, "open", near(0, 2))
    review(any_engine, actor, batch_id, "a", MORE_REVIEWED)
    review(any_engine, rita, batch_id, "b", 1)

    job_id = renewals.ask_when_due(any_engine)

    with transaction(any_engine) as session:
        assert session.get_one(JobRow, job_id).created_by == rita.id


def test_where_all_is_decided_nothing_is_asked_for(engine, actor, batch_id):
    review(engine, actor, batch_id, "a", MORE_REVIEWED)
    assert renewals.ask_when_due(engine) is None
    with transaction(engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(ListingRow)) == MORE_REVIEWED
    assert list(chunks.list_unfinished(engine, kind="recognition")) == []
