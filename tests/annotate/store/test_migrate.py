from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, select, text

from amodal.annotate.store import migrate
from amodal.annotate.store.database import open_database
from amodal.annotate.store.masks import mask_document
from amodal.annotate.store.people import project_of
from amodal.annotate.store.proposals import proposals_of
from amodal.annotate.store.tables import Base, Mask, Photo, Proposal, Verdict
from amodal.errors import InputError

TIME = "2026-01-02 03:04:05.000000"
FULL = "0T1"  # of a photo of one pixel


@pytest.fixture
def older(tmp_path: Path) -> Iterator[Path]:
    """A file as the first version wrote it, with a row of every kind that the second changes."""
    path = tmp_path / "project.sqlite"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        migrate.upgrade(connection, "0001")
        _fill(connection)
    engine.dispose()
    yield path


def test_an_older_file_becomes_todays(older: Path) -> None:
    database = open_database(older)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    database.close()


def test_verdicts_keep_who_and_when_on_their_way_into_their_own_table(older: Path) -> None:
    database = open_database(older)
    with database.read() as session:
        verdicts = session.scalars(select(Verdict)).all()
        assert [(one.proposal_id, one.person_id, one.verdict, one.version) for one in verdicts] == [(1, 1, "edited", 1)]
        assert verdicts[0].time.isoformat() == "2026-01-02T03:04:05+00:00"
        assert len(session.scalars(select(Proposal)).all()) == 4
    database.close()


def test_masks_and_photos_are_as_before(older: Path) -> None:
    database = open_database(older)
    with database.read() as session:
        assert session.scalars(select(Photo)).one().meta == {}
        found = mask_document(session.scalars(select(Mask)).one())
        assert (found["polygons"], found["seconds"]) == ([[0, 0, 1, 0, 1, 1, 0, 1]], 2.5)
    database.close()


def test_photos_of_one_object_are_taken_for_done(older: Path) -> None:
    database = open_database(older)
    with database.read() as session:
        photo = session.scalars(select(Photo)).one()
        assert photo.boxed_at is not None and photo.boxed_at.isoformat() == "2026-01-02T03:04:05+00:00"
    database.close()


def test_an_older_project_gets_a_random_name_of_its_own(older: Path, tmp_path: Path) -> None:
    shutil.copy(older, tmp_path / "second.sqlite")
    found = set()
    for path in (older, tmp_path / "second.sqlite"):
        database = open_database(path)
        with database.read() as session:
            found.add(project_of(session).uid)
        database.close()
    assert {len(uid) for uid in found} == {32}
    assert len(found) == 2


def test_what_a_method_found_without_boxes_stays_together(older: Path) -> None:
    database = open_database(older)
    with database.read() as session:
        assert [one.id for one in proposals_of(session, 1) if one.object_id is None] == [3, 4]
    database.close()


def test_the_older_file_is_copied_aside(older: Path) -> None:
    open_database(older).close()
    copy = older.with_name(f"project.sqlite.before-{migrate.newest()}")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
        assert connection.execute("SELECT verdict FROM proposals ORDER BY id").fetchall() == [
            ("edited",),
            *[("open",)] * 3,
        ]


def test_half_a_copy_aside_does_not_count_as_one(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(Exception):
        pass

    class Torn(sqlite3.Connection):
        def backup(self, target: sqlite3.Connection, **_: object) -> None:  # type: ignore[override]
            target.execute("CREATE TABLE half (x TEXT)")
            raise Killed

    connect = sqlite3.connect
    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", lambda path: connect(path, factory=Torn))
        with pytest.raises(Killed):
            migrate._copy_aside(older, "0001")
    open_database(older).close()
    with closing(sqlite3.connect(older.with_name(f"project.sqlite.before-{migrate.newest()}"))) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]


def test_a_migration_that_fails_leaves_the_older_file_as_it_was(older: Path) -> None:
    with closing(sqlite3.connect(older)) as connection:
        connection.execute("CREATE TABLE samples (in_the_way TEXT)")
        connection.commit()
    with pytest.raises(InputError, match="samples"):
        open_database(older)
    with closing(sqlite3.connect(older)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'verdicts'").fetchone() == (0,)
        assert connection.execute("SELECT verdict FROM proposals ORDER BY id").fetchall() == [
            ("edited",),
            *[("open",)] * 3,
        ]


def test_an_older_database_of_a_server_becomes_todays(postgres_url: str) -> None:
    engine = create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        migrate.upgrade(connection, "0001")
        _fill(connection)
    engine.dispose()
    database = open_database(postgres_url)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    with database.read() as session:
        assert [one.verdict for one in session.scalars(select(Verdict))] == ["edited"]
    database.close()


def test_a_new_file_has_what_the_migrations_make(tmp_path: Path) -> None:
    migrated = create_engine(f"sqlite:///{tmp_path / 'migrated.sqlite'}")
    with migrated.begin() as connection:
        migrate.upgrade(connection)
    made = open_database(tmp_path / "made.sqlite")
    assert _described(made.engine) == _described(migrated)
    made.close()
    migrated.dispose()


def test_a_new_database_of_a_server_has_what_the_migrations_make(postgres_url: str) -> None:
    made = open_database(postgres_url)
    directly = _described(made.engine)
    with made.engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        migrate.upgrade(connection)
    assert directly == _described(made.engine)
    made.close()


def test_the_newest_migration_is_alembics_head() -> None:
    scripts = Config()
    scripts.set_main_option("script_location", str(migrate.SCRIPTS))
    assert migrate.newest() == ScriptDirectory.from_config(scripts).get_current_head()


def test_a_file_of_a_newer_version_is_refused(older: Path) -> None:
    with closing(sqlite3.connect(older)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(InputError, match=r"is of a newer version \(9999\)"):
        open_database(older)


def _described(engine: Engine) -> dict[str, Any]:
    """What the database says of its own tables, without the order of columns; and the version noted in it."""
    with engine.connect() as connection:
        found = inspect(connection)

        def sorted_said(rows: Sequence[Mapping[str, Any]]) -> list[str]:
            return sorted(str({key: str(value) for key, value in sorted(row.items())}) for row in rows)

        tables = {
            table: [
                sorted_said(found.get_columns(table)),
                sorted_said([found.get_pk_constraint(table)]),
                sorted_said(found.get_foreign_keys(table)),
                sorted_said(found.get_unique_constraints(table)),
                sorted_said(found.get_indexes(table)),
            ]
            for table in found.get_table_names()
        }
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
        return {"tables": tables, "version": version}


def _fill(connection) -> None:  # type: ignore[no-untyped-def]
    rows = {
        "project": {
            "id": 1, "name": "street", "categories": "[]", "annotators_per_object": 1, "agreement_threshold": 0.8,
            "max_rounds": 3, "stage": 1, "version": 1, "created": TIME,
        },
        "people": {
            "id": 1, "name": "Ann", "role": "annotator", "every_role": False, "active": True, "version": 1,
            "created": TIME,
        },
        "photos": {
            "id": 1, "name": "a.png", "width": 1, "height": 1, "sha256": "0", "uploaded": False, "added": TIME,
        },
        "objects": {
            "id": 1, "photo_id": 1, "label": "car", "x0": 0, "y0": 0, "x1": 1, "y1": 1, "version": 1, "time": TIME,
            "deleted": False,
        },
        "masks": {
            "id": 1, "object_id": 1, "annotator_id": 1, "stage": 1, "round": 1, "state": "done", "source": "drawn",
            "seconds": 2.5, "polygons": json.dumps([[0, 0, 1, 0, 1, 1, 0, 1]]), "amodal": FULL, "version": 1,
            "time": TIME,
        },
    }  # fmt: skip
    proposal = {
        "photo_id": 1, "object_id": 1, "method": "orm", "label": "car", "box": "[0, 0, 1, 1]", "score": 1,
        "amodal": FULL, "inmodal": FULL, "edges": "[]", "time": TIME,
    }  # fmt: skip
    for table, values in rows.items():
        _insert(connection, table, values)
    judged = {"verdict": "edited", "verdict_by": 1, "verdict_time": TIME}
    _insert(connection, "proposals", {"id": 1, **proposal, **judged})
    _insert(connection, "proposals", {"id": 2, **proposal, "verdict": "open"})
    for id in (3, 4):  # found where there was no box yet, one a moment after the other
        later = {"id": id, "object_id": None, "time": TIME.replace("000000", f"00000{id}")}
        _insert(connection, "proposals", {**proposal, **later, "verdict": "open"})


def _insert(connection, table: str, values: dict[str, object]) -> None:  # type: ignore[no-untyped-def]
    named = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({named})"), values)
