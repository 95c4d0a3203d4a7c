"""Evaluations of model versions and ensembles, and readings of test splits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.queries.upsert import insert_missing
from db.rows import EvaluationRow, HeldOutReadRow, ModelVersionRow


@dataclass(frozen=True, slots=True)
class EvaluationFilter:
    """Which evaluations; None or nothing leaves a field open.

    Attributes:
        since: Measured at this time or later.
        until: Measured before this time.
        version_ids: Of these model versions; ensembles are then left out.
    """

    since: datetime | None = None
    until: datetime | None = None
    version_ids: tuple[int, ...] = ()
    data_digest: str | None = None
    data_name: str | None = None
    split: str | None = None


class DataSet(NamedTuple):
    """A split of a data set that something was measured on."""

    name: str
    digest: str
    split: str
    pictures: int
    evaluations: int


def ensure_evaluation(session: Session, *, values: Mapping[str, Any]) -> EvaluationRow:
    """Return the evaluation of this subject, data and split; stored if there is none yet."""
    insert_missing(session, EvaluationRow, [values], conflict=["subject", "data_digest", "split"])
    row = find_evaluation(
        session,
        subject=values["subject"],
        data_digest=values["data_digest"],
        split=values["split"],
    )
    assert row is not None
    return row


def find_evaluation(
    session: Session, *, subject: str, data_digest: str, split: str
) -> EvaluationRow | None:
    return session.scalars(
        select(EvaluationRow).where(
            EvaluationRow.subject == subject,
            EvaluationRow.data_digest == data_digest,
            EvaluationRow.split == split,
        )
    ).one_or_none()


def find_with_version(
    session: Session, *, evaluation_id: int
) -> tuple[EvaluationRow, ModelVersionRow | None] | None:
    """Return the evaluation with its model version; an ensemble has none."""
    for row, version in session.execute(_joined().where(EvaluationRow.id == evaluation_id)):
        return row, version
    return None


def list_evaluations(
    session: Session, *, only: EvaluationFilter, limit: int
) -> Sequence[tuple[EvaluationRow, ModelVersionRow | None]]:
    """Return what matches, newest first, each with its model version."""
    query = _joined().where(*_conditions(only)).order_by(EvaluationRow.id.desc()).limit(limit)
    return [(row, version) for row, version in session.execute(query)]


def list_data_sets(session: Session) -> Sequence[DataSet]:
    """Return the splits that something was measured on, the last measured first."""
    columns = (EvaluationRow.data_name, EvaluationRow.data_digest, EvaluationRow.split)
    query = (
        select(*columns, func.max(EvaluationRow.pictures), func.count())
        .group_by(*columns)
        .order_by(func.max(EvaluationRow.id).desc())
    )
    return [DataSet(*row) for row in session.execute(query)]


def list_version_evaluations(
    session: Session, *, version_ids: Collection[int]
) -> Sequence[EvaluationRow]:
    """Return all evaluations of these versions, newest first."""
    return session.scalars(
        select(EvaluationRow)
        .where(EvaluationRow.model_version_id.in_(version_ids))
        .order_by(EvaluationRow.id.desc())
    ).all()


def add_test_read(session: Session, *, values: Mapping[str, Any]) -> int:
    """Record that a model version is shown a test split; return how often that makes it."""
    session.add(HeldOutReadRow(**values))
    session.flush()
    return (
        session.scalar(
            select(func.count()).where(
                HeldOutReadRow.model_version_id == values["model_version_id"],
                HeldOutReadRow.data_digest == values["data_digest"],
            )
        )
        or 0
    )


def count_test_reads(
    session: Session, *, version_ids: Collection[int]
) -> Mapping[tuple[int, str], int]:
    """Return how often each version read each test split, by (version id, data digest)."""
    key = (HeldOutReadRow.model_version_id, HeldOutReadRow.data_digest)
    query = (
        select(*key, func.count())
        .where(HeldOutReadRow.model_version_id.in_(version_ids))
        .group_by(*key)
    )
    return {(version_id, digest): count for version_id, digest, count in session.execute(query)}


def _joined() -> sa.Select[EvaluationRow, ModelVersionRow | None]:
    return select(EvaluationRow, ModelVersionRow).outerjoin(
        ModelVersionRow, ModelVersionRow.id == EvaluationRow.model_version_id
    )


def _conditions(only: EvaluationFilter) -> list[sa.ColumnElement[bool]]:
    equal = {
        EvaluationRow.data_digest: only.data_digest,
        EvaluationRow.data_name: only.data_name,
        EvaluationRow.split: only.split,
    }
    conditions = [column == value for column, value in equal.items() if value is not None]
    if only.since is not None:
        conditions.append(EvaluationRow.created_at >= only.since)
    if only.until is not None:
        conditions.append(EvaluationRow.created_at < only.until)
    if only.version_ids:
        conditions.append(EvaluationRow.model_version_id.in_(only.version_ids))
    return conditions
