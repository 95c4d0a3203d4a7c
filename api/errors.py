"""Errors as JSON: ``{"error": kind, "message": what to do}``."""

import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import CatalogError

log = logging.getLogger(__name__)


def install(app: FastAPI) -> None:
    """Answer every error of the app's routes as JSON."""
    app.add_exception_handler(CatalogError, _on_catalog_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_middleware(Boundary)


_KINDS = {403: "ForbiddenError", 404: "NotFoundError"}
"""What an error that the framework raises is called; anything else is the caller's mistake."""


def _answer(status: int, kind: str, message: str) -> JSONResponse:
    return JSONResponse({"error": kind, "message": message}, status)


def _on_catalog_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CatalogError)
    return _answer(error.status, type(error).__name__, str(error))


def _on_invalid_request(_request: Request, error: Exception) -> JSONResponse:
    """A path that cannot be is not found; anything else is the caller's mistake."""
    assert isinstance(error, RequestValidationError)
    if any(problem["loc"][0] == "path" for problem in error.errors()):
        return _answer(404, "NotFoundError", "no such address")
    problems = (
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
        for problem in error.errors()
    )
    return _answer(422, "InvalidInputError", "; ".join(problems))


def _on_http_exception(_request: Request, error: Exception) -> JSONResponse:
    """What the framework raises: no such route, wrong method, a body that is no multipart."""
    assert isinstance(error, HTTPException)
    answer = _answer(
        error.status_code, _KINDS.get(error.status_code, "InvalidInputError"), error.detail
    )
    answer.headers.update(error.headers or {})
    return answer


def _on_disconnect(_request: Request, _error: Exception) -> Response:
    return _answer(400, "InvalidInputError", "the request broke off")


class Boundary:
    """Log what nobody foresaw, and tell the caller no more than that it happened."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def watch(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:
            log.exception("%s %s failed", scope.get("method", ""), scope["path"])
            if has_begun:
                raise  # the server breaks the answer off, so that nobody takes it for whole
            words = "Something went wrong here; it has been logged."
            await _answer(500, "UnexpectedError", words)(scope, receive, send)
