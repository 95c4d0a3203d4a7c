"""Who asks: one middleware in front of pages, API, images, uploads and the websocket."""

import logging
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import CatalogError, ForbiddenError, NotFoundError, UnauthenticatedError
from core.services.sessions import COOKIE, SignedIn
from core.settings import Settings

log = logging.getLogger(__name__)

Find = Callable[[str], SignedIn | None]

LOGIN, LOGOUT, PASSWORD = "/login", "/logout", "/password"
PROVIDER_START, PROVIDER_RETURN = "/auth/oidc/start", "/auth/oidc/callback"
HEALTH = "/_stcore/health"
OPEN_PATHS = frozenset({LOGIN, LOGOUT, PROVIDER_START, PROVIDER_RETURN, HEALTH})
"""Whoever comes may ask for these, and for nothing else."""
ONE_TIME_PATHS = frozenset({PASSWORD})
"""Open to who has a one-time password still."""

CLOSED_PATHS = "/_stcore/agent/"
"""Streamlit's doors for programs, which know nothing of roles. Ours is ``/api``."""

# Programs ask for these; a page to sign in would be no answer to them.
_NOT_FOR_EYES = ("/api/", "/_stcore/", "/media/", "/static/", "/component/", "/app/")
# Threads of their own: slow routes, which take the common ones, keep nobody at the door.
_looking_up = CapacityLimiter(8)
_SIGNED_IN = "signed_in"
_MAX_NEXT = 1500


class IdentityMiddleware:
    """Resolve the session of every request and handshake; refuse those without one.

    Args:
        find: Returns whose session a cookie's token is. It reads the database, so it runs
            in a thread. Without accounts it returns the local user, whatever the token.
    """

    def __init__(self, app: ASGIApp, find: Find) -> None:
        self._app = app
        self._find = find

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        token = HTTPConnection(scope).cookies.get(COOKIE, "")
        signed_in = await to_thread.run_sync(self._find, token, limiter=_looking_up)
        problem = _problem(scope["path"], signed_in)
        if problem is None:
            scope.setdefault("state", {})[_SIGNED_IN] = signed_in
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": str(problem)})
        else:
            await _refuse(scope, problem)(scope, receive, send)


def find_signed_in(connection: HTTPConnection) -> SignedIn | None:
    """Return whose session the middleware found, None for a visitor of an open path."""
    found: SignedIn | None = connection.scope.get("state", {}).get(_SIGNED_IN)
    return found


def get_signed_in(connection: HTTPConnection) -> SignedIn:
    """Return whose session a request belongs to.

    Raises:
        UnauthenticatedError: It came past the middleware, or is a visitor's.
    """
    found = find_signed_in(connection)
    if found is None:
        raise UnauthenticatedError(f"nobody is signed in; sign in at {LOGIN}")
    return found


def client_address(connection: HTTPConnection, settings: Settings) -> str:
    """Return where a request comes from; behind a trusted proxy, what that says of it."""
    forwarded = connection.headers.get("x-forwarded-for", "")
    if settings.trust_proxy and forwarded:
        last = forwarded.rsplit(",", 1)[-1].strip()  # what stands before it, anybody can write
        try:
            return str(ip_address(last))
        except ValueError:
            log.warning("the proxy says that a request comes from %r, which is no address", last)
    return connection.client.host if connection.client else ""


def is_encrypted(connection: HTTPConnection, settings: Settings) -> bool:
    """Whether the browser speaks TLS, with us or with a trusted proxy."""
    if settings.trust_proxy and (said := connection.headers.get("x-forwarded-proto")):
        return said.rsplit(",", 1)[-1].strip().lower() == "https"
    return connection.url.scheme == "https"


def safe_path(path: str) -> str:
    """Return a path of our own to go on to; ``/`` for anything that leads elsewhere."""
    is_ours = path.startswith("/") and not path.startswith("//")
    if not is_ours or "\\" in path or not path.isprintable() or len(path) > _MAX_NEXT:
        return "/"
    before_query = path.partition("?")[0]
    return "/" if before_query in OPEN_PATHS | ONE_TIME_PATHS else path


def _problem(path: str, signed_in: SignedIn | None) -> CatalogError | None:
    if path in OPEN_PATHS:
        return None
    if signed_in is None:
        return UnauthenticatedError(f"nobody is signed in; sign in at {LOGIN}")
    if signed_in.must_change_password and path not in ONE_TIME_PATHS:
        return ForbiddenError(f"change your one-time password first, at {PASSWORD}")
    if path.startswith(CLOSED_PATHS):
        return NotFoundError(f"nothing answers at {path}; programs are served at /api")
    return None


def _refuse(scope: Scope, problem: CatalogError) -> Response:
    """Send who looks at a page to sign in; tell a program what is wrong."""
    headers = {"Cache-Control": "no-store"}
    if not _is_for_eyes(scope):
        answer = {"error": type(problem).__name__, "message": str(problem)}
        return JSONResponse(answer, problem.status, headers=headers)
    if isinstance(problem, ForbiddenError):
        return RedirectResponse(PASSWORD, 303, headers=headers)
    query = scope["query_string"].decode("latin-1")
    wanted = safe_path(quote(scope["path"]) + (f"?{query}" if query else ""))
    asked = "" if wanted == "/" else f"?next={quote(wanted, safe='/')}"
    return RedirectResponse(f"{LOGIN}{asked}", 303, headers=headers)


def _is_for_eyes(scope: Scope) -> bool:
    accepted = Headers(scope=scope).get("accept", "")
    is_page = not f"{scope['path']}/".startswith(_NOT_FOR_EYES)
    return is_page and scope["method"] in {"GET", "HEAD"} and "text/html" in accepted
