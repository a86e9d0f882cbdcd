"""What the app refuses, as the page gets it: status and document of each of our errors."""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import JSONResponse

from amodal.annotate.errors import AnnotateError, Conflict, Forbidden, Invalid, Missing
from amodal.errors import AmodalError, InputError
from amodal.http import problems
from amodal.http.problems import problem, without_folders

if TYPE_CHECKING:
    from fastapi import FastAPI

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
    async def no_database(request: Request, error: OperationalError) -> JSONResponse:
        words = str(error.orig).lower()
        full = any(one in words for one in ("disk", "no space", "file too large", "quota"))
        return _not_done("The database does not answer", error, full)

    @app.exception_handler(OSError)
    async def no_file(request: Request, error: OSError) -> JSONResponse:
        said = f"The server cannot use one of its files ({error.strerror or 'no reason is known'})"
        return _not_done(said, error, _disk_is_full(error))


def _not_done(why: str, error: BaseException, disk_is_full: bool) -> JSONResponse:
    """The page keeps what it could not save, and tries again later."""
    _log.error("not done: %s", error)
    if disk_is_full:
        return problem(507, "The server's disk is full, so this was not saved; what was saved before is safe.")
    return problem(503, f"{why}, so this was not done; what was saved before is safe.")


def _disk_is_full(error: BaseException | None) -> bool:
    """Whether that is what the system said, also where we said it in words of ours since."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return True
        error = error.__cause__
    return False


def _refused(error: AmodalError) -> JSONResponse:
    if _disk_is_full(error):
        return _not_done("", error, True)
    if isinstance(error, NotLoggedIn):
        return problem(401, str(error))
    if isinstance(error, TooMany):
        return problem(429, str(error), headers={"Retry-After": str(error.seconds)})
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 422)
    field = error.field if isinstance(error, AnnotateError | InputError) else ""
    return problem(status, without_folders(error), field, error.current if isinstance(error, Conflict) else None)
