"""Which worker processes live: each leaves a heartbeat, a silent one is taken for dead."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import workers as queries

# Long before any worker: who stops in order asks to be replaced at once.
_STOPPED = datetime(1970, 1, 1, tzinfo=UTC)


def beat(engine: sa.Engine, *, executor_id: str, process_id: int) -> None:
    """Leave a sign of life."""
    with transaction(engine) as session:
        queries.record_beat(
            session,
            executor_id=executor_id,
            now=queries.read_clock(session),
            detail={"process_id": process_id},
        )


def retire(engine: sa.Engine, *, executor_id: str) -> None:
    """Say that the worker has stopped, so that another takes its work over at once."""
    with transaction(engine) as session:
        queries.record_beat(session, executor_id=executor_id, now=_STOPPED, detail={})


def list_silent(engine: sa.Engine, *, silent_s: float) -> tuple[str, ...]:
    """Return the executor ids of workers that left no sign of life for that long."""
    with reading(engine) as session:
        return tuple(queries.list_silent(session, since=_ago(session, silent_s)))


def forget(engine: sa.Engine, *, executor_id: str, silent_s: float) -> None:
    """Forget a silent worker whose work was taken over."""
    with transaction(engine) as session:
        queries.delete_silent(session, executor_id=executor_id, since=_ago(session, silent_s))


def _ago(session: Session, seconds: float) -> datetime:
    return queries.read_clock(session) - timedelta(seconds=seconds)
