"""How well photos of a product are found by a network's features."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.queries.upsert import insert_missing
from db.rows import ModelVersionRow, RetrievalRow


def ensure_retrieval(session: Session, *, values: Mapping[str, Any]) -> None:
    """Store what was measured of this subject and data, if nothing was before."""
    insert_missing(session, RetrievalRow, [values], conflict=["subject", "data_digest"])


def find_retrieval(session: Session, *, subject: str, data_digest: str) -> RetrievalRow | None:
    return session.scalars(
        select(RetrievalRow).where(
            RetrievalRow.subject == subject, RetrievalRow.data_digest == data_digest
        )
    ).one_or_none()


def list_retrievals(
    session: Session, *, data_name: str, limit: int
) -> Sequence[tuple[RetrievalRow, str | None]]:
    """Return what was measured on data of this name, with the architecture; the best first."""
    query = (
        select(RetrievalRow, ModelVersionRow.arch)
        .outerjoin(ModelVersionRow, ModelVersionRow.id == RetrievalRow.model_version_id)
        .where(RetrievalRow.data_name == data_name)
        .order_by(RetrievalRow.mean_precision.desc(), RetrievalRow.id)
        .limit(limit)
    )
    return [(row, arch) for row, arch in session.execute(query)]
