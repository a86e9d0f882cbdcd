"""Errors as the page gets them: {"error": {"message", "field"}, "current"?}."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from amodal.annotate.errors import AnnotateError, Conflict, Forbidden, Invalid, Missing
from amodal.errors import AmodalError, InputError

STATUS: dict[type[AmodalError], int] = {Missing: 404, Forbidden: 403, Conflict: 409, Invalid: 422}
MAX_SHOWN = 500
# Errors about files name them with their folders, which are no business of the page's.
_FOLDERS = re.compile(r"^(?:[A-Za-z]:)?[/\\](?:[^:]*[/\\])?")
_log = logging.getLogger(__name__)


class TooMany(AnnotateError):
    """Too much was asked for at once; `seconds` until it may be asked for again."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class NotLoggedIn(AnnotateError):
    """Nobody is logged in, or no longer."""


def problem(
    status: int, message: str, field: str = "", current: Any = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer."""
    # Names of files may hold half characters, which no answer can carry.
    said = message.encode("utf-8", "replace").decode()[:MAX_SHOWN]
    content: dict[str, Any] = {"error": {"message": said, "field": field}}
    if current is not None:
        content["current"] = jsonable_encoder(current)
    return JSONResponse(content, status, dict(headers or {}))


def answer_errors(app: FastAPI) -> None:
    """Make the application answer errors in that form."""

    @app.exception_handler(AmodalError)
    async def refused(request: Request, error: AmodalError) -> JSONResponse:
        return _refused(error)

    @app.exception_handler(RequestValidationError)
    async def wrong(request: Request, error: RequestValidationError) -> JSONResponse:
        field, message = _first(error.errors())
        return problem(422, message, field)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, _said(error), headers=error.headers)

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> JSONResponse:
        _log.error("%s %s", request.method, request.url.path, exc_info=error)
        return problem(500, "The server made a mistake; what was saved before is safe. Its log says more.")


def _refused(error: AmodalError) -> JSONResponse:
    if isinstance(error, NotLoggedIn):
        return problem(401, str(error))
    if isinstance(error, TooMany):
        return problem(429, str(error), headers={"Retry-After": str(error.seconds)})
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 422)
    field = error.field if isinstance(error, AnnotateError | InputError) else ""
    said = _FOLDERS.sub("", str(error)) if isinstance(error, InputError) else str(error)
    return problem(status, said, field, error.current if isinstance(error, Conflict) else None)


def _first(errors: Sequence[Any]) -> tuple[str, str]:
    """Field and message of the first error; what was sent is not repeated, it may be anything."""
    if not errors:
        return "", "What was sent is not what was expected."
    error = errors[0]
    place = [str(part) for part in error.get("loc", ()) if part not in ("body", "path", "query")]
    field = ".".join(part for part in place if not part.startswith("function-"))
    message = str(error.get("msg", "is wrong")).removeprefix("Value error, ")
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return field, f"{field}: {message}{more}" if field else f"{message}{more}"


def _said(error: HTTPException) -> str:
    plain = {404: "There is nothing at this address.", 405: "This cannot be done at this address."}
    detail = str(error.detail)
    return plain.get(error.status_code, detail) if detail in ("Not Found", "Method Not Allowed") else detail
