"""The chain of decisions, in the order in which they were made."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.rows import DecisionRow, ListingRow, UserRow

_LOCK = 0xCA7A  # of Postgres's advisory locks, this one


def lock_chain(session: Session) -> None:
    """Hold off everybody else who would add to the chain, until the transaction ends.

    On SQLite there is one writer at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def find_last_digest(session: Session) -> str | None:
    return session.scalar(select(DecisionRow.digest).order_by(DecisionRow.id.desc()).limit(1))


def list_links(session: Session, *, after_id: int, limit: int) -> Sequence[DecisionRow]:
    """Return the next decisions in the order of the chain."""
    query = select(DecisionRow).where(DecisionRow.id > after_id).order_by(DecisionRow.id)
    return session.scalars(query.limit(limit)).all()


def count_links(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(DecisionRow)) or 0


def find_names(session: Session, *, decision: DecisionRow) -> tuple[str, str]:
    """Return the SKU of the decision's listing and the name of its user, as far as they exist."""
    query = (
        select(func.coalesce(ListingRow.sku, ""), func.coalesce(UserRow.name, ""))
        .select_from(DecisionRow)
        .outerjoin(ListingRow, ListingRow.id == DecisionRow.listing_id)
        .outerjoin(UserRow, UserRow.id == DecisionRow.user_id)
        .where(DecisionRow.id == decision.id)
    )
    sku, name = session.execute(query).one()
    return sku, name
