import json

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from cli import main
from core.services import database
from db.engine import transaction
from tests.services.flagged import add_batch, add_flagged, decide


def verify(*options: str) -> Result:
    return CliRunner().invoke(main.build_app(), ["audit", "verify", *options])


@pytest.fixture
def engine(own_data: None) -> sa.Engine:
    engine = database.get_ready_engine()
    actor = database.local_actor(engine)
    batch_id = add_batch(engine, actor, "spring")
    for sku in ("M-1", "M-2"):
        decide(engine, actor, add_flagged(engine, batch_id, sku, []))
    return engine


@pytest.mark.usefixtures("engine")
def test_sound_decisions_are_counted_and_their_head_is_printed() -> None:
    said = verify()
    assert said.exit_code == 0
    assert said.stdout.startswith("2 decisions are as made. Head: ")
    head = json.loads(verify("--json").stdout)["head"]
    assert head in "".join(said.stdout.split())
    assert verify("--head", head).exit_code == 0


def test_a_changed_decision_is_named_with_a_failing_status(engine: sa.Engine) -> None:
    head = json.loads(verify("--json").stdout)["head"]
    with transaction(engine) as session:
        session.execute(sa.text("DROP TRIGGER decisions_no_update"))
        session.execute(sa.text("UPDATE decisions SET active_ms = 9 WHERE id = 2"))
    said = verify("--head", head)
    assert said.exit_code == 1
    words = " ".join(said.stderr.split())
    assert "decision 2 (accept of M-2, listing 2, by" in words
    assert f"no sound decision has the head {head}" in words
