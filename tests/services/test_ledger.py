"""The chain of decisions, on SQLite and on Postgres."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import sqlalchemy as sa

from core.actors import Actor
from core.errors import ForbiddenError, InvalidInputError
from core.ledger import BEGINNING
from core.services import database, decisions, ledger
from core.services.ledger import Verification
from db.engine import transaction
from db.states import DecisionKind
from tests.services.flagged import Flagged, add_batch, add_flagged, decide


@pytest.fixture
def decided(any_engine: sa.Engine, actor: Actor) -> list[Flagged]:
    """Three decided listings; the second decision was taken back and made again."""
    batch_id = add_batch(any_engine, actor)
    listings = [add_flagged(any_engine, batch_id, f"M-{n}", []) for n in range(3)]
    for flagged in listings:
        made = decide(any_engine, actor, flagged)
        if flagged is listings[1]:
            decisions.undo(any_engine, actor=actor, key=str(uuid4()), decision_key=made.key)
            decide(any_engine, actor, flagged, kind=DecisionKind.REJECT)
    return listings


def tamper(engine: sa.Engine, statement: str) -> None:
    """Change decisions as somebody would who may do anything with the database."""
    postgres = engine.dialect.name == "postgresql"
    with transaction(engine) as session:
        if postgres:
            session.execute(sa.text("ALTER TABLE decisions DISABLE TRIGGER USER"))
        else:
            for name in ("decisions_no_update", "decisions_no_delete"):
                session.execute(sa.text(f"DROP TRIGGER {name}"))
        session.execute(sa.text(statement))


def verify(engine: sa.Engine, actor: Actor, *heads: str) -> Verification:
    return ledger.verify(engine, actor=actor, heads=heads)


def test_decisions_as_they_were_made_are_sound(
    any_engine: sa.Engine, actor: Actor, decided: list[Flagged]
) -> None:
    found = verify(any_engine, actor)
    assert (found.is_sound, found.sound, found.broken) == (True, 5, None)
    decide(any_engine, actor, add_flagged(any_engine, decided[0].batch_id, "M-9", []))
    later = verify(any_engine, actor, found.head.upper())
    assert (later.is_sound, later.sound) == (True, 6)
    assert later.head != found.head


def test_no_decision_is_a_sound_chain(any_engine: sa.Engine, actor: Actor) -> None:
    assert verify(any_engine, actor) == Verification(0, BEGINNING, None, ())


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'accept', category_id = 1",
        "active_ms = 1",
        "listing_id = 3",
        'shown = \'{"flags": ["dark"]}\'',
        "created_at = '2020-01-01 00:00:00.000000'",
        "digest = ''",
    ],
)
@pytest.mark.usefixtures("decided")
def test_a_decision_changed_later_is_named(
    any_engine: sa.Engine, actor: Actor, change: str
) -> None:
    tamper(any_engine, f"UPDATE decisions SET {change} WHERE id = 4")
    broken = verify(any_engine, actor).broken
    assert broken
    assert (broken.id, broken.sku, broken.by) == (
        4,
        "M-2" if "listing_id" in change else "M-1",
        actor.name,
    )
    assert str(broken).startswith("decision 4 (")


@pytest.mark.usefixtures("decided")
def test_a_decision_taken_out_breaks_the_one_after_it(any_engine: sa.Engine, actor: Actor) -> None:
    tamper(any_engine, "DELETE FROM decisions WHERE id = 4")
    found = verify(any_engine, actor)
    assert (found.sound, found.broken and found.broken.id) == (3, 5)


@pytest.mark.usefixtures("decided")
def test_decisions_cut_off_at_the_end_are_missed_by_their_head(
    any_engine: sa.Engine, actor: Actor
) -> None:
    head = verify(any_engine, actor).head
    tamper(any_engine, "DELETE FROM decisions WHERE id = 5")
    assert verify(any_engine, actor).is_sound
    found = verify(any_engine, actor, head)
    assert (found.is_sound, found.missing) == (False, (head,))


def test_decisions_made_at_once_follow_each_other(any_engine: sa.Engine, actor: Actor) -> None:
    batch_id = add_batch(any_engine, actor)
    listings = [add_flagged(any_engine, batch_id, f"M-{n}", []) for n in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda flagged: decide(any_engine, actor, flagged), listings))
    found = verify(any_engine, actor)
    assert (found.is_sound, found.sound) == (True, 16)


@pytest.mark.usefixtures("decided")
def test_decisions_made_before_there_was_a_chain_are_chained_by_the_upgrade(
    any_engine: sa.Engine, actor: Actor
) -> None:
    before = verify(any_engine, actor)
    database.downgrade(any_engine, "0010")
    database.upgrade(any_engine)
    assert verify(any_engine, actor, before.head) == before


def test_what_is_no_head_is_refused_and_staff_may_not_check(
    any_engine: sa.Engine, actor: Actor
) -> None:
    with pytest.raises(InvalidInputError, match="'abc' is no digest"):
        verify(any_engine, actor, "abc")
    with pytest.raises(ForbiddenError, match="dashboards"):
        verify(any_engine, Actor(actor.id, "sam", "staff"))


@pytest.mark.usefixtures("decided")
def test_progress_is_told(any_engine: sa.Engine, actor: Actor) -> None:
    seen: list[tuple[int, int]] = []
    ledger.verify(
        any_engine, actor=actor, on_progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(5, 5)]
