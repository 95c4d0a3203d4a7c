"""People: made, given another role, let in no more, given a new password."""

import logging
import unicodedata
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import passwords
from core.actors import PERMISSIONS, Actor, require
from core.errors import ConflictError, InvalidInputError, NotFoundError
from core.services import lockout
from core.services.database import LOCAL_USER
from core.services.sessions import oldest_seen
from core.settings import Settings
from db.base import utc_now
from db.engine import reading, transaction
from db.queries import accounts as queries
from db.rows import UserRow
from db.states import Role

log = logging.getLogger(__name__)

FIRST_ADMIN = "admin"
ROLES: tuple[str, ...] = tuple(PERMISSIONS)
MAX_NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class User:
    """A person.

    Attributes:
        signs_in: "password", "one-time password" until it is changed, "provider", or
            "not at all": the local user, whom commands on this machine act as.
        sessions: How many are open.
    """

    id: int
    name: str
    role: str
    signs_in: str
    is_disabled: bool
    sessions: int

    @property
    def is_local(self) -> bool:
        return self.name == LOCAL_USER


def list_users(engine: sa.Engine, settings: Settings, *, actor: Actor) -> tuple[User, ...]:
    """Return everybody by name.

    Raises:
        ForbiddenError: The actor may not administer.
    """
    require(actor, "administer")
    with reading(engine) as session:
        counts = queries.count_sessions(session, seen_after=oldest_seen(settings), now=utc_now())
        return tuple(_user(row, counts.get(row.id, 0)) for row in queries.list_users(session))


def find_user_id(engine: sa.Engine, *, actor: Actor, name: str) -> int:
    """Return the id of who is called so.

    Raises:
        ForbiddenError: The actor may not administer.
        NotFoundError: Nobody is.
    """
    require(actor, "administer")
    with reading(engine) as session:
        row = queries.find_user_by_name(session, name=clean_name(name))
        if row is None:
            raise NotFoundError(f"nobody is called {name!r}")
        return row.id


def create_user(engine: sa.Engine, *, actor: Actor, name: str, role: str) -> str:
    """Add a person; return the password for their first time, which is kept nowhere.

    Raises:
        ForbiddenError: The actor may not administer.
        InvalidInputError: The name or the role cannot be.
        ConflictError: Somebody is called so.
    """
    require(actor, "administer")
    _check_role(role)
    cleaned = clean_name(name)
    password = passwords.draw_one_time()
    hashed = passwords.hash_password(password)
    with transaction(engine) as session:
        if not queries.insert_user(
            session, name=cleaned, role=role, password_hash=hashed, must_change_password=True
        ):
            raise ConflictError(f"somebody is called {cleaned!r} already; choose another name")
    log.info("%s added %s as %s", actor.name, cleaned, role)
    return password


def ensure_admin(engine: sa.Engine) -> str | None:
    """Make the first admin if nobody can administer; return the password to print once."""
    with transaction(engine) as session:
        if queries.lock_admins(session, role=Role.ADMIN):
            return None
    password = passwords.draw_one_time()
    hashed = passwords.hash_password(password)
    with transaction(engine) as session:
        if queries.lock_admins(session, role=Role.ADMIN):
            return None  # another process was faster
        if not queries.insert_user(
            session,
            name=FIRST_ADMIN,
            role=Role.ADMIN,
            password_hash=hashed,
            must_change_password=True,
        ):
            return None  # there is one, disabled: `catalens users` lets it in again
    return password


def set_role(engine: sa.Engine, *, actor: Actor, user_id: int, role: str) -> None:
    """Give somebody another role; it acts at their next request.

    Raises:
        ForbiddenError: The actor may not administer.
        InvalidInputError: No such role.
        NotFoundError: Nobody has this id.
        ConflictError: It is the last admin, or the local user.
    """
    require(actor, "administer")
    _check_role(role)
    with transaction(engine) as session:
        row = _get_changeable(session, user_id)
        if role != Role.ADMIN:
            _check_not_last(session, row)
        row.role = role
        name = row.name
    log.info("%s made %s %s", actor.name, name, role)


def set_disabled(engine: sa.Engine, *, actor: Actor, user_id: int, is_disabled: bool) -> None:
    """Let somebody in no more, and end their sessions; or let them in again.

    Raises:
        ForbiddenError: The actor may not administer.
        NotFoundError: Nobody has this id.
        ConflictError: It is the last admin, or the local user.
    """
    require(actor, "administer")
    with transaction(engine) as session:
        row = _get_changeable(session, user_id)
        if is_disabled:
            _check_not_last(session, row)
            queries.delete_sessions_of(session, user_id=user_id)
        row.is_disabled = is_disabled
        name = row.name
    log.info("%s %s %s", actor.name, "disabled" if is_disabled else "enabled", name)


def reset_password(engine: sa.Engine, *, actor: Actor, user_id: int) -> str:
    """Give somebody a new one-time password, end their sessions, forget failed tries; return it.

    Raises:
        ForbiddenError: The actor may not administer.
        NotFoundError: Nobody has this id.
        ConflictError: It is the local user, or signs in at the provider.
    """
    require(actor, "administer")
    password = passwords.draw_one_time()
    hashed = passwords.hash_password(password)
    with transaction(engine) as session:
        row = _get_changeable(session, user_id)
        if row.issuer is not None:
            raise ConflictError(f"{row.name!r} signs in at the provider; change the password there")
        row.password_hash, row.must_change_password = hashed, True
        queries.delete_sessions_of(session, user_id=user_id)
        name = row.name
    lockout.forget(engine, account=name)
    log.info("%s gave %s a new one-time password", actor.name, name)
    return password


def clean_name(name: str) -> str:
    """Return a name in the one form in which it is kept and looked up.

    Raises:
        InvalidInputError: It is empty, too long, or has characters that cannot be seen.
    """
    cleaned = unicodedata.normalize("NFKC", name).strip().casefold()
    if not 0 < len(cleaned) <= MAX_NAME_LENGTH or not cleaned.isprintable():
        raise InvalidInputError(
            f"the name {name[:MAX_NAME_LENGTH]!r} cannot be used; take 1 to {MAX_NAME_LENGTH} "
            "letters, digits and signs"
        )
    return cleaned


def _check_role(role: str) -> None:
    if role not in PERMISSIONS:
        raise InvalidInputError(f"no role {role!r}; there are {', '.join(ROLES)}")


def _get_changeable(session: Session, user_id: int) -> UserRow:
    row = queries.find_user(session, user_id=user_id)
    if row is None:
        raise NotFoundError(f"nobody has the id {user_id}")
    if row.name == LOCAL_USER:
        raise ConflictError(
            f"{row.name!r} is whom commands on this machine act as, and stays as it is"
        )
    return row


def _check_not_last(session: Session, row: UserRow) -> None:
    if list(queries.lock_admins(session, role=Role.ADMIN)) == [row.id]:
        raise ConflictError(f"{row.name!r} is the last admin; make somebody else one first")


def _user(row: UserRow, sessions: int) -> User:
    return User(
        id=row.id,
        name=row.name,
        role=row.role,
        signs_in=_signs_in(row),
        is_disabled=row.is_disabled,
        sessions=sessions,
    )


def _signs_in(row: UserRow) -> str:
    if row.issuer is not None:
        return "provider"
    if row.password_hash is None:
        return "not at all"
    return "one-time password" if row.must_change_password else "password"
