"""What each reviewer did, on SQLite and on Postgres."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ForbiddenError
from core.services import team
from core.services.team import ReviewerFigures
from db.engine import transaction
from db.queries.categories import ensure_paths
from db.rows import DecisionRow
from db.states import DecisionKind
from tests.services.flagged import MUG, add_batch, add_flagged
from tests.services.queues import add_reviewer

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NAMING = (DecisionKind.ACCEPT, DecisionKind.CORRECT)


class Desk:
    """One listing, and acts on it at any time."""

    def __init__(self, engine: sa.Engine, actor: Actor) -> None:
        self.engine = engine
        self.rita = add_reviewer(engine, "rita")
        self.omar = add_reviewer(engine, "omar")
        self.listing_id = add_flagged(engine, add_batch(engine, actor), "M-1", []).listing_id
        with transaction(engine) as session:
            self.category_id = ensure_paths(session, [MUG])[MUG]

    def act(self, by: Actor, kind: DecisionKind, minutes: float, undoes: int | None = None) -> int:
        with transaction(self.engine) as session:
            row = DecisionRow(
                key=str(uuid4()),
                listing_id=self.listing_id,
                listing_version=1,
                user_id=by.id,
                kind=kind,
                category_id=self.category_id if kind in NAMING else None,
                undoes_id=undoes,
                active_ms=0 if kind == DecisionKind.UNDO else 6000,
                created_at=NINE + timedelta(minutes=minutes),
            )
            session.add(row)
            session.flush()
            return row.id


@pytest.fixture
def desk(any_engine: sa.Engine, actor: Actor) -> Desk:
    return Desk(any_engine, actor)


def only(desk: Desk, actor: Actor, **period: datetime) -> ReviewerFigures:
    (found,) = team.measure_team(desk.engine, actor=actor, **period).reviewers
    return found


def test_pace_and_corrections_are_of_what_stands(desk: Desk) -> None:
    desk.act(desk.rita, DecisionKind.ACCEPT, 0)
    desk.act(desk.rita, DecisionKind.CORRECT, 1)
    desk.act(desk.rita, DecisionKind.REJECT, 2)
    desk.act(desk.rita, DecisionKind.SKIP, 3)
    mistake = desk.act(desk.rita, DecisionKind.CORRECT, 4)
    desk.act(desk.rita, DecisionKind.UNDO, 5, undoes=mistake)
    found = only(desk, desk.rita)
    assert (found.name, found.pace.decisions, found.skipped, found.undone) == ("rita", 3, 1, 1)
    assert (found.named, found.corrected) == (2, 1)
    assert found.correction_rate is not None
    assert found.correction_rate.low < found.correction_rate.value == 0.5
    assert found.pace.at_work_s == 6 + 5 * 60
    assert found.pace.active_s == 30
    assert found.pace.per_active_minute == 6
    assert found.days == {date(2026, 3, 2): 3}


def test_a_period_holds_what_was_done_in_it(desk: Desk) -> None:
    for minutes in (0, 10, 20):
        desk.act(desk.rita, DecisionKind.ACCEPT, minutes)
    found = only(
        desk, desk.rita, since=NINE + timedelta(minutes=10), until=NINE + timedelta(minutes=20)
    )
    assert found.pace.decisions == 1
    assert not team.measure_team(desk.engine, actor=desk.rita, until=NINE).reviewers


def test_reviewers_see_their_own_figures_and_managers_everybodys(desk: Desk, actor: Actor) -> None:
    desk.act(desk.rita, DecisionKind.ACCEPT, 0)
    desk.act(desk.omar, DecisionKind.REJECT, 1)
    assert only(desk, desk.rita).user_id == desk.rita.id
    assert only(desk, desk.omar).correction_rate is None
    everybody = team.measure_team(desk.engine, actor=actor).reviewers
    assert [each.name for each in everybody] == ["omar", "rita"]
    with pytest.raises(ForbiddenError):
        team.measure_team(desk.engine, actor=Actor(actor.id, "sam", "staff"))


def test_the_table_is_taken_along(desk: Desk, actor: Actor) -> None:
    desk.act(desk.omar, DecisionKind.REJECT, 1)
    head, line = team.figures_csv(
        team.measure_team(desk.engine, actor=actor).reviewers
    ).splitlines()
    cells = dict(zip(head.split(","), line.split(","), strict=True))
    assert (cells["reviewer"], cells["decisions"], cells["correction_rate"]) == ("omar", "1", "")
    assert (cells["active_s"], cells["per_active_minute"]) == ("6.0", "10.0")
