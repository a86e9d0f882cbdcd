"""Log-in and log-out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Here

router = APIRouter(tags=["session"])


@router.get("/session")
def get_session(here: Here, request: Request, response: Response) -> schemas.SessionInfo:
    """Who is logged in, and the token that writes need as the header X-CSRF-Token."""
    raise NotImplementedError


@router.post("/session")
def log_in(here: Here, request: Request, response: Response, asked: schemas.LogIn) -> schemas.SessionInfo:
    """Log in; from then on the cookie says who asks. The CSRF token is a new one."""
    raise NotImplementedError


@router.delete("/session")
def log_out(here: Here, request: Request, response: Response) -> schemas.SessionInfo:
    """Log out; the session is gone on the server."""
    raise NotImplementedError
