"""Label audits, their findings, and what people said of these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from db.rows import AuditFindingRow, AuditRow, AuditVerdictRow, UserRow


class FoundAudit(NamedTuple):
    """An audit, who asked for it, how many findings it has and how many of them are settled."""

    row: AuditRow
    user: str
    findings: int
    settled: int


class FoundFinding(NamedTuple):
    """A finding with the category that holds, and who gave it; None while it is open."""

    row: AuditFindingRow
    label: str | None
    user: str | None


class Tally(NamedTuple):
    """Findings, those of them that are settled, and those settled with another category."""

    findings: int
    settled: int
    changed: int


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Which findings of an audit; None leaves a field open.

    Attributes:
        rate: Expected share of unfounded ones, at most.
        is_settled: Whether somebody has given the photo its category.
        claimed: The claimed category.
    """

    rate: float = 1.0
    is_settled: bool | None = None
    claimed: str | None = None


def insert_audit(
    session: Session, *, values: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]
) -> int:
    """Insert an audit with its findings; return its id."""
    row = AuditRow(**values)
    session.add(row)
    session.flush()
    if findings:
        session.execute(
            insert(AuditFindingRow), [{**finding, "audit_id": row.id} for finding in findings]
        )
    return row.id


def find_audit(session: Session, *, audit_id: int) -> FoundAudit | None:
    for found in session.execute(_audits().where(AuditRow.id == audit_id)):
        return FoundAudit(*found)
    return None


def find_by_file(session: Session, *, file_name: str) -> int | None:
    """Return the id of the audit whose photos lie in this file."""
    return session.scalar(select(AuditRow.id).where(AuditRow.file_name == file_name))


def list_audits(session: Session, *, limit: int) -> Sequence[FoundAudit]:
    """Return audits, newest first."""
    query = _audits().order_by(AuditRow.id.desc()).limit(limit)
    return [FoundAudit(*found) for found in session.execute(query)]


def list_findings(
    session: Session, *, audit_id: int, only: FindingFilter, limit: int, after_rank: int = 0
) -> Sequence[FoundFinding]:
    """Return findings, the most suspect first.

    Args:
        after_rank: Last rank of the page before; 0 starts over.
    """
    query = (
        select(AuditFindingRow, AuditVerdictRow.label, UserRow.name)
        .outerjoin(AuditVerdictRow, AuditVerdictRow.id == _latest())
        .outerjoin(UserRow, UserRow.id == AuditVerdictRow.user_id)
        .where(
            AuditFindingRow.audit_id == audit_id,
            AuditFindingRow.rank > after_rank,
            *_conditions(only),
        )
        .order_by(AuditFindingRow.rank)
        .limit(limit)
    )
    return [FoundFinding(row, label, user) for row, label, user in session.execute(query)]


def tally(session: Session, *, audit_id: int, only: FindingFilter) -> Tally:
    """Count the findings that the filter leaves."""
    label = AuditVerdictRow.label
    query = (
        select(
            func.count(),
            func.count(label),
            func.count(sa.case((label != AuditFindingRow.claimed, 1))),
        )
        .select_from(AuditFindingRow)
        .outerjoin(AuditVerdictRow, AuditVerdictRow.id == _latest())
        .where(AuditFindingRow.audit_id == audit_id, *_conditions(only))
    )
    return Tally(*session.execute(query).one())


def count_claimed(session: Session, *, audit_id: int, rate: float) -> Sequence[tuple[str, int]]:
    """Return the claimed categories with findings of at most this rate, and how many they have."""
    query = (
        select(AuditFindingRow.claimed, func.count())
        .where(AuditFindingRow.audit_id == audit_id, AuditFindingRow.rate <= rate)
        .group_by(AuditFindingRow.claimed)
        .order_by(func.count().desc(), AuditFindingRow.claimed)
    )
    return [(claimed, count) for claimed, count in session.execute(query)]


def find_finding_for_update(
    session: Session, *, finding_id: int
) -> tuple[AuditFindingRow, str | None] | None:
    """Find a finding and the category that holds; lock it until the transaction ends."""
    row = session.get(AuditFindingRow, finding_id, with_for_update=True, populate_existing=True)
    if row is None:
        return None
    query = (
        select(AuditVerdictRow.label)
        .where(AuditVerdictRow.finding_id == finding_id)
        .order_by(AuditVerdictRow.id.desc())
        .limit(1)
    )
    return row, session.scalar(query)


def list_settled(session: Session, *, audit_id: int) -> Mapping[int, str]:
    """Return the category that somebody gave each settled photo, by its row of the file."""
    query = (
        select(AuditFindingRow.photo, AuditVerdictRow.label)
        .join(AuditVerdictRow, AuditVerdictRow.id == _latest())
        .where(AuditFindingRow.audit_id == audit_id, AuditVerdictRow.label.is_not(None))
    )
    return {photo: label for photo, label in session.execute(query) if label is not None}


def _latest() -> sa.ScalarSelect[Any]:
    return (
        select(func.max(AuditVerdictRow.id))
        .where(AuditVerdictRow.finding_id == AuditFindingRow.id)
        .correlate(AuditFindingRow)
        .scalar_subquery()
    )


def _audits() -> sa.Select[Any]:
    promised = (
        select(func.count())
        .select_from(AuditFindingRow)
        .where(
            AuditFindingRow.audit_id == AuditRow.id, AuditFindingRow.rate <= AuditRow.false_alarms
        )
    )
    settled = promised.join(AuditVerdictRow, AuditVerdictRow.id == _latest()).where(
        AuditVerdictRow.label.is_not(None)
    )
    counts = [each.correlate(AuditRow).scalar_subquery() for each in (promised, settled)]
    return select(AuditRow, UserRow.name, *counts).join(UserRow, UserRow.id == AuditRow.user_id)


def _conditions(only: FindingFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [AuditFindingRow.rate <= only.rate]
    if only.is_settled is not None:
        is_open = AuditVerdictRow.label.is_(None)
        conditions.append(~is_open if only.is_settled else is_open)
    if only.claimed is not None:
        conditions.append(AuditFindingRow.claimed == only.claimed)
    return conditions
