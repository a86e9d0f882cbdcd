"""A project of one person, and one of a team; in SQLite, and on PostgreSQL where a module asks for `both_databases`."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from amodal.annotate.api.opening import open_place
from amodal.annotate.api.place import Place
from amodal.annotate.store import people
from helpers import postgres
from helpers.annotate_client import Person, project


@pytest.fixture
def kind() -> str:
    """Where rows are; `helpers.annotate_client.both_databases` makes it postgresql too."""
    return "sqlite"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """Folders with a closed project of one person (False) and of a team (True), to be copied."""
    return {team: _closed(tmp_path_factory.mktemp("team" if team else "alone"), team) for team in (False, True)}


@pytest.fixture(scope="session")
def made_on_server(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, str]]:
    """Names of the server's databases with the same."""
    with ExitStack() as until_the_end:
        names = {}
        for team in (False, True):
            names[team] = f"amodal_{secrets.token_hex(6)}"
            url = until_the_end.enter_context(postgres.new_database(postgres_server, names[team]))
            _closed(tmp_path_factory.mktemp("on-server"), team, url)
        yield names


@pytest.fixture
def open_copy(
    kind: str, made: dict[bool, Path], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[bool], Place]]:
    """Opens a copy of such a project, photos 1 and 2 in it."""
    with ExitStack() as until_the_end:

        def copy(team: bool) -> Place:
            folder = tmp_path / f"copy{team:d}{secrets.token_hex(2)}"
            shutil.copytree(made[team], folder)
            url = None
            if kind == "postgresql":
                server, names = (request.getfixturevalue(one) for one in ("postgres_server", "made_on_server"))
                name = f"amodal_{secrets.token_hex(6)}"
                url = until_the_end.enter_context(postgres.new_database(server, name, names[team]))
            place = open_place(folder / "project", images=folder / "photos", database=url, team=team)
            until_the_end.callback(place.database.close)
            return place

        yield copy


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


def _closed(folder: Path, team: bool, url: str | None = None) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "_hasher", lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        project(folder, team=team, database=url).database.close()
    return folder
