"""Opening a database, a project's SQLite file or PostgreSQL by URL; it is made, or migrated to today's tables."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

from amodal.annotate.errors import AnnotateError
from amodal.annotate.store import migrate, revisions
from amodal.errors import InputError

PROJECT_FILE = "project.sqlite"
IMAGES = "images"  # uploaded photos, beside it
BUSY_SECONDS = 15  # how long a write waits for another's
_BEGIN = "amodal_begin"


@dataclass(frozen=True)
class Database:
    """An open database; `path` is the SQLite file, None for a server.

    `read` gives a session that sees one moment, `write` one whose changes are on the disk when the block ends.
    """

    engine: Engine
    path: Path | None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that changes nothing."""
        level = {} if self.path else {"isolation_level": "REPEATABLE READ"}
        with Session(self.engine.execution_options(**level), autoflush=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that is committed at the end of the block; nothing of it stays when an error leaves the block.

        A drawing that is refused, of a conflict's loser for one, is kept in a transaction of its own.
        """
        engine = self.engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        try:
            with Session(engine, expire_on_commit=False) as session, session.begin():
                yield session
        except AnnotateError as refused:
            if refused.draft is not None:
                with Session(engine) as session, session.begin():
                    revisions.keep_draft(session, refused.draft)
            raise

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def open_database(where: str | os.PathLike[str]) -> Database:
    """Open `where`: the path of a SQLite file (its folder must be there), or a URL `postgresql://…`.

    Raises:
        InputError: it cannot be opened, is no database of ours, or was written by a newer version.
    """
    text = os.fspath(where)
    if "://" in text:
        return _opened(_server(text), None, text)
    path = Path(text)
    if not path.parent.is_dir():
        raise InputError(text, "database", "its folder is not there", "expected a file in a folder that is")
    return _opened(URL.create("sqlite", database=str(path)), path, text)


def _opened(url: URL, path: Path | None, said: str) -> Database:
    engine = create_engine(url, **_settings(path))
    if path is not None:
        _prepare_sqlite(engine)
    shown = said if path else url.render_as_string(hide_password=True)
    try:
        migrate.to_newest(engine, path, shown)
    except DBAPIError as error:
        engine.dispose()
        raise InputError(
            shown, "database", f"cannot be opened ({error.orig})", "expected a database of ours"
        ) from error
    except InputError:
        engine.dispose()
        raise
    return Database(engine, path)


def _settings(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 20}
    # Requests are answered in threads, and a connection goes to whichever asks next.
    return {"connect_args": {"check_same_thread": False, "timeout": BUSY_SECONDS}, "pool_size": 10, "max_overflow": 20}


def _server(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise InputError("database", "URL", "is of no kind we know", "expected a path or postgresql://user@host/name")
    return url.set(drivername="postgresql+psycopg")


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins no transactions by itself; `_begin` does
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS}000"):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A write takes its lock at the start: one that reads first and then wants to write could only fail.
        connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
