"""What the app's tests share: databases of both kinds, and passwords that are hashed quickly."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the extra `annotate` is not installed")
pytest.importorskip("argon2", reason="the extra `annotate` is not installed")

from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from amodal.annotate.store import people
from amodal.annotate.store.database import PROJECT_FILE, Database, open_database
from helpers import postgres


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing is slow on purpose."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(people, "_hasher", lambda: quick)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A server, by the environment's URL or from the system's packages; skips where there is none."""
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("empty") / PROJECT_FILE
    open_database(path).close()
    return path


@pytest.fixture(scope="session")
def rolled_back(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database in which nothing stays."""
    database = open_database(tmp_path_factory.mktemp("rolled-back") / PROJECT_FILE)
    yield database
    database.close()


@pytest.fixture
def session(rolled_back: Database) -> Iterator[Session]:
    """A session over an empty project that is never committed: much faster, for tests of one transaction."""
    with Session(rolled_back.engine, expire_on_commit=False) as session:
        yield session
        session.rollback()


@pytest.fixture
def sqlite_database(empty_file: Path, tmp_path: Path) -> Iterator[Database]:
    """An empty project's file."""
    shutil.copy(empty_file, tmp_path / PROJECT_FILE)
    database = open_database(tmp_path / PROJECT_FILE)
    yield database
    database.close()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty database of a server."""
    with postgres.new_database(postgres_server, f"amodal_{secrets.token_hex(6)}") as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty project in each kind of database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_database")
        return
    database = open_database(request.getfixturevalue("postgres_url"))
    yield database
    database.close()
