"""Backups: one archive with all rows as a SQLite file, the uploaded pictures, and a list of all pictures.

The rows are those of one moment, whatever is written meanwhile. Pictures that lie in the folder of the photos are
listed with their fingerprints and stay there. A backup of a server's database is a SQLite file too, and can be
restored to either.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
import zipfile
import zlib
from contextlib import closing
from lzma import LZMAError
from pathlib import Path

from sqlalchemy import Connection, insert, select, text

from amodal.annotate.store import migrate
from amodal.annotate.store.audit import note
from amodal.annotate.store.database import IMAGES, PROJECT_FILE, Database, open_database
from amodal.annotate.store.tables import Base, Photo, Project, now
from amodal.data.write import new_folder, writing_atomically, writing_to
from amodal.digest import sha256_of
from amodal.errors import InputError

MANIFEST = "manifest.json"
MAX_UNPACKED = 2**40
BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)
"""What a broken zip raises, sooner or later."""
_CHUNK = 2**20
_ROWS = 500


def back_up(project: Path, server: str | None, target: Path) -> int:
    """Write an archive of the project in a folder, whoever works on it; how many photos it lists.

    Raises:
        InputError: there is no project, or a file at `target` already; else as `write_backup`.
    """
    if os.path.lexists(target):
        raise InputError(os.fspath(target), "backup", "is there already", "expected a new name")
    if server is None and not (project / PROJECT_FILE).is_file():
        raise InputError(os.fspath(project), "backup", f"has no {PROJECT_FILE}", "expected a project's folder")
    database = open_database(server or project / PROJECT_FILE)
    try:
        with database.write() as session:
            if session.get(Project, 1) is None:
                raise InputError("--database", "backup", "has no project in it", "expected a project's database")
            note(session, None, "backup", target.name)
        return write_backup(database, project, target)
    finally:
        database.close()


def write_backup(database: Database, project: Path, target: Path) -> int:
    """Write an archive of an open database and the pictures uploaded into `project`; how many photos it lists.

    Raises:
        InputError: `target` cannot be written, or an uploaded picture is missing.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / PROJECT_FILE
        _copy_rows_to(database, copy)
        photos = _photos_in(copy)
        with writing_atomically(target) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(copy, PROJECT_FILE)
            for photo in photos:
                if photo["uploaded"]:
                    _add_picture(archive, project / IMAGES / str(photo["name"]), str(photo["name"]))
            said = {"format": 1, "time": now().isoformat(), "revision": migrate.newest(), "photos": photos}
            archive.writestr(MANIFEST, json.dumps(said, indent=1))
    return len(photos)


def restore_backup(archive: Path, project: Path, server: str | None = None) -> int:
    """Make a project of an archive: a new folder, and with `server` its rows in an empty database there.

    Gives how many photos it lists. An older archive is brought to today's tables.

    Raises:
        InputError: no archive of ours or a damaged one, a folder or a database that is not empty.
    """
    try:
        with zipfile.ZipFile(archive) as packed, new_folder(project) as folder:
            photos = _check(archive, packed)
            for name in [PROJECT_FILE, *(f"{IMAGES}/{one}" for one in photos if photos[one]["uploaded"])]:
                with writing_to(project, "folder"):
                    _unpack(packed, name, folder / name)
            _check_pictures(archive, folder, photos)
            _check_rows(archive, folder / PROJECT_FILE)
            open_database(folder / PROJECT_FILE).close()
            if server is not None:
                _fill_server(folder / PROJECT_FILE, server)
    except (*BROKEN_ZIP, KeyError) as error:
        raise InputError(os.fspath(archive), "backup", f"cannot be read ({error})", "expected one of ours") from error
    return len(photos)


def photos_outside(archive: Path) -> int:
    """How many photos of an archive of ours are only listed: their files lie in the folder of the photos."""
    with zipfile.ZipFile(archive) as packed:
        return sum(not one["uploaded"] for one in json.loads(packed.read(MANIFEST))["photos"])


def _copy_rows_to(database: Database, target: Path) -> None:
    if database.path is not None:
        with closing(sqlite3.connect(database.path)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # so that the copy is one file
        return
    fresh = open_database(target)
    try:
        with database.read() as session, fresh.engine.begin() as to:
            _copy(session.connection(), to)
        with fresh.engine.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA journal_mode=DELETE")  # type: ignore[union-attr]
    finally:
        fresh.close()


def _fill_server(path: Path, url: str) -> None:
    """All rows of a file into a server's database that has none."""
    source, target = open_database(path), open_database(url)
    try:
        with source.engine.connect() as rows, target.engine.begin() as to:
            if any(to.execute(select(table).limit(1)).first() for table in Base.metadata.sorted_tables):
                raise InputError("database", "restore", "has rows already", "expected an empty database")
            _copy(rows, to)
            for table in Base.metadata.sorted_tables:
                # The server counts ids by itself and must go on behind those that it was given.
                if "id" in table.c:
                    last = f"(SELECT coalesce(max(id), 0) + 1 FROM {table.name})"  # noqa: S608 - our own names
                    to.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {last}, false)"))
    finally:
        source.close()
        target.close()


def _copy(rows: Connection, to: Connection) -> None:
    for table in Base.metadata.sorted_tables:
        for part in rows.execute(select(table)).mappings().partitions(_ROWS):
            to.execute(insert(table), [dict(row) for row in part])


def _photos_in(path: Path) -> list[dict[str, object]]:
    database = open_database(path)
    try:
        with database.read() as session:
            found = session.scalars(select(Photo).order_by(Photo.name))
            fields = ("name", "width", "height", "sha256", "uploaded")
            return [{field: getattr(photo, field) for field in fields} for photo in found]
    finally:
        database.close()


def _add_picture(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    if not path.is_file():
        raise InputError(os.fspath(path), "backup", "an uploaded picture is missing", "expected its file")
    archive.write(path, f"{IMAGES}/{name}", zipfile.ZIP_STORED)  # pictures are packed already


def _check(archive: Path, packed: zipfile.ZipFile) -> dict[str, dict[str, object]]:
    """The photos of the archive's list, by name."""
    names = packed.namelist()
    if MANIFEST not in names or PROJECT_FILE not in names:
        raise InputError(os.fspath(archive), "backup", f"lacks {MANIFEST} or {PROJECT_FILE}", "expected one of ours")
    if sum(one.file_size for one in packed.infolist()) > MAX_UNPACKED:
        raise InputError(os.fspath(archive), "backup", "is too large unpacked", f"expected up to {MAX_UNPACKED} bytes")
    said = json.loads(packed.read(MANIFEST))
    try:
        photos = {str(one["name"]): dict(one) for one in said["photos"]}
    except TypeError as error:
        raise ValueError(f"{MANIFEST} lists no photos") from error
    for name in photos:
        parts = name.split("/")
        if name.startswith("/") or "\\" in name or any(part in ("", ".", "..") for part in parts):
            raise InputError(os.fspath(archive), "backup", f"names {name!r}", "expected paths inside the project")
    return photos


def _unpack(packed: zipfile.ZipFile, name: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(name) as source, target.open("wb") as stream:
        while part := source.read(_CHUNK):
            stream.write(part)
        stream.flush()
        os.fsync(stream.fileno())


def _check_pictures(archive: Path, folder: Path, photos: dict[str, dict[str, object]]) -> None:
    for name, photo in photos.items():
        if photo["uploaded"] and sha256_of(folder / IMAGES / name) != photo["sha256"]:
            raise InputError(os.fspath(archive), name, "is not the picture that was saved", "expected it whole")


def _check_rows(archive: Path, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        try:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(1)")]
            found += [f"{table} points nowhere" for table, *_ in connection.execute("PRAGMA foreign_key_check")]
        except sqlite3.DatabaseError as error:
            found = [str(error)]
    if found != ["ok"]:
        raise InputError(os.fspath(archive), PROJECT_FILE, f"is damaged ({found[0]})", "expected it whole")
