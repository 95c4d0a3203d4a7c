"""Which workers are taken for dead."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from core.services import workers
from db.queries import workers as queries


def test_a_silent_worker_is_forgotten_unless_it_is_heard_of_again(any_engine: sa.Engine) -> None:
    workers.beat(any_engine, executor_id="one", process_id=1)
    workers.beat(any_engine, executor_id="other", process_id=2)
    assert workers.list_silent(any_engine, silent_s=60) == ()
    workers.retire(any_engine, executor_id="one")
    assert workers.list_silent(any_engine, silent_s=60) == ("one",)
    workers.forget(any_engine, executor_id="one", silent_s=60)
    workers.forget(any_engine, executor_id="other", silent_s=60)
    workers.retire(any_engine, executor_id="other")
    assert workers.list_silent(any_engine, silent_s=60) == ("other",)


@pytest.mark.postgres
def test_machines_whose_clocks_differ_agree_on_who_is_silent(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = sa.create_engine(postgres_url)
    workers.beat(engine, executor_id="one", process_id=1)
    late = datetime(2100, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(queries, "utc_now", lambda: late)
    assert workers.list_silent(engine, silent_s=60) == ()
    engine.dispose()
