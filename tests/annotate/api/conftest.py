"""A project of one person, and one of a team."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from amodal.annotate.api.opening import open_place
from amodal.annotate.api.place import Place
from amodal.annotate.store import people
from helpers.annotate_client import Person, project


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """Folders with a closed project of one person (False) and of a team (True), to be copied."""
    folders = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "_hasher", lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        for team in (False, True):
            folders[team] = tmp_path_factory.mktemp("team" if team else "alone")
            project(folders[team], team=team).database.close()
    return folders


@pytest.fixture
def open_copy(made: dict[bool, Path], tmp_path: Path) -> Iterator[Callable[[bool], Place]]:
    """Opens a copy of such a project, photos 1 and 2 in it."""
    opened = []

    def copy(team: bool) -> Place:
        folder = tmp_path / f"copy{len(opened)}"
        shutil.copytree(made[team], folder)
        opened.append(open_place(folder / "project", images=folder / "photos", team=team))
        return opened[-1]

    yield copy
    for place in opened:
        place.database.close()


@pytest.fixture
def alone(open_copy: Callable[[bool], Place]) -> Person:
    """The one person of a project."""
    return Person(open_copy(False))


@pytest.fixture
def team(open_copy: Callable[[bool], Place]) -> Place:
    """A project with accounts."""
    return open_copy(True)


@pytest.fixture
def as_person(team: Place) -> Callable[[str], Person]:
    """Logs somebody in."""
    return lambda name: Person(team, name)
