"""Sessions: who is signed in, in which browser, and the end of it.

A cookie holds 256 random bits, the database only their SHA-256: who reads the database cannot
take over a session. Each request looks its session up, so that an ended one, a disabled person
and a changed role act at the next.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import sqlalchemy as sa

from core.actors import Actor, may, require
from core.errors import NotFoundError
from core.services.database import local_actor
from core.settings import Settings
from db.engine import reading, transaction
from db.queries import accounts as queries
from db.rows import SessionRow, UserRow

COOKIE = "catalens_session"
TOKEN_BYTES = 32
SEEN_EVERY_S = 60  # the database notes no oftener that a session was seen


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whose session a request belongs to.

    Attributes:
        must_change_password: The password was given by somebody else; only changing it is open.
    """

    actor: Actor
    session_id: int
    must_change_password: bool


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that has not ended; ``user_agent`` is what the browser calls itself."""

    id: int
    user_id: int
    user_name: str
    started_at: datetime
    seen_at: datetime
    user_agent: str
    address: str


def digest(token: str) -> str:
    """Return what is stored of a token: its SHA-256, in hex."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def start(
    engine: sa.Engine, settings: Settings, *, user_id: int, user_agent: str, address: str
) -> str:
    """Start a session for somebody who has shown who they are; return the cookie's token."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    now = datetime.now(UTC)
    with transaction(engine) as session:
        queries.delete_old_sessions(session, seen_before=_oldest(settings, now), now=now)
        session.add(
            SessionRow(
                token_digest=digest(token),
                user_id=user_id,
                seen_at=now,
                expires_at=now + timedelta(seconds=settings.session_max_s),
                user_agent=user_agent[:300],
                address=address[:60],
            )
        )
    return token


def identify(engine: sa.Engine, settings: Settings, *, token: str) -> SignedIn | None:
    """Return who acts: whose session the token is, or the local user where nobody signs in."""
    return find(engine, settings, token=token) if settings.has_accounts else _local(engine)


def find(engine: sa.Engine, settings: Settings, *, token: str) -> SignedIn | None:
    """Return whose session the token is; None when it has ended, or never was."""
    now = datetime.now(UTC)
    with reading(engine) as session:
        found = queries.find_session(session, token_digest=digest(token))
        if found is None or not _is_open(*found, settings, now):
            return None
        row, user = found
        signed_in = SignedIn(
            Actor(user.id, user.name, user.role), row.id, user.must_change_password
        )
        is_due = now - row.seen_at > timedelta(seconds=SEEN_EVERY_S)
    if is_due:
        with transaction(engine) as session:
            queries.touch_session(session, session_id=signed_in.session_id, now=now)
    return signed_in


def list_own(engine: sa.Engine, settings: Settings, *, actor: Actor) -> tuple[OpenSession, ...]:
    """Return the actor's open sessions, the one seen last first.

    Raises:
        ForbiddenError: The actor may not look.
    """
    require(actor, "look")
    return _list(engine, settings, actor.id)


def list_sessions(
    engine: sa.Engine, settings: Settings, *, actor: Actor, user_id: int | None = None
) -> tuple[OpenSession, ...]:
    """Return open sessions of somebody or of all, the one seen last first.

    Raises:
        ForbiddenError: The actor may not administer.
    """
    require(actor, "administer")
    return _list(engine, settings, user_id)


def end(engine: sa.Engine, *, actor: Actor, session_id: int) -> None:
    """End a session: the actor's own, or anybody's for who administers.

    Raises:
        ForbiddenError: The actor may not look.
        NotFoundError: The actor has no such session.
    """
    require(actor, "look")
    whose = None if may(actor, "administer") else actor.id
    with transaction(engine) as session:
        if not queries.delete_session(session, session_id=session_id, user_id=whose):
            raise NotFoundError(f"no session {session_id}; it may have ended already")


def end_others(engine: sa.Engine, *, actor: Actor, session_id: int) -> None:
    """End all of the actor's sessions but this one.

    Raises:
        ForbiddenError: The actor may not look.
    """
    require(actor, "look")
    with transaction(engine) as session:
        queries.delete_sessions_of(session, user_id=actor.id, but=session_id)


def sign_out(engine: sa.Engine, *, token: str) -> None:
    """End the session of a token, if it is one."""
    with transaction(engine) as session:
        queries.delete_session_by_token(session, token_digest=digest(token))


def oldest_seen(settings: Settings) -> datetime:
    """Return the time before which a session that was not seen since has expired."""
    return _oldest(settings, datetime.now(UTC))


@lru_cache(maxsize=1)
def _local(engine: sa.Engine) -> SignedIn:
    return SignedIn(local_actor(engine), session_id=0, must_change_password=False)


def _list(engine: sa.Engine, settings: Settings, user_id: int | None) -> tuple[OpenSession, ...]:
    now = datetime.now(UTC)
    with reading(engine) as session:
        found = queries.list_sessions(
            session, user_id=user_id, seen_after=_oldest(settings, now), now=now
        )
        return tuple(
            OpenSession(
                id=row.id,
                user_id=row.user_id,
                user_name=name,
                started_at=row.created_at,
                seen_at=row.seen_at,
                user_agent=row.user_agent,
                address=row.address,
            )
            for row, name in found
        )


def _is_open(row: SessionRow, user: UserRow, settings: Settings, now: datetime) -> bool:
    is_fresh = row.seen_at > _oldest(settings, now) and row.expires_at > now
    return is_fresh and not user.is_disabled


def _oldest(settings: Settings, now: datetime) -> datetime:
    return now - timedelta(seconds=settings.session_idle_s)
