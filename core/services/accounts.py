"""Signing in by name and password, and changing one's own."""

import logging
from collections.abc import Mapping
from urllib.parse import urlsplit

import sqlalchemy as sa

from core import passwords
from core.errors import ConflictError, InvalidInputError, UnauthenticatedError
from core.services import lockout, sessions
from core.services.sessions import SignedIn
from core.services.users import ROLES, clean_name
from core.settings import Settings, is_this_machine
from db.engine import reading, transaction
from db.queries import accounts as queries

log = logging.getLogger(__name__)

WRONG = "name or password is wrong"


def check_start(settings: Settings, *, listens_on: str) -> None:
    """Refuse to open a web app without accounts, or with half of a provider, to others.

    Args:
        listens_on: The address that the web app listens on.

    Raises:
        ConflictError: With what to set.
    """
    if settings.accounts == "oidc":
        _check_provider(settings)
    is_reachable = settings.is_shared or not is_this_machine(listens_on)
    if is_reachable and not settings.has_accounts and not settings.accounts_off_anywhere:
        raise ConflictError(
            f"others can reach the web app at {listens_on or 'every address'!r}, and there are no "
            "accounts: set CATALENS_ACCOUNTS=local, or listen on 127.0.0.1 alone, or, where "
            "everybody on the network may do everything, CATALENS_ACCOUNTS_OFF_ANYWHERE=true"
        )


def parse_roles(text: str) -> Mapping[str, str]:
    """Read ``buyers=staff, heads=manager``.

    Raises:
        InvalidInputError: A pair is none, or names no role.
    """
    roles = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        value, _, role = (part.strip() for part in pair.rpartition("="))
        if not value or role not in ROLES:
            raise InvalidInputError(
                f"CATALENS_OIDC_ROLES has {pair!r}; write value=role, with one of {list(ROLES)}"
            )
        roles[value] = role
    return roles


def sign_in(
    engine: sa.Engine,
    settings: Settings,
    *,
    name: str,
    password: str,
    address: str,
    user_agent: str,
) -> str:
    """Start a session for who knows the password; return the cookie's token.

    It takes as long, and answers the same, whether the name is known or not.

    Raises:
        UnauthenticatedError: The name or the password is wrong, or the account disabled.
        TooManyTriesError: Too many tries failed; the password was not looked at.
    """
    account = _account(name)
    lockout.begin(engine, account=account, address=address)
    with reading(engine) as session:
        user = queries.find_user_by_name(session, name=account)
        usable = user if user is not None and not user.is_disabled else None
        found = None if usable is None else (usable.id, usable.password_hash)
    user_id, password_hash = found or (0, None)
    if not passwords.verify(password, password_hash):
        log.warning("a try to sign in from %s failed", address)
        raise UnauthenticatedError(WRONG)
    lockout.succeed(engine, account=account, address=address)
    return sessions.start(engine, settings, user_id=user_id, user_agent=user_agent, address=address)


def change_password(
    engine: sa.Engine, *, signed_in: SignedIn, current: str, new: str, address: str
) -> None:
    """Change one's own password; all other sessions of the account end.

    Raises:
        InvalidInputError: The new password is too short, or the old one again.
        UnauthenticatedError: The current password is wrong.
        TooManyTriesError: Too many tries failed.
        ConflictError: The account signs in at the provider.
    """
    actor = signed_in.actor
    passwords.check_new(new, name=actor.name)
    if new == current:
        raise InvalidInputError("the new password is the current one; choose another")
    with reading(engine) as session:
        user = queries.find_user(session, user_id=actor.id)
        password_hash = None if user is None else user.password_hash
    if password_hash is None:
        raise ConflictError(f"{actor.name!r} has no password here; it is changed at the provider")
    lockout.begin(engine, account=actor.name, address=address)
    if not passwords.verify(current, password_hash):
        raise UnauthenticatedError("the current password is wrong")
    hashed = passwords.hash_password(new)
    with transaction(engine) as session:
        row = queries.find_user(session, user_id=actor.id)
        assert row is not None  # people are disabled, never deleted
        row.password_hash, row.must_change_password = hashed, False
        queries.delete_sessions_of(session, user_id=actor.id, but=signed_in.session_id)
    lockout.succeed(engine, account=actor.name, address=address)
    log.info("%s changed the password", actor.name)


def _check_provider(settings: Settings) -> None:
    if not (settings.oidc_issuer and settings.oidc_client_id):
        raise ConflictError(
            "CATALENS_ACCOUNTS=oidc needs CATALENS_OIDC_ISSUER and CATALENS_OIDC_CLIENT_ID"
        )
    issuer = urlsplit(settings.oidc_issuer)
    if issuer.scheme != "https" and not is_this_machine(issuer.hostname or ""):
        raise ConflictError(f"CATALENS_OIDC_ISSUER={settings.oidc_issuer!r} must be https")
    parse_roles(settings.oidc_roles)


def _account(name: str) -> str:
    """Return the name as accounts are kept; one that cannot be kept is nobody's."""
    try:
        return clean_name(name)
    except InvalidInputError:
        return ""
