"""Signing in at an OpenID provider: authorization code with PKCE, state and nonce.

Authlib speaks the protocol; what is remembered between the way there and the way back is one
row of the database, found by a digest of the state and used once. Accounts are linked by issuer
and subject, never by a name or an e-mail address, which a provider may give to somebody else.
"""

import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import requests
import sqlalchemy as sa
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy.orm import Session

from core.errors import CatalogError, ConflictError, InvalidInputError, UnauthenticatedError
from core.services import sessions
from core.services.accounts import parse_roles
from core.services.users import MAX_NAME_LENGTH, ROLES, clean_name
from core.settings import Settings
from db.engine import transaction
from db.queries import accounts as queries
from db.rows import UserRow
from db.states import Role

log = logging.getLogger(__name__)

VISIT_S = 600
TIMEOUT_S = 10
LEEWAY_S = 60
MAX_SUBJECT_LENGTH = 255
SIGNATURES = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
"""Signatures by a key that only the provider has; never ``none``, never a shared secret."""


class ProviderError(CatalogError):
    """The provider cannot be reached, or answers what cannot be used."""

    status = 502


@dataclass(frozen=True, slots=True)
class Departure:
    """Where a browser is sent, and what it must bring back in a cookie of its own."""

    address: str
    state: str


def depart(
    engine: sa.Engine, settings: Settings, *, return_address: str, next_path: str
) -> Departure:
    """Prepare a browser's way to the provider.

    Raises:
        ProviderError: The provider cannot be reached, or is another than the settings say.
    """
    metadata = _read_metadata(settings)
    state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
    with _client(settings, metadata, return_address) as client:
        address, _ = client.create_authorization_url(
            metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
        )
    now = datetime.now(UTC)
    with transaction(engine) as session:
        queries.delete_old_visits(session, before=now)
        queries.insert_visit(
            session,
            state_digest=sessions.digest(state),
            nonce=nonce,
            code_verifier=verifier,
            next_path=next_path,
            expires_at=now + timedelta(seconds=VISIT_S),
        )
    return Departure(address, state)


def arrive(
    engine: sa.Engine,
    settings: Settings,
    *,
    return_address: str,
    state: str,
    answer: Mapping[str, str],
    address: str,
    user_agent: str,
) -> tuple[str, str]:
    """Start a session for who comes back from the provider; return its token and the next path.

    Args:
        state: From the browser's cookie: it is the one that was sent there.
        answer: The parameters that the provider sent the browser back with.

    Raises:
        UnauthenticatedError: The answer is not to our question, or the account is disabled.
        ProviderError: The provider cannot be reached, or what it says cannot be trusted.
    """
    nonce, verifier, next_path = _take_visit(engine, state, answer)
    metadata = _read_metadata(settings)
    if answer.get("iss", metadata["issuer"]) != metadata["issuer"]:  # RFC 9207
        raise UnauthenticatedError("the answer came from another provider; sign in again")
    claims = _read_claims(settings, metadata, return_address, answer["code"], verifier, nonce)
    user_id = _link(engine, settings, metadata["issuer"], claims)
    token = sessions.start(
        engine, settings, user_id=user_id, user_agent=user_agent, address=address
    )
    return token, next_path


def role_of(settings: Settings, claims: Mapping[str, Any]) -> str | None:
    """Return the highest role that the claim gives, staff if none; None if no claim is set."""
    if not settings.oidc_role_claim:
        return None
    value: Any = claims
    for name in settings.oidc_role_claim.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    values = value if isinstance(value, list) else [value]
    roles = parse_roles(settings.oidc_roles)
    found = [roles[each] for each in values if isinstance(each, str) and each in roles]
    return max(found, key=ROLES.index, default=Role.STAFF)


def _take_visit(engine: sa.Engine, state: str, answer: Mapping[str, str]) -> tuple[str, str, str]:
    """Return nonce, code verifier and next path of the visit that this is the answer to."""
    if not state or not secrets.compare_digest(state.encode(), answer.get("state", "").encode()):
        raise UnauthenticatedError("the answer is not to this browser's question; sign in again")
    with transaction(engine) as session:
        row = queries.take_visit(session, state_digest=sessions.digest(state))
        visit = None if row is None else (row.nonce, row.code_verifier, row.next_path)
        is_late = row is None or row.expires_at < datetime.now(UTC)
    if visit is None or is_late:
        raise UnauthenticatedError("that took too long, or was used already; sign in again")
    if "code" not in answer:
        reason = answer.get("error_description") or answer.get("error", "no reason given")
        raise UnauthenticatedError(f"the provider says no: {reason[:200]}")
    return visit


def _read_metadata(settings: Settings) -> Mapping[str, Any]:
    issuer = settings.oidc_issuer.rstrip("/")
    metadata: Mapping[str, Any] = _fetch_json(f"{issuer}/.well-known/openid-configuration")
    needed = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    if not all(isinstance(metadata.get(name), str) for name in needed):
        raise ProviderError(f"the description of {issuer} lacks some of {', '.join(needed)}")
    if metadata["issuer"].rstrip("/") != issuer:
        raise ProviderError(
            f"{issuer} calls itself {metadata['issuer']!r}; set CATALENS_OIDC_ISSUER to that"
        )
    return metadata


def _read_claims(
    settings: Settings,
    metadata: Mapping[str, Any],
    return_address: str,
    code: str,
    verifier: str,
    nonce: str,
) -> Mapping[str, Any]:
    """Return what the provider says of the person, its signature and its purpose checked."""
    try:
        with _client(settings, metadata, return_address) as client:
            token = client.fetch_token(
                metadata["token_endpoint"], code=code, code_verifier=verifier
            )
        keys = KeySet.import_key_set(_fetch_json(metadata["jwks_uri"]))
        signed = jwt.decode(token["id_token"], keys, algorithms=SIGNATURES)
        claims = CodeIDToken(
            signed.claims,
            signed.header,
            {
                "iss": {"essential": True, "value": metadata["issuer"]},
                "aud": {"essential": True, "value": settings.oidc_client_id},
                "nonce": {"essential": True},
            },
            {
                "nonce": nonce,
                "client_id": settings.oidc_client_id,
                "access_token": token.get("access_token"),
            },
        )
        claims.validate(leeway=LEEWAY_S)
    except (OAuthError, JoseError, KeyError, ValueError, requests.RequestException) as error:
        log.warning("the provider's answer was refused: %s: %s", type(error).__name__, error)
        raise ProviderError(
            "what the provider answered cannot be trusted; sign in again, and if it happens "
            "again, tell an administrator (the log says why)"
        ) from error
    return dict(claims)


def _client(settings: Settings, metadata: Mapping[str, Any], return_address: str) -> OAuth2Session:
    secret = settings.oidc_client_secret.get_secret_value()
    methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    method = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
    return OAuth2Session(
        settings.oidc_client_id,
        secret or None,
        token_endpoint_auth_method=method if secret else "none",
        scope=settings.oidc_scope,
        redirect_uri=return_address,
        code_challenge_method="S256",
        default_timeout=TIMEOUT_S,
    )


def _fetch_json(address: str) -> Any:
    try:
        answer = requests.get(address, timeout=TIMEOUT_S, allow_redirects=False)
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, json.JSONDecodeError) as error:
        log.warning("%s cannot be read: %s", address, error)
        raise ProviderError(
            "the provider cannot be reached; try again, or sign in with a password"
        ) from error
    if not isinstance(found, dict):
        raise ProviderError(f"{address} is no JSON object")
    return found


def _link(engine: sa.Engine, settings: Settings, issuer: str, claims: Mapping[str, Any]) -> int:
    """Return the id of the person, made at the first visit; the claim's role is taken over."""
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_LENGTH:
        raise ProviderError(f"the provider's subject is {subject!r}, which cannot be kept")
    role = role_of(settings, claims)
    with transaction(engine) as session:
        row = queries.find_user_by_subject(session, issuer=issuer, subject=subject)
        if row is None:
            row = _add(session, issuer, subject, role or Role.STAFF, claims)
        if row.is_disabled:
            raise UnauthenticatedError("this account is disabled; ask an administrator")
        row.role = role or row.role
        return row.id


def _add(
    session: Session, issuer: str, subject: str, role: str, claims: Mapping[str, Any]
) -> UserRow:
    """Add a person by the first name that is free."""
    wanted = _name(claims)
    for number in count(1):
        name = wanted if number == 1 else f"{wanted} ({number})"
        queries.insert_user(session, name=name, role=role, issuer=issuer, subject=subject)
        row = queries.find_user_by_subject(session, issuer=issuer, subject=subject)
        if row is not None:
            return row
    raise ConflictError(f"no name is free for {wanted!r}")


def _name(claims: Mapping[str, Any]) -> str:
    room = MAX_NAME_LENGTH - len(" (1000)")
    for claim in ("preferred_username", "email", "name", "sub"):
        try:
            return clean_name(str(claims.get(claim) or "")[:room])
        except InvalidInputError:
            continue
    return "somebody"
