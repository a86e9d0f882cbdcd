"""Bringing a database to the tables that this version knows; an older SQLite file is copied aside before.

Alembic is only imported where there is something to bring: it takes longer than all else that opening a project does.
An empty database gets today's tables at once; a test holds that migrations from nothing lead to the same.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, PrimaryKeyConstraint, String, Table, inspect, text

from amodal.annotate.store.tables import Base
from amodal.errors import InputError

SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 7_263_301  # any number: two servers that start at once migrate one after the other


def to_newest(engine: Engine, path: Path | None, said: str) -> None:
    """Make the tables, or change older ones to today's; all of it or nothing.

    Raises:
        InputError: the database belongs to something else, or to a newer version.
    """
    with engine.connect() as connection:
        found = _revision(connection, said)
    if found == newest():
        return
    if found is not None and path is not None:
        _copy_aside(path, found)
    with engine.connect().execution_options(amodal_begin="BEGIN IMMEDIATE") as connection:
        _check_references(connection, path, "OFF")
        with connection.begin():
            if path is None:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            found = _revision(connection, said)
            if found is None:
                create(connection)
            elif found != newest():  # another server may have been faster
                upgrade(connection)
        _check_references(connection, path, "ON")


def create(connection: Connection) -> None:
    """Make the tables of an empty database within the transaction, and note their version as Alembic does."""
    Base.metadata.create_all(connection)
    version = MetaData()
    stamp = Table("alembic_version", version, Column("version_num", String(32), nullable=False))
    stamp.append_constraint(PrimaryKeyConstraint("version_num", name="alembic_version_pkc"))
    version.create_all(connection)
    connection.execute(stamp.insert().values(version_num=newest()))


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the migrations up to a revision within the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def newest() -> str:
    """The name of the last migration."""
    return max(_known())


def _known() -> set[str]:
    """The names of all migrations, as their files begin: v0001_start.py is 0001."""
    return {file.name[1:].partition("_")[0] for file in (SCRIPTS / "versions").glob("v*.py")}


def _revision(connection: Connection, said: str) -> str | None:
    """The migration that the database stands at, None where it is empty."""
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    if "alembic_version" not in tables:
        raise InputError(said, "database", "has tables but none of ours", "expected an empty one, or one of ours")
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found is not None and found not in _known():
        raise InputError(said, "database", f"is of a newer version ({found})", f"expected at most {newest()}")
    return found


def _check_references(connection: Connection, path: Path | None, switch: str) -> None:
    """Whether references are checked: not while SQLite makes a table anew that others refer to.

    Inside a transaction that cannot be switched, so this goes past SQLAlchemy, which would begin one.
    """
    if path is not None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - `path` says so
        driver.execute(f"PRAGMA foreign_keys={switch}")


def _copy_aside(path: Path, revision: str) -> None:
    target = path.with_name(f"{path.name}.before-{newest()}")
    if target.exists():
        return
    part = target.with_name(f"{target.name}.part")  # half a copy must not be taken for one
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(part)) as new:
        old.backup(new)
    part.replace(target)
