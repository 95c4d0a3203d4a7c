"""Signing in and out, and changing one's password: routes that answer with plain pages."""

from functools import partial
from urllib.parse import parse_qs

from anyio import CapacityLimiter, fail_after, to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from api import account_pages
from api.identity import (
    LOGIN,
    LOGOUT,
    PASSWORD,
    client_address,
    find_signed_in,
    get_signed_in,
    is_encrypted,
    safe_path,
)
from core.errors import CatalogError, InvalidInputError, TooManyTriesError
from core.services import accounts, sessions
from core.services.database import get_engine
from core.services.sessions import COOKIE, SignedIn
from core.settings import Settings, get_settings

MAX_FORM_BYTES = 16 * 1024
FORM_TIMEOUT_S = 20

# Argon2 takes 64 MiB and a processor; who guesses shall have neither.
_hashing = CapacityLimiter(2)


async def show_login(request: Request) -> Response:
    """Ask for name and password; who is signed in goes on."""
    next_path = safe_path(request.query_params.get("next", "/"))
    signed_in = find_signed_in(request)
    if signed_in is not None:
        return RedirectResponse(next_path, 303)
    return account_pages.login_page(next_path=next_path, provider=provider_name(get_settings()))


async def log_in(request: Request) -> Response:
    """Start a session, or say why not."""
    settings = get_settings()
    form = await _read_form(request)
    next_path = safe_path(form.get("next", "/"))
    sign_in = partial(
        accounts.sign_in,
        get_engine(),
        settings,
        name=form.get("name", ""),
        password=form.get("password", ""),
        address=client_address(request, settings),
        user_agent=request.headers.get("user-agent", ""),
    )
    try:
        token = await to_thread.run_sync(sign_in, limiter=_hashing)
    except CatalogError as error:
        page = account_pages.login_page(
            next_path=next_path,
            provider=provider_name(settings),
            problem=str(error),
            status=error.status,
        )
        return _with_wait(page, error)
    return begin_session(request, settings, token, next_path)


async def show_logout(request: Request) -> Response:
    """Ask whether to sign out."""
    signed_in = find_signed_in(request)
    if signed_in is None:
        return RedirectResponse(LOGIN, 303)
    return account_pages.logout_page(name=signed_in.actor.name)


async def log_out(request: Request) -> Response:
    """End the session."""
    token = request.cookies.get(COOKIE, "")
    await to_thread.run_sync(partial(sessions.sign_out, get_engine(), token=token))
    response = RedirectResponse(LOGIN, 303)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return response


async def show_password(request: Request) -> Response:
    """Ask for a new password."""
    return _password_page(get_signed_in(request))


async def change_password(request: Request) -> Response:
    """Change the password, or say why not."""
    signed_in = get_signed_in(request)
    form = await _read_form(request)
    change = partial(
        accounts.change_password,
        get_engine(),
        signed_in=signed_in,
        current=form.get("current", ""),
        new=form.get("new", ""),
        address=client_address(request, get_settings()),
    )
    try:
        if form.get("new") != form.get("again"):
            raise InvalidInputError("the two new passwords differ; type them again")
        await to_thread.run_sync(change, limiter=_hashing)
    except CatalogError as error:
        return _with_wait(_password_page(signed_in, error), error)
    return RedirectResponse("/", 303)


def begin_session(
    request: Request, settings: Settings, token: str, next_path: str
) -> RedirectResponse:
    """Send the browser on with its session's cookie."""
    response = RedirectResponse(next_path, 303, headers={"Cache-Control": "no-store"})
    response.set_cookie(
        COOKIE,
        token,
        max_age=settings.session_max_s,
        path="/",
        secure=is_encrypted(request, settings),
        httponly=True,
        samesite="lax",
    )
    return response


def provider_name(settings: Settings) -> str:
    """Return what the button for the provider says; empty where there is none."""
    return settings.oidc_name if settings.accounts == "oidc" else ""


def _password_page(signed_in: SignedIn, error: CatalogError | None = None) -> Response:
    return account_pages.password_page(
        name=signed_in.actor.name,
        is_one_time=signed_in.must_change_password,
        problem=str(error or ""),
        status=200 if error is None else error.status,
    )


def _with_wait(response: Response, error: CatalogError) -> Response:
    if isinstance(error, TooManyTriesError):
        response.headers["Retry-After"] = str(error.wait_s)
    return response


async def _read_form(request: Request) -> dict[str, str]:
    """Read a small form; visitors send it, so it is bounded in size and time.

    Raises:
        InvalidInputError: It is too long, or too slow.
    """
    body = b""
    try:
        with fail_after(FORM_TIMEOUT_S):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_FORM_BYTES:
                    raise InvalidInputError(f"a form of more than {MAX_FORM_BYTES} bytes")
    except TimeoutError as error:
        raise InvalidInputError(f"the form did not come in {FORM_TIMEOUT_S} s") from error
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise InvalidInputError("the form is not one of ours") from error
    return {name: values[-1] for name, values in fields.items()}


def tell_problem(_request: Request, error: Exception) -> Response:
    """Answer what a form cannot show, in plain words."""
    assert isinstance(error, CatalogError)
    return PlainTextResponse(str(error), error.status)


def list_routes(settings: Settings) -> list[Route]:
    """Return the routes of signing in; none where there are no accounts."""
    if not settings.has_accounts:
        return []
    routes = [
        Route(LOGIN, show_login, methods=["GET"]),
        Route(LOGIN, log_in, methods=["POST"]),
        Route(LOGOUT, show_logout, methods=["GET"]),
        Route(LOGOUT, log_out, methods=["POST"]),
        Route(PASSWORD, show_password, methods=["GET"]),
        Route(PASSWORD, change_password, methods=["POST"]),
    ]
    if settings.accounts == "oidc":
        from api import provider  # its libraries are loaded only where they are used

        routes += provider.ROUTES
    return routes
