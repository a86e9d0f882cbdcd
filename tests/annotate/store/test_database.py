from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, select

from amodal.annotate.errors import Invalid
from amodal.annotate.store.database import Database, open_database
from amodal.annotate.store.people import create_project
from amodal.annotate.store.tables import Base, Photo
from amodal.errors import InputError
from helpers.annotation import photo, team


def test_the_migrations_make_the_tables_that_the_models_describe(database: Database) -> None:
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_sqlite_keeps_what_was_acknowledged_and_checks_references(sqlite_database: Database) -> None:
    with sqlite_database.engine.connect() as connection:
        asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
    assert found == ["wal", 2, 1, 15_000]


def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    with database.write() as session:
        people = team(session)
    with pytest.raises(Invalid), database.write() as session:
        photo(session, people.expert, "a.png")
        photo(session, people.expert, "a.png")
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Photo)) == 0


def test_a_reader_sees_one_moment(database: Database) -> None:
    with database.write() as session:
        people = team(session)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Photo)) == 0
        with database.write() as other:
            photo(other, people.expert)
        assert session.scalar(select(func.count()).select_from(Photo)) == 0


def test_what_was_written_is_there_after_opening_again(sqlite_database: Database) -> None:
    with sqlite_database.write() as session:
        create_project(session, "street")
    sqlite_database.close()
    assert sqlite_database.path is not None
    again = open_database(sqlite_database.path)
    with again.write() as session:
        assert create_project(session, "another name").name == "street"
    again.close()


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("mysql://root@127.0.0.1/x", "of no kind we know"),
        ("postgresql://", "cannot be opened"),
        ("postgresql://nobody:secret@127.0.0.1:1/none", "cannot be opened"),
        ("nowhere/project.sqlite", "its folder is not there"),
    ],
)
def test_what_cannot_be_opened_is_said_without_the_password(where: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said) as error:
        open_database(where if "://" in where else tmp_path / where)
    assert "secret" not in str(error.value)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but a text that somebody still needs\n" * 50)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"notes\.txt"):
        open_database(path)
    assert path.read_bytes() == before


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (name TEXT)")
    with pytest.raises(InputError, match="has tables but none of ours"):
        open_database(path)
