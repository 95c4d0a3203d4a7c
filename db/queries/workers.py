"""Worker processes and when they were last heard of."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from db.base import utc_now
from db.queries.upsert import insert_missing
from db.rows import WorkerRow


def read_clock(session: Session) -> datetime:
    """Return what time it is for all machines: the database's own time, where that is a server."""
    if session.get_bind().dialect.name != "postgresql":
        return utc_now()
    now: datetime = session.scalars(
        select(func.clock_timestamp(type_=WorkerRow.heartbeat_at.type))
    ).one()
    return now


def record_beat(
    session: Session, *, executor_id: str, now: datetime, detail: Mapping[str, Any]
) -> None:
    """Write down that the worker lives."""
    insert_missing(session, WorkerRow, [{"executor_id": executor_id}], conflict=["executor_id"])
    row = session.scalars(select(WorkerRow).where(WorkerRow.executor_id == executor_id)).one()
    row.heartbeat_at, row.detail = now, dict(detail)


def list_silent(session: Session, *, since: datetime) -> Sequence[str]:
    """Return the executor ids of the workers that were not heard of since then."""
    query = select(WorkerRow.executor_id).where(WorkerRow.heartbeat_at < since)
    return session.scalars(query.order_by(WorkerRow.id)).all()


def delete_silent(session: Session, *, executor_id: str, since: datetime) -> None:
    """Forget the worker, unless it was heard of in the meantime."""
    session.execute(
        delete(WorkerRow).where(
            WorkerRow.executor_id == executor_id, WorkerRow.heartbeat_at < since
        )
    )
