"""Sessions, accounts, and what they did."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool

from amodal.annotate.api.schemas.values import Asked, Mode, Name, Password, Role, Said, storable
from amodal.annotate.store.checks import MAX_NAME
from amodal.annotate.store.people import MOST_PASSWORD


class LogIn(Asked):
    """Name and password."""

    name: Annotated[str, Field(max_length=MAX_NAME), AfterValidator(storable)]
    password: Annotated[str, Field(max_length=MOST_PASSWORD), AfterValidator(storable)]


class Person(Said):
    """Somebody who works on the project."""

    id: int
    name: str
    role: Role
    roles: list[Role]
    active: bool = True


class SessionInfo(Said):
    """Who is logged in. `person` is null where a log-in is wanted; in view mode nobody is needed.

    `project` is random and the project's own: ids mean the same only where it is the same.
    """

    mode: Mode
    project: str
    person: Person | None
    csrf: str


class NewPerson(Asked):
    """An account to make."""

    name: Name
    role: Role
    password: Password


class PersonChange(Asked):
    """What is to be changed of an account; `old_password` is asked of who changes their own."""

    role: Role | None = None
    password: Password | None = None
    old_password: Annotated[str, Field(max_length=MOST_PASSWORD), AfterValidator(storable)] | None = None
    active: StrictBool | None = None


class People(Said):
    """All accounts."""

    people: list[Person]


class AuditLine(Said):
    """Something that was done."""

    time: datetime
    person: str | None
    action: str
    subject: str
    detail: dict[str, Any]


class AuditLog(Said):
    """What was done, the newest first."""

    lines: list[AuditLine]
