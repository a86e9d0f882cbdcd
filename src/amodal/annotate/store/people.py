"""The project and its people: roles, passwords, log-ins."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from amodal.annotate.errors import Document, Forbidden, Invalid, Missing
from amodal.annotate.store import revisions
from amodal.annotate.store.audit import note
from amodal.annotate.store.checks import check_name, permit
from amodal.annotate.store.revisions import locked
from amodal.annotate.store.tables import ROLES, Login, Person, Project, now

if TYPE_CHECKING:
    from argon2 import PasswordHasher

IMPORTERS = ("expert", "manager")
LEAST_PASSWORD = 8
MOST_PASSWORD = 200  # hashing costs time, so nobody may ask for a megabyte
ALONE = "me"
SESSION_HOURS = 12

DEFAULT_CATEGORIES = [
    {"name": name, "group": group}
    for group, names in (
        ("people", ("pedestrian", "cyclist", "person-sitting")),
        ("vehicle", ("car", "van", "tram", "truck", "misc")),
    )
    for name in names
]


def create_project(session: Session, name: str, *, annotators_per_object: int = 3) -> Project:
    """The project of a new database, with KINS's classes; one that is there already is given back as it is."""
    there = session.get(Project, 1)
    if there is not None:
        return there
    project = Project(
        id=1,
        name=check_name(name, "name"),
        categories=list(DEFAULT_CATEGORIES),
        annotators_per_object=annotators_per_object,
        agreement_threshold=0.8,
        max_rounds=3,
        stage=1,
        version=1,
        created=now(),
    )
    _check_settings(project)
    session.add(project)
    session.flush()
    revisions.record(session, "project", 1, 1, None, project_document(project))
    return project


def project_of(session: Session) -> Project:
    """The project.

    Raises:
        Missing: the database has none yet.
    """
    project = session.get(Project, 1)
    if project is None:
        raise Missing("this database has no project yet")
    return project


def project_held(session: Session) -> Project:
    """The project as it stays until this transaction ends; others may read it so at the same time.

    Raises:
        Missing: the database has none yet.
    """
    session.get(Project, 1, with_for_update={"read": True}, populate_existing=True)
    return project_of(session)


def change_project(session: Session, by: Person, *, version: int | None = None, **changes: Any) -> Project:
    """Change name, categories, annotators_per_object, agreement_threshold or max_rounds; managers may.

    Without a `version` the last one wins.

    Raises:
        Forbidden, Invalid, Conflict: a class that objects have cannot be taken away.
    """
    permit(by, "manager")
    project = locked(session, Project, 1, "project")
    unknown = set(changes) - {"name", "categories", "annotators_per_object", "agreement_threshold", "max_rounds"}
    if unknown:
        raise Invalid(f"{min(unknown)}: cannot be changed", min(unknown))
    if version is not None:
        current = project_document(project)
        revisions.check_version("project", 1, by, seen=version, found=project.version, current=current, wanted=changes)
    for field, value in changes.items():
        setattr(project, field, value)
    project.name = check_name(project.name, "name")
    project.categories = check_categories(project.categories)
    _check_settings(project)
    _check_used_labels(session, project)
    project.version += 1
    revisions.record(session, "project", 1, project.version, by, project_document(project))
    note(session, by, "change project", project.name, {key: changes[key] for key in sorted(changes)})
    return project


def add_categories(session: Session, by: Person | None, categories: Sequence[tuple[str, str]]) -> None:
    """Add the classes (name, group) that are not there yet; imports do."""
    project = locked(session, Project, 1, "project")
    there = {one["name"] for one in project.categories}
    new = [{"name": name, "group": group} for name, group in dict(categories).items() if name not in there]
    if new:
        project.categories = check_categories([*project.categories, *new])
        project.version += 1
        revisions.record(session, "project", 1, project.version, by, project_document(project))


def project_document(project: Project) -> Document:
    """The project in plain values."""
    return {
        "name": project.name,
        "categories": project.categories,
        "annotators_per_object": project.annotators_per_object,
        "agreement_threshold": project.agreement_threshold,
        "max_rounds": project.max_rounds,
        "stage": project.stage,
        "version": project.version,
    }


def add_person(session: Session, by: Person | None, *, name: str, role: str, password: str) -> Person:
    """A new person; managers may, and where there is nobody yet, anybody (`by` None) makes the first manager.

    Raises:
        Forbidden, Invalid: no manager; a name that is taken; a password of fewer than 8 characters.
    """
    if by is not None:
        permit(by, "manager")
    elif not _is_empty(session):
        raise Forbidden("there are people already; a manager must add others")
    elif role != "manager":
        raise Invalid(f"role: found {role!r}, expected 'manager' for the first person", "role")
    person = _inserted(session, name, role, every_role=False, password_hash=_hashed(password))
    revisions.record(session, "person", person.id, 1, by, person_document(person))
    note(session, by, "add person", person.name, {"role": role})
    return person


def person_alone(session: Session) -> Person:
    """The one person of a project without log-in, with every role; made when asked for first.

    Raises:
        Forbidden: the database has people with passwords, so it is a team's.
    """
    if session.scalars(select(Person.id).where(Person.password_hash.is_not(None))).first() is not None:
        raise Forbidden("this project has accounts; open it in team mode, with --team")
    found = session.scalars(select(Person).where(Person.every_role)).first()
    if found is not None:
        return found
    person = _inserted(session, ALONE, "expert", every_role=True, password_hash=None)
    revisions.record(session, "person", person.id, 1, None, person_document(person))
    return person


def change_person(
    session: Session,
    by: Person,
    person_id: int,
    *,
    role: str | None = None,
    active: bool | None = None,
    password: str | None = None,
) -> Person:
    """Change a role, switch an account off or on, set a password; managers may, and everybody their own password.

    Who is switched off or gets another password is logged out everywhere.

    Raises:
        Missing, Forbidden, Invalid: among others, the last active manager must stay one.
    """
    own_password = by.id == person_id and role is None and active is None
    permit(by, *(ROLES if own_password else ("manager",)))
    person = locked(session, Person, person_id, "person")
    was_manager = person in _managers(session)
    if role is not None:
        person.role = _role(role)
    if active is not None:
        person.active = active
    if password is not None:
        person.password_hash = _hashed(password)
    if was_manager and not _managers(session):
        raise Invalid("role: this is the last active manager, and one must stay", "role")
    if not person.active or password is not None:
        session.execute(delete(Login).where(Login.person_id == person.id))
    person.version += 1
    detail = {"role": person.role, "active": person.active, "password": password is not None}
    revisions.record(session, "person", person.id, person.version, by, person_document(person))
    note(session, by, "change person", person.name, detail)
    return person


def _managers(session: Session) -> list[Person]:
    """Who can manage: once there are passwords, nobody without one gets in."""
    listed = people(session)
    accounts = [one for one in listed if one.password_hash is not None]
    return [one for one in accounts or listed if one.active and "manager" in one.roles]


def people(session: Session) -> list[Person]:
    """Everybody, by name."""
    return list(session.scalars(select(Person).order_by(Person.name)))


def person_of(session: Session, person_id: int) -> Person:
    """One person.

    Raises:
        Missing: there is none.
    """
    return revisions.row_of(session, Person, person_id, "person")


def person_document(person: Person) -> Document:
    """A person in plain values, without the password's hash."""
    return {
        "id": person.id,
        "name": person.name,
        "role": person.role,
        "roles": list(person.roles),
        "active": person.active,
        "version": person.version,
    }


def by_password(session: Session, name: str, password: str) -> Person | None:
    """The active person of this name and password, or None; takes as long whether or not there is such a name."""
    from argon2.exceptions import InvalidHashError, VerificationError

    person = session.scalars(select(Person).where(Person.name == name.strip())).first()
    kept = person.password_hash if person is not None and person.password_hash else _hash_of_nobody()
    try:
        right = len(password) <= MOST_PASSWORD and _hasher().verify(kept, password)
    except (VerificationError, InvalidHashError):
        right = False
    if not right or person is None or person.password_hash is None or not person.active:
        return None
    return person


def log_in(session: Session, person: Person) -> tuple[str, Login]:
    """A new session of the browser: its secret token for the cookie, and the row with the CSRF token."""
    token = secrets.token_urlsafe(32)
    session.execute(delete(Login).where(Login.expires < now()))
    login = Login(
        token_hash=_token_hash(token),
        person_id=person.id,
        csrf=secrets.token_urlsafe(24),
        created=now(),
        expires=now() + timedelta(hours=SESSION_HOURS),
    )
    session.add(login)
    session.flush()
    return token, login


def login_of(session: Session, token: str) -> Login | None:
    """The session of a cookie's token, None where it is unknown, over, or its person no longer active."""
    login = session.get(Login, _token_hash(token))
    return login if login is not None and login.expires > now() and login.person.active else None


def log_out(session: Session, token: str) -> None:
    """End a session of the browser."""
    session.execute(delete(Login).where(Login.token_hash == _token_hash(token)))


def check_categories(categories: Sequence[Any]) -> list[dict[str, str]]:
    """Classes of two layers, [{"name", "group"}], names once each.

    Raises:
        Invalid: they are not.
    """
    found = [
        {"name": check_name(str(one["name"]), "categories"), "group": check_name(str(one["group"]), "categories")}
        for one in categories
    ]
    names = [one["name"] for one in found]
    if not names or len(set(names)) != len(names):
        raise Invalid("categories: expected at least one, and each name once", "categories")
    return found


def _check_settings(project: Project) -> None:
    if not 1 <= project.annotators_per_object <= 20:
        found = f"annotators_per_object: found {project.annotators_per_object}, expected 1 to 20"
        raise Invalid(found, "annotators_per_object")
    if not 0 < project.agreement_threshold <= 1:
        found = f"agreement_threshold: found {project.agreement_threshold}, expected above 0 and at most 1"
        raise Invalid(found, "agreement_threshold")
    if not 1 <= project.max_rounds <= 20:
        raise Invalid(f"max_rounds: found {project.max_rounds}, expected 1 to 20", "max_rounds")


def _check_used_labels(session: Session, project: Project) -> None:
    from amodal.annotate.store.objects import labels_in_use

    missing = labels_in_use(session) - {one["name"] for one in project.categories}
    if missing:
        raise Invalid(f"categories: objects have the class {min(missing)!r}, so it must stay", "categories")


def _inserted(session: Session, name: str, role: str, *, every_role: bool, password_hash: str | None) -> Person:
    person = Person(
        name=check_name(name, "name"),
        role=_role(role),
        every_role=every_role,
        password_hash=password_hash,
        active=True,
        version=1,
        created=now(),
    )
    if any(one.name.casefold() == person.name.casefold() for one in people(session)):
        raise Invalid(f"name: there is already somebody called {person.name!r}, large and small letters alike", "name")
    try:
        with session.begin_nested():
            session.add(person)
    except IntegrityError:  # somebody else was faster
        raise Invalid(f"name: there is already somebody called {person.name!r}", "name") from None
    return person


def _is_empty(session: Session) -> bool:
    return not session.scalar(select(func.count()).select_from(Person))


def _role(role: str) -> str:
    if role not in ROLES:
        raise Invalid(f"role: found {role!r}, expected one of {', '.join(ROLES)}", "role")
    return role


def _hashed(password: str) -> str:
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        found = f"password: found {len(password)} characters, expected {LEAST_PASSWORD} to {MOST_PASSWORD}"
        raise Invalid(found, "password")
    return _hasher().hash(password)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _hash_of_nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
