"""Uploads: who may bring how much, and what becomes of files that are refused."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from amodal.annotate.api import photo_files
from amodal.annotate.api.admission import UPLOADS
from amodal.annotate.api.openapi import contract
from amodal.annotate.api.place import Place
from amodal.annotate.store.backup import restore_backup, write_backup
from amodal.annotate.store.photos import add_photo
from amodal.annotate.store.tables import Photo
from helpers.annotate_client import Person

BOUNDARY = "limit"
HEAD = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{{}}"; filename="a.png"\r\n\r\n'
MANY = 40 * 2**20


def picture(width: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((10, width, 3), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def place_of(person: Person) -> Place:
    place: Place = person.http.app.state.place  # type: ignore[attr-defined]
    return place


def upload(person: Person, content: bytes, name: str = "new.png") -> Any:
    return person.post("/photos", files={"files": (name, content, "image/png")})


@pytest.fixture
def both_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two uploads are decoded whole before either goes on."""
    met, received = threading.Barrier(2, timeout=20), photo_files.received

    def waiting(*arguments: Any) -> photo_files.Sent:
        sent = received(*arguments)
        met.wait()
        return sent

    monkeypatch.setattr(photo_files, "received", waiting)


@pytest.mark.usefixtures("both_at_once")
@pytest.mark.parametrize("widths", [(20, 20), (20, 30)], ids=["the same bytes", "other bytes"])
def test_of_two_uploads_of_one_name_at_once_one_stays_whole(alone: Person, widths: tuple[int, int]) -> None:
    contents = [picture(width) for width in widths]
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda content: upload(Person(place_of(alone)), content), contents))
    assert sorted(one.status_code for one in said) == [201, 422]
    winner = next(number for number, one in enumerate(said) if one.status_code == 201)
    shown = alone.get(f"/photos/{said[winner].json()['photos'][0]['id']}/picture")
    assert (shown.status_code, shown.content) == (200, contents[winner])
    assert [path.name for path in place_of(alone).uploads.iterdir()] == ["new.png"]


@pytest.mark.parametrize("width", [20, 30], ids=["the same bytes", "other bytes"])
def test_one_name_twice_in_an_upload_is_one_photo(alone: Person, width: int) -> None:
    files = [("files", ("new.png", picture(one), "image/png")) for one in (20, width)]
    said = alone.post("/photos", files=files)
    assert (said.status_code, len(said.json()["photos"]), len(said.json()["refused"])) == (201, 1, 1)
    assert [path.read_bytes() for path in place_of(alone).uploads.iterdir()] == [picture(20)]


def test_the_good_photos_of_an_upload_are_taken_and_the_others_named_with_the_reason(alone: Person) -> None:
    sent = {"one.png": picture(20), "torn.png": picture(30)[:45], "notes.txt": b"notes", "two.png": picture(40)}
    said = alone.post("/photos", files=[("files", (name, content)) for name, content in sent.items()])
    assert said.status_code == 201
    assert [one["name"] for one in said.json()["photos"]] == ["one.png", "two.png"]
    torn, notes = said.json()["refused"]
    assert torn.startswith("torn.png: cannot be decoded")
    assert notes.startswith("'notes.txt' is no name of a photo, expected one ending in .jpg")
    assert sorted(path.name for path in place_of(alone).uploads.iterdir()) == ["one.png", "two.png"]


def test_where_no_photo_of_an_upload_is_good_each_is_named(alone: Person) -> None:
    said = alone.post("/photos", files=[("files", (name, b"no photo")) for name in ("one.png", "two.svg")])
    message = said.json()["error"]["message"]
    assert (said.status_code, "one.png" in message, "two.svg" in message) == (422, True, True)


@pytest.mark.parametrize("name", ["scan.tif", "scan.TIFF"])
def test_a_tiff_is_a_photo_which_browsers_get_as_png(alone: Person, name: str) -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (10, 20, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "TIFF")
    said = upload(alone, stream.getvalue(), name)
    assert said.status_code == 201
    shown = alone.get(f"/photos/{said.json()['photos'][0]['id']}/picture")
    assert shown.headers["content-type"] == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(shown.content))), pixels)


def test_a_small_picture_is_never_read_or_written_elsewhere(alone: Person) -> None:
    """Rows of a project that was imported by an older version may say so."""
    place = place_of(alone)
    outside = place.folder.parent / "outside.jpg"
    with place.database.write() as session:
        session.get_one(Photo, 1).sha256 = "../../outside"
        session.get_one(Photo, 2).sha256 = "../gone"
    assert alone.get("/photos/2/thumbnail").status_code == 404
    assert not (place.folder / "gone.jpg").exists()
    outside.write_bytes(b"secret")
    assert alone.get("/photos/1/thumbnail").status_code == 404


def sent(field: str, taken: list[int]) -> Iterator[bytes]:
    """An upload of 40 MiB, which notes how much of it was taken."""
    yield HEAD.format(field).encode()
    for _ in range(MANY // 2**20):
        taken.append(2**20)
        yield b"\0" * 2**20
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def post(person: Person, path: str, field: str = "files", token: str | None = None) -> tuple[int, int]:
    """Status, and how many bytes were read."""
    taken: list[int] = []
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    headers = {"Content-Type": kind, "Content-Length": str(MANY), "X-CSRF-Token": token or person.token}
    said = person.http.post(path, content=sent(field, taken), headers=headers)
    assert said.json()["error"]["message"]
    return said.status_code, sum(taken)


@pytest.mark.parametrize("path", ["/api/session", "/api/project", "/api/exports", "/api/nowhere"])
def test_what_calls_itself_an_upload_may_bring_no_more_than_json_elsewhere(alone: Person, path: str) -> None:
    assert post(alone, path)[0] == 413


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads a form is caught."""

    async def form(*_: Any, **__: Any) -> None:
        raise AssertionError("the body was read")

    monkeypatch.setattr("starlette.requests.Request._get_form", form)


@pytest.mark.usefixtures("unread")
@pytest.mark.parametrize("path", sorted(UPLOADS))
def test_an_upload_is_refused_unread_without_log_in_or_role_or_token(
    team: Place, as_person: Callable[[str], Person], path: str
) -> None:
    assert post(Person(team), path)[0] == 401
    assert post(as_person("anna"), path)[0] == 403
    assert post(as_person("maria"), path, token="another")[0] == 403


def test_an_expert_s_upload_may_be_larger_than_json(as_person: Callable[[str], Person]) -> None:
    content = picture(20) + b"\0" * MANY
    assert upload(as_person("erna"), content).status_code == 201


def test_files_are_taken_where_uploads_may_be_large_and_nowhere_else() -> None:
    paths = json.loads(contract())["paths"]
    routes = {(path, method): route for path, methods in paths.items() for method, route in methods.items()}
    forms = {
        path
        for (path, _), route in routes.items()
        if "multipart/form-data" in route.get("requestBody", {}).get("content", {})
    }
    assert forms == UPLOADS


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "Permission denied"), OSError(errno.EIO, "I/O error")])
def test_a_photo_that_cannot_be_read_is_not_called_a_database(
    alone: Person, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    opened = Path.open

    def refusing(path: Path, *arguments: Any, **more: Any) -> Any:
        if path.name == "a.png":
            raise error
        return opened(path, *arguments, **more)

    monkeypatch.setattr(Path, "open", refusing)
    said = alone.get("/photos/1/picture")
    assert said.status_code == 404
    assert said.json()["error"]["message"] == f"the file of photo 'a.png' cannot be read ({error.strerror})"


@pytest.mark.parametrize("path", ["/photos", "/imports"])
def test_an_upload_that_fills_the_disk_is_told_so(alone: Person, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    monkeypatch.setattr("amodal.annotate.exchange.archive._one", full)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("a.json", "{}")
    files = {"files": ("new.png", picture(20))} if path == "/photos" else {"file": ("a.zip", stream.getvalue())}
    said = alone.post(path, files=files)
    assert said.status_code == 507
    assert "disk is full" in said.json()["error"]["message"]


def test_photos_that_an_imported_project_names_can_be_uploaded_with_their_own_bytes_alone(alone: Person) -> None:
    sent = picture(20)
    with place_of(alone).database.write() as session:
        sha256 = hashlib.sha256(sent).hexdigest()
        id = add_photo(session, None, name="new.png", width=20, height=10, sha256=sha256).id
    assert upload(alone, picture(30)).status_code == 422
    assert alone.get(f"/photos/{id}/picture").status_code == 404
    said = upload(alone, sent)
    assert (said.status_code, said.json()["photos"][0]["id"]) == (201, id)
    assert alone.get(f"/photos/{id}/picture").content == sent


def waiting(person: Person, **photos: bytes) -> dict[str, int]:
    """Rows of photos whose files are not here, as an imported project makes them; ids by name."""
    with place_of(person).database.write() as session:
        return {
            name: add_photo(
                session, None, name=name, width=20, height=10, sha256=hashlib.sha256(content).hexdigest()
            ).id
            for name, content in photos.items()
        }


def test_a_photo_in_a_folder_of_an_imported_project_is_found_by_its_file_s_name(alone: Person) -> None:
    ids = waiting(alone, **{"left/new.png": picture(20), "right/new.png": picture(30)})
    said = upload(alone, picture(30))
    assert [(one["id"], one["name"]) for one in said.json()["photos"]] == [(ids["right/new.png"], "right/new.png")]
    assert alone.get(f"/photos/{ids['right/new.png']}/picture").content == picture(30)
    assert alone.get(f"/photos/{ids['left/new.png']}/picture").status_code == 404


@pytest.mark.parametrize(
    ("there", "words"), [([20, 20], "cannot tell"), ([30], "other bytes")], ids=["two of the same bytes", "other bytes"]
)
def test_an_upload_that_may_not_be_what_a_project_waits_for_is_refused_in_words(
    alone: Person, there: list[int], words: str
) -> None:
    names = waiting(alone, **{f"{number}/new.png": picture(width) for number, width in enumerate(there)})
    said = upload(alone, picture(20))
    message = said.json()["error"]["message"]
    assert (said.status_code, words in message) == (422, True)
    assert all(name in message for name in names)


def test_a_photo_uploaded_into_a_folder_is_in_the_backup(alone: Person, tmp_path: Path) -> None:
    waiting(alone, **{"left/new.png": picture(20)})
    assert upload(alone, picture(20)).status_code == 201
    place = place_of(alone)
    write_backup(place.database, place.folder, tmp_path / "b.zip")
    restore_backup(tmp_path / "b.zip", tmp_path / "again")
    assert (tmp_path / "again" / "images" / "left" / "new.png").read_bytes() == picture(20)
