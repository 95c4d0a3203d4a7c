"""The way to an OpenID provider and back."""

from functools import partial

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api import account_pages
from api.accounts import begin_session, provider_name
from api.identity import (
    PROVIDER_RETURN,
    PROVIDER_START,
    client_address,
    is_encrypted,
    safe_path,
)
from core.errors import CatalogError
from core.services import provider
from core.services.database import get_engine
from core.settings import Settings, get_settings

STATE_COOKIE = "catalens_provider"


async def start(request: Request) -> Response:
    """Send the browser to the provider, with a cookie that knows it again."""
    settings = get_settings()
    depart = partial(
        provider.depart,
        get_engine(),
        settings,
        return_address=_return_address(request, settings),
        next_path=safe_path(request.query_params.get("next", "/")),
    )
    try:
        departure = await to_thread.run_sync(depart)
    except CatalogError as error:
        return _refused(settings, error)
    response = RedirectResponse(departure.address, 303, headers={"Cache-Control": "no-store"})
    response.set_cookie(
        STATE_COOKIE,
        departure.state,
        max_age=provider.VISIT_S,
        path=PROVIDER_RETURN,
        secure=is_encrypted(request, settings),
        httponly=True,
        samesite="lax",
    )
    return response


async def come_back(request: Request) -> Response:
    """Start a session for who comes back, or say why not."""
    settings = get_settings()
    arrive = partial(
        provider.arrive,
        get_engine(),
        settings,
        return_address=_return_address(request, settings),
        state=request.cookies.get(STATE_COOKIE, ""),
        answer=dict(request.query_params),
        address=client_address(request, settings),
        user_agent=request.headers.get("user-agent", ""),
    )
    try:
        token, next_path = await to_thread.run_sync(arrive)
    except CatalogError as error:
        return _refused(settings, error)
    response = begin_session(request, settings, token, next_path)
    response.delete_cookie(STATE_COOKIE, path=PROVIDER_RETURN)
    return response


def _return_address(request: Request, settings: Settings) -> str:
    """Return where the provider sends the browser back to; the host was checked before."""
    scheme = "https" if is_encrypted(request, settings) else "http"
    return f"{scheme}://{request.headers['host']}{PROVIDER_RETURN}"


def _refused(settings: Settings, error: CatalogError) -> Response:
    return account_pages.login_page(
        next_path="/",
        provider=provider_name(settings),
        problem=str(error),
        status=error.status,
    )


ROUTES = (
    Route(PROVIDER_START, start, methods=["GET"]),
    Route(PROVIDER_RETURN, come_back, methods=["GET"]),
)
