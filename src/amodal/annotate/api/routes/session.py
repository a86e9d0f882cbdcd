"""Log-in and log-out."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Asker, Here, whoever
from amodal.annotate.api.parameters import topic
from amodal.annotate.api.place import Place
from amodal.annotate.api.problems import NotLoggedIn
from amodal.annotate.api.security import (
    SESSION_COOKIE,
    VISITOR_COOKIE,
    check_csrf,
    clear_cookie,
    new_token,
    proved,
    set_cookie,
)
from amodal.annotate.errors import Invalid
from amodal.annotate.store import people
from amodal.annotate.store.audit import note

router = topic("session")
Visitor = Annotated[Asker | None, Depends(whoever)]


@router.get("/session")
def get_session(here: Here, asker: Visitor, request: Request, response: Response) -> schemas.SessionInfo:
    """Who is logged in, and the token that writes need as the header X-CSRF-Token."""
    if asker is not None:
        return _said(here, asker, asker.csrf)
    visitor = request.cookies.get(VISITOR_COOKIE) or new_token()
    set_cookie(request, response, VISITOR_COOKIE, visitor)
    return _said(here, None, visitor)


@router.post("/session")
def log_in(here: Here, request: Request, response: Response, asked: schemas.LogIn) -> schemas.SessionInfo:
    """Log in; from then on the cookie says who asks. The CSRF token is a new one."""
    if here.mode == "one-person":
        raise Invalid("this project is open for one person; there is nothing to log in to", "name")
    check_csrf(request, request.cookies.get(VISITOR_COOKIE, ""))
    id = proved(here, request, asked.name, asked.password)
    if id is None:
        raise NotLoggedIn("name or password is wrong")
    with here.database.write() as session:
        person = people.person_of(session, id)
        token, login = people.log_in(session, person)
        note(session, person, "log-in", person.name)
        asker = Asker.of(person, login.csrf)
    set_cookie(request, response, SESSION_COOKIE, token, people.SESSION_HOURS * 3600)
    clear_cookie(response, VISITOR_COOKIE)
    return _said(here, asker, asker.csrf)


@router.delete("/session")
def log_out(here: Here, asker: Visitor, request: Request, response: Response) -> schemas.SessionInfo:
    """Log out; the session is gone on the server."""
    if asker is None:
        raise NotLoggedIn("nobody is logged in here")
    check_csrf(request, asker.csrf)
    with here.database.write() as session:
        people.log_out(session, request.cookies.get(SESSION_COOKIE, ""))
        note(session, asker.person(session), "log-out", asker.name)
    clear_cookie(response, SESSION_COOKIE)
    visitor = new_token()
    set_cookie(request, response, VISITOR_COOKIE, visitor)
    return _said(here, None, visitor)


def _said(here: Place, asker: Asker | None, csrf: str) -> schemas.SessionInfo:
    with here.database.read() as session:
        project = people.project_of(session).uid
    person = (
        None
        if asker is None
        else schemas.Person(id=asker.id, name=asker.name, role=asker.role, roles=sorted(asker.roles))
    )
    return schemas.SessionInfo(mode=here.mode, project=project, person=person, csrf=csrf)
