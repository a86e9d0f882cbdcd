from __future__ import annotations

import hashlib
import json
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from amodal.annotate.store.backup import MANIFEST, back_up, restore_backup, write_backup
from amodal.annotate.store.database import PROJECT_FILE, Database, open_database
from amodal.annotate.store.photos import add_photo
from amodal.annotate.store.tables import Base, Object
from amodal.annotate.workflow.rounds import save_mask
from amodal.errors import InputError
from helpers.annotation import Team, car, photo, rectangle, team
from helpers.archives import broken_zip

PICTURE = b"any bytes will do"


def filled(database: Database, project: Path) -> Team:
    """People, a photo elsewhere and an uploaded one, objects and masks."""
    (project / "images").mkdir(parents=True)
    (project / "images" / "up.png").write_bytes(PICTURE)
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    with database.write() as session:
        all_of = team(session)
        one = car(session, all_of.expert, photo(session, all_of.expert).id)
        add_photo(session, all_of.expert, name="up.png", width=4, height=3, sha256=sha256, uploaded=True)
        for person in all_of.annotators:
            save_mask(session, person, one.id, rectangle(0, 0, 20, 20), version=0)
    return all_of


def rows_of(database: Database) -> dict[str, list[Any]]:
    with database.engine.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)).all()))
            for table in Base.metadata.sorted_tables
        }


def test_a_restored_backup_has_every_row_and_every_uploaded_picture(database: Database, tmp_path: Path) -> None:
    filled(database, tmp_path / "before")
    assert write_backup(database, tmp_path / "before", tmp_path / "backup.zip") == 2
    assert restore_backup(tmp_path / "backup.zip", tmp_path / "after") == 2
    again = open_database(tmp_path / "after" / PROJECT_FILE)
    assert rows_of(again) == rows_of(database)
    again.close()
    assert (tmp_path / "after" / "images" / "up.png").read_bytes() == PICTURE


def test_a_files_backup_can_go_on_in_a_server(sqlite_database: Database, postgres_url: str, tmp_path: Path) -> None:
    all_of = filled(sqlite_database, tmp_path / "before")
    write_backup(sqlite_database, tmp_path / "before", tmp_path / "backup.zip")
    restore_backup(tmp_path / "backup.zip", tmp_path / "after", postgres_url)
    server = open_database(postgres_url)
    assert rows_of(server) == rows_of(sqlite_database)
    with server.write() as session:
        assert car(session, all_of.expert, 1).id == 2, "ids go on behind those of the backup"
    with pytest.raises(InputError, match="has rows already"):
        restore_backup(tmp_path / "backup.zip", tmp_path / "third", postgres_url)
    assert not (tmp_path / "third").exists()
    server.close()


def test_a_backup_during_writes_is_of_one_moment(sqlite_database: Database, tmp_path: Path) -> None:
    """Objects are written in pairs; a copy between two moments would hold an odd number."""
    all_of = filled(sqlite_database, tmp_path / "before")
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with sqlite_database.write() as session:
                car(session, all_of.expert, 2, 0, 0, 2, 2)
                car(session, all_of.expert, 2, 0, 0, 3, 3)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            write_backup(sqlite_database, tmp_path / "before", tmp_path / f"{number}.zip")
    finally:
        stop.set()
        writer.join()
    for number in range(3):
        restore_backup(tmp_path / f"{number}.zip", tmp_path / str(number))
        again = open_database(tmp_path / str(number) / PROJECT_FILE)
        with again.read() as session:
            assert len(session.scalars(select(Object.id)).all()) % 2 == 1  # one object was there before
        again.close()


def _without_list(files: dict[str, bytes]) -> None:
    del files[MANIFEST]


def _other_picture(files: dict[str, bytes]) -> None:
    files["images/up.png"] = b"another picture"


def _without_picture(files: dict[str, bytes]) -> None:
    del files["images/up.png"]


def _damaged_rows(files: dict[str, bytes]) -> None:
    rows = files[PROJECT_FILE]
    files[PROJECT_FILE] = rows[: len(rows) // 2] + b"\xff" * (len(rows) - len(rows) // 2)


def _leads_outside(files: dict[str, bytes]) -> None:
    said = json.loads(files[MANIFEST])
    said["photos"].append({"name": "../../outside.png", "uploaded": True, "sha256": "0"})
    files["images/../../outside.png"] = PICTURE
    files[MANIFEST] = json.dumps(said).encode()


def _list_of_nothing(files: dict[str, bytes]) -> None:
    files[MANIFEST] = b"[]"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_without_list, "lacks manifest.json"),
        (_other_picture, "not the picture that was saved"),
        (_without_picture, "cannot be read"),
        (_damaged_rows, "is damaged"),
        (_list_of_nothing, "lists no photos"),
        (_leads_outside, "expected paths inside the project"),
    ],
)
def test_a_damaged_backup_is_refused_and_leaves_no_project(
    sqlite_database: Database, tmp_path: Path, damage: Callable[[dict[str, bytes]], None], said: str
) -> None:
    filled(sqlite_database, tmp_path / "before")
    write_backup(sqlite_database, tmp_path / "before", tmp_path / "good.zip")
    with zipfile.ZipFile(tmp_path / "good.zip") as good:
        files = {name: good.read(name) for name in good.namelist()}
    damage(files)
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
        for name, content in files.items():
            bad.writestr(name, content)
    with pytest.raises(InputError, match=said):
        restore_backup(tmp_path / "bad.zip", tmp_path / "deep" / "after")
    assert not (tmp_path / "deep" / "after").exists()
    assert not (tmp_path / "outside.png").exists()


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_backup_whose_packing_is_broken_is_refused(tmp_path: Path, packing: int) -> None:
    broken_zip(tmp_path / "x.zip", packing, PROJECT_FILE, MANIFEST)
    with pytest.raises(InputError, match="cannot be read"):
        restore_backup(tmp_path / "x.zip", tmp_path / "after")


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("no archive")
    with pytest.raises(InputError, match="cannot be read"):
        restore_backup(tmp_path / "x.zip", tmp_path / "after")


def test_a_backup_goes_into_no_folder_that_has_something(sqlite_database: Database, tmp_path: Path) -> None:
    filled(sqlite_database, tmp_path / "before")
    write_backup(sqlite_database, tmp_path / "before", tmp_path / "backup.zip")
    with pytest.raises(InputError, match="is there already"):
        restore_backup(tmp_path / "backup.zip", tmp_path / "before")


def test_a_server_s_database_without_a_project_is_not_backed_up(postgres_url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no project"):
        back_up(tmp_path, postgres_url, tmp_path / "backup.zip")
    assert not (tmp_path / "backup.zip").exists()


def test_a_missing_uploaded_picture_stops_a_backup(sqlite_database: Database, tmp_path: Path) -> None:
    filled(sqlite_database, tmp_path / "before")
    (tmp_path / "before" / "images" / "up.png").unlink()
    with pytest.raises(InputError, match="uploaded picture is missing"):
        write_backup(sqlite_database, tmp_path / "before", tmp_path / "backup.zip")
    assert not (tmp_path / "backup.zip").exists()
