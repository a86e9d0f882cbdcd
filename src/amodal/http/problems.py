"""Errors as clients get them: {"error": {"message", "field"}, "current"?}."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from amodal.errors import AmodalError, InputError

if TYPE_CHECKING:  # a page may be shown before FastAPI is there
    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError

MAX_SHOWN = 500
# Errors about files name them with their folders, which are no business of a client's.
_FOLDERS = re.compile(r"^(?:[A-Za-z]:)?[/\\](?:[^:]*[/\\])?")
_log = logging.getLogger(__name__)


def problem(
    status: int, message: str, field: str = "", current: Any = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer."""
    # Names of files may hold half characters, which no answer can carry.
    said = message.encode("utf-8", "replace").decode()[:MAX_SHOWN]
    content: dict[str, Any] = {"error": {"message": said, "field": field}}
    if current is not None:
        from fastapi.encoders import jsonable_encoder

        content["current"] = jsonable_encoder(current)
    return JSONResponse(content, status, dict(headers or {}))


def answer_errors(app: FastAPI, refused: Callable[[AmodalError], JSONResponse], broken: str) -> None:
    """Make the application answer errors in that form: `refused` our own; `broken` is said of a mistake of ours."""
    from fastapi.exceptions import RequestValidationError

    @app.exception_handler(AmodalError)
    async def ours(request: Request, error: AmodalError) -> JSONResponse:
        return refused(error)

    @app.exception_handler(RequestValidationError)
    async def wrong(request: Request, error: RequestValidationError) -> JSONResponse:
        field, message = _first(error.errors())
        return problem(422, message, field)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, _said(error), headers=error.headers)

    @app.exception_handler(Exception)
    async def mistaken(request: Request, error: Exception) -> JSONResponse:
        _log.error("%s %s", request.method, request.url.path, exc_info=error)
        return problem(500, broken)


def without_folders(error: AmodalError) -> str:
    """What an error says, without the folders of the file that it is about."""
    return _FOLDERS.sub("", str(error)) if isinstance(error, InputError) else str(error)


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
