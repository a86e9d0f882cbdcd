"""Who asks, and whether they may: what routes take as their first parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from amodal.annotate.api.place import Place
from amodal.annotate.api.problems import NotLoggedIn
from amodal.annotate.api.schemas import Role
from amodal.annotate.api.security import SESSION_COOKIE, check_csrf
from amodal.annotate.errors import Forbidden
from amodal.annotate.store.people import login_of, person_of
from amodal.annotate.store.tables import Person


@dataclass(frozen=True)
class Asker:
    """The person behind a request, and the token that their writes need."""

    id: int
    name: str
    role: Role
    roles: frozenset[Role]
    csrf: str

    @classmethod
    def of(cls, person: Person, csrf: str) -> Asker:
        """That of a row."""
        roles = cast(tuple[Role, ...], person.roles)
        return cls(person.id, person.name, cast(Role, person.role), frozenset(roles), csrf)

    def person(self, session: Session) -> Person:
        """The row, in a session."""
        return person_of(session, self.id)


def here(request: Request) -> Place:
    """The project behind the application."""
    return cast(Place, request.app.state.place)


Here = Annotated[Place, Depends(here)]


def whoever(request: Request, here: Here) -> Asker | None:
    """Who asks, None where nobody is logged in."""
    if here.alone is not None:
        with here.database.read() as session:
            return Asker.of(person_of(session, here.alone), here.csrf)
    token = request.cookies.get(SESSION_COOKIE, "")
    if not token:
        return None
    with here.database.read() as session:
        login = login_of(session, token)
        return None if login is None else Asker.of(login.person, login.csrf)


def allowed(*roles: Role) -> Callable[..., Asker]:
    """A dependency: somebody of one of these roles, whose write carries the token."""

    def asker(request: Request, found: Annotated[Asker | None, Depends(whoever)]) -> Asker:
        if found is None:
            raise NotLoggedIn("nobody is logged in here, or the session is over; log in again")
        check_csrf(request, found.csrf)
        if not found.roles & set(roles):
            raise Forbidden(f"this needs the role {' or '.join(roles)}; {found.name} is {found.role}")
        return found

    return asker


Anyone = Annotated[Asker, Depends(allowed("expert", "annotator", "manager"))]
Expert = Annotated[Asker, Depends(allowed("expert"))]
Annotator = Annotated[Asker, Depends(allowed("annotator"))]
Manager = Annotated[Asker, Depends(allowed("manager"))]
Worker = Annotated[Asker, Depends(allowed("expert", "annotator"))]
Overseer = Annotated[Asker, Depends(allowed("expert", "manager"))]
