"""Model versions. At most one version of an architecture is active."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.queries.upsert import insert_missing
from db.rows import ModelVersionRow
from db.states import ModelState


def ensure_version(session: Session, *, digest: str, values: Mapping[str, Any]) -> ModelVersionRow:
    """Return the version of this checkpoint, made as a candidate if it is not known yet."""
    row = {"digest": digest, "state": ModelState.CANDIDATE, **values}
    insert_missing(session, ModelVersionRow, [row], conflict=["digest"])
    return session.scalars(select(ModelVersionRow).where(ModelVersionRow.digest == digest)).one()


def activate_version(session: Session, *, version: ModelVersionRow) -> None:
    """Make it the active version of its architecture; the one before it is retired."""
    session.execute(
        update(ModelVersionRow)
        .where(ModelVersionRow.arch == version.arch, ModelVersionRow.state == ModelState.ACTIVE)
        .values(state=ModelState.RETIRED)
    )
    version.state = ModelState.ACTIVE
    session.flush()


def find_version(session: Session, *, version_id: int) -> ModelVersionRow | None:
    return session.get(ModelVersionRow, version_id)


def list_versions(session: Session) -> Sequence[ModelVersionRow]:
    """Return all versions, newest first."""
    return session.scalars(select(ModelVersionRow).order_by(ModelVersionRow.id.desc())).all()


def list_active(session: Session) -> Sequence[ModelVersionRow]:
    """Return the active versions, by architecture."""
    return session.scalars(
        select(ModelVersionRow)
        .where(ModelVersionRow.state == ModelState.ACTIVE)
        .order_by(ModelVersionRow.arch)
    ).all()


def list_usable_ids(session: Session) -> Sequence[int]:
    """Return the ids of the active versions whose file can be used."""
    return [row.id for row in list_active(session) if row.problem is None]


def set_problem(session: Session, *, version_id: int, problem: str | None) -> None:
    """Say why the version's file cannot be used; None when it can."""
    session.execute(
        update(ModelVersionRow).where(ModelVersionRow.id == version_id).values(problem=problem)
    )
