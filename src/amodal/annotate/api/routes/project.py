"""The project and its people."""

from __future__ import annotations

from fastapi import Request

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Anyone, Here, Manager
from amodal.annotate.api.parameters import CONFLICT, IdPath, Limit, Offset, topic
from amodal.annotate.api.security import proved
from amodal.annotate.errors import Forbidden, Invalid
from amodal.annotate.store import audit, people
from amodal.annotate.workflow.rounds import conclude_all

router = topic("project")
CONCLUDING = {"annotators_per_object", "agreement_threshold", "max_rounds"}


@router.get("/project")
def get_project(here: Here, asker: Anyone) -> schemas.Project:
    """Name, categories, and the rules of the vote."""
    with here.database.read() as session:
        return schemas.Project(**people.project_document(people.project_of(session)))


@router.patch("/project", responses=CONFLICT)
def change_project(here: Here, asker: Manager, asked: schemas.ProjectChange) -> schemas.Project:
    """Change them. Objects that wait for agreement are judged anew by the new rules; what is decided stays."""
    changes = {key: value for key, value in asked.model_dump(exclude={"version"}).items() if value is not None}
    with here.database.write() as session:
        project = people.change_project(session, asker.person(session), version=asked.version, **changes)
        if CONCLUDING & set(changes):
            conclude_all(session)
        return schemas.Project(**people.project_document(project))


@router.get("/people")
def get_people(here: Here, asker: Manager) -> schemas.People:
    """All accounts."""
    with here.database.read() as session:
        found = [schemas.Person(**people.person_document(one)) for one in people.people(session)]
    return schemas.People(people=found)


@router.post("/people", status_code=201)
def add_person(here: Here, asker: Manager, asked: schemas.NewPerson) -> schemas.Person:
    """A new account."""
    if here.mode == "one-person":
        raise Forbidden("this project is open for one person; start it with --team for accounts")
    with here.database.write() as session:
        person = people.add_person(session, asker.person(session), **asked.model_dump())
        return schemas.Person(**people.person_document(person))


@router.patch("/people/{id}")
def change_person(
    here: Here, asker: Anyone, request: Request, id: IdPath, asked: schemas.PersonChange
) -> schemas.Person:
    """Change a role or a password, or close an account; its sessions end.

    Everybody may change their own password, by `old_password`: a page that was left open is not enough.
    """
    if here.mode == "one-person":
        raise Forbidden("this project is open for one person; start it with --team for accounts")
    own_password = id == asker.id and asked.password is not None
    if own_password and proved(here, request, asker.name, asked.old_password or "") != id:
        raise Invalid("old_password: that is not your password until now", "old_password")
    with here.database.write() as session:
        changes = asked.model_dump(exclude={"old_password"})
        person = people.change_person(session, asker.person(session), id, **changes)
        return schemas.Person(**people.person_document(person))


@router.get("/audit")
def get_audit(here: Here, asker: Manager, offset: Offset = 0, limit: Limit = 100) -> schemas.AuditLog:
    """Who did what that is not drawing, the newest first."""
    with here.database.read() as session:
        lines = audit.lines(session, asker.person(session), offset=offset, limit=limit)
    return schemas.AuditLog(lines=[schemas.AuditLine(**line) for line in lines])
