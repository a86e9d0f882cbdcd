"""The project and its people."""

from __future__ import annotations

from fastapi import APIRouter

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Anyone, Here, Manager
from amodal.annotate.api.parameters import IdPath

router = APIRouter(tags=["project"])


@router.get("/project")
def get_project(here: Here, asker: Anyone) -> schemas.Project:
    """Name, categories, and the rules of the vote."""
    raise NotImplementedError


@router.patch("/project")
def change_project(here: Here, asker: Manager, asked: schemas.ProjectChange) -> schemas.Project:
    """Change them."""
    raise NotImplementedError


@router.get("/people")
def get_people(here: Here, asker: Manager) -> schemas.People:
    """All accounts."""
    raise NotImplementedError


@router.post("/people", status_code=201)
def add_person(here: Here, asker: Manager, asked: schemas.NewPerson) -> schemas.Person:
    """A new account."""
    raise NotImplementedError


@router.patch("/people/{id}")
def change_person(here: Here, asker: Manager, id: IdPath, asked: schemas.PersonChange) -> schemas.Person:
    """Change a role or a password, or close an account; its sessions end."""
    raise NotImplementedError
