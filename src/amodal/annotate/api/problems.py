"""What the app refuses, as the page gets it: status and document of each of our errors."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError

from amodal.annotate.errors import AnnotateError, Conflict, Forbidden, Invalid, Missing
from amodal.errors import AmodalError, InputError
from amodal.http import problems
from amodal.http.problems import problem, without_folders

_log = logging.getLogger(__name__)
STATUS: dict[type[AmodalError], int] = {Missing: 404, Forbidden: 403, Conflict: 409, Invalid: 422}


class TooMany(AnnotateError):
    """Too much was asked for at once; `seconds` until it may be asked for again."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(message)
        self.seconds = seconds


class NotLoggedIn(AnnotateError):
    """Nobody is logged in, or no longer."""


def answer_errors(app: FastAPI) -> None:
    """Make the application answer errors in that form."""
    said = "The server made a mistake; what was saved before is safe. Its log says more."
    problems.answer_errors(app, _refused, said)

    @app.exception_handler(OperationalError)
    async def not_written(request: Request, error: OperationalError) -> JSONResponse:
        return _not_written(error.orig)

    @app.exception_handler(OSError)
    async def no_place(request: Request, error: OSError) -> JSONResponse:
        return _not_written(error)


def _not_written(error: BaseException | None) -> JSONResponse:
    """The page keeps what it could not save, and tries again later."""
    _log.error("not written: %s", error)
    words = str(error).lower()
    if any(one in words for one in ("disk", "no space", "file too large", "quota")):
        return problem(507, "The server's disk is full, so this was not saved; what was saved before is safe.")
    return problem(503, "The database does not answer, so this was not done; what was saved before is safe.")


def _refused(error: AmodalError) -> JSONResponse:
    if isinstance(error, NotLoggedIn):
        return problem(401, str(error))
    if isinstance(error, TooMany):
        return problem(429, str(error), headers={"Retry-After": str(error.seconds)})
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 422)
    field = error.field if isinstance(error, AnnotateError | InputError) else ""
    return problem(status, without_folders(error), field, error.current if isinstance(error, Conflict) else None)
