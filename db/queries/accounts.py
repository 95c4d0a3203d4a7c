"""People, their sessions, tries to sign in, and visits to the provider."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from db.queries.upsert import insert_missing
from db.rows import ProviderVisitRow, SessionRow, SignInTriesRow, UserRow


def find_user(session: Session, *, user_id: int) -> UserRow | None:
    return session.get(UserRow, user_id)


def find_user_by_name(session: Session, *, name: str) -> UserRow | None:
    return session.scalar(select(UserRow).where(UserRow.name == name))


def find_user_by_subject(session: Session, *, issuer: str, subject: str) -> UserRow | None:
    return session.scalar(
        select(UserRow).where(UserRow.issuer == issuer, UserRow.subject == subject)
    )


def insert_user(session: Session, *, name: str, role: str, **values: object) -> bool:
    """Insert a person unless the name, or the provider's subject, is taken; return whether."""
    row = {"name": name, "role": role} | values
    return insert_missing(session, UserRow, [row], conflict=[]) == 1


def list_users(session: Session) -> Sequence[UserRow]:
    """Return everybody by name."""
    return session.scalars(select(UserRow).order_by(UserRow.name)).all()


def lock_admins(session: Session, *, role: str) -> Sequence[int]:
    """Lock those of the role who can sign in until the transaction ends; return their ids."""
    query = (
        select(UserRow.id)
        .where(
            UserRow.role == role,
            UserRow.is_disabled.is_(False),
            sa.or_(UserRow.password_hash.is_not(None), UserRow.issuer.is_not(None)),
        )
        .order_by(UserRow.id)
    )
    return session.scalars(query.with_for_update()).all()


def find_session(session: Session, *, token_digest: str) -> tuple[SessionRow, UserRow] | None:
    query = (
        select(SessionRow, UserRow)
        .join(UserRow, UserRow.id == SessionRow.user_id)
        .where(SessionRow.token_digest == token_digest)
    )
    for found, user in session.execute(query):
        return found, user
    return None


def list_sessions(
    session: Session, *, user_id: int | None, seen_after: datetime, now: datetime
) -> Sequence[tuple[SessionRow, str]]:
    """Return sessions that have not expired with the name of whose they are, last seen first."""
    query = (
        select(SessionRow, UserRow.name)
        .join(UserRow, UserRow.id == SessionRow.user_id)
        .where(SessionRow.seen_at > seen_after, SessionRow.expires_at > now)
        .order_by(SessionRow.seen_at.desc(), SessionRow.id.desc())
    )
    if user_id is not None:
        query = query.where(SessionRow.user_id == user_id)
    return [(found, name) for found, name in session.execute(query)]


def touch_session(session: Session, *, session_id: int, now: datetime) -> None:
    session.execute(update(SessionRow).where(SessionRow.id == session_id).values(seen_at=now))


def delete_session(session: Session, *, session_id: int, user_id: int | None = None) -> bool:
    """Delete a session, if it is the user's where one is given; return whether there was one."""
    query = select(SessionRow.id).where(SessionRow.id == session_id)
    if user_id is not None:
        query = query.where(SessionRow.user_id == user_id)
    found = session.scalar(query)
    if found is None:
        return False
    session.execute(delete(SessionRow).where(SessionRow.id == found))
    return True


def delete_sessions_of(session: Session, *, user_id: int, but: int | None = None) -> None:
    """Delete all sessions of a user, but one."""
    statement = delete(SessionRow).where(SessionRow.user_id == user_id)
    if but is not None:
        statement = statement.where(SessionRow.id != but)
    session.execute(statement)


def delete_session_by_token(session: Session, *, token_digest: str) -> None:
    session.execute(delete(SessionRow).where(SessionRow.token_digest == token_digest))


def delete_old_sessions(session: Session, *, seen_before: datetime, now: datetime) -> None:
    session.execute(
        delete(SessionRow).where(
            sa.or_(SessionRow.seen_at < seen_before, SessionRow.expires_at < now)
        )
    )


def count_sessions(session: Session, *, seen_after: datetime, now: datetime) -> dict[int, int]:
    """Return by user id how many sessions have not expired."""
    query = (
        select(SessionRow.user_id, func.count())
        .where(SessionRow.seen_at > seen_after, SessionRow.expires_at > now)
        .group_by(SessionRow.user_id)
    )
    return dict(session.execute(query).all())


def lock_tries(session: Session, *, key: str, now: datetime) -> SignInTriesRow:
    """Return the row of the key, made if need be, and lock it until the transaction ends."""
    insert_missing(session, SignInTriesRow, [{"key": key, "last_at": now}], conflict=["key"])
    return session.get_one(SignInTriesRow, key, with_for_update=True, populate_existing=True)


def delete_old_tries(session: Session, *, before: datetime) -> None:
    session.execute(delete(SignInTriesRow).where(SignInTriesRow.last_at < before))


def insert_visit(session: Session, **values: object) -> None:
    session.add(ProviderVisitRow(**values))
    session.flush()


def take_visit(session: Session, *, state_digest: str) -> ProviderVisitRow | None:
    """Return a visit and delete it, so that nobody takes it twice."""
    row = session.get(ProviderVisitRow, state_digest, with_for_update=True)
    if row is not None:
        session.delete(row)
        session.flush()
    return row


def delete_old_visits(session: Session, *, before: datetime) -> None:
    session.execute(delete(ProviderVisitRow).where(ProviderVisitRow.expires_at < before))
