"""Each thing that can be wrong: a clear 4xx with words, and nothing is kept of it."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from amodal.annotate.api import photo_files
from amodal.annotate.api.page import serve_page
from amodal.annotate.store.tables import Photo
from amodal.http.limits import MAX_DEPTH, is_deeper
from amodal.masks import CropMask
from helpers.annotate_client import HEIGHT, WIDTH, Person


def picture(kind: str = "PNG", width: int = 20, height: int = 10) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(stream, kind)
    return stream.getvalue()


def huge_png() -> bytes:
    """A header that claims 10,000 × 10,000 px."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)
    chunks = (head, b"IDAT" + zlib.compress(b"\0" * 100))
    packed = (struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one)) for one in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def upload(person: Person, name: str, content: bytes) -> Any:
    return person.post("/photos", files={"files": (name, content, "application/octet-stream")})


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PHOTOS: list[tuple[str, bytes, str]] = [
    ("a.jpg", b"", "is not a picture"),
    ("a.png", picture()[:40], "undamaged"),
    ("a.jpg", picture("JPEG", 200, 200)[:-300], "undamaged"),
    ("a.png", SVG, "is not a picture"),
    ("a.svg", SVG, "expected one ending in"),
    ("a.png", huge_png(), "64,000,000"),
    ("a.txt", picture(), "expected one ending in"),
    ("../a.png", picture(), "without folders"),
    ("b/a.png", picture(), "without folders"),
    ("..\\a.png", picture(), "without folders"),
    ("<script>.png", picture(), "without folders"),
    (".hidden.png", picture(), "without folders"),
    ("x" * 300 + ".png", picture(), ""),
]


@pytest.mark.parametrize(("name", "content", "words"), PHOTOS)
def test_a_photo_that_is_none_is_refused_in_words(alone: Person, name: str, content: bytes, words: str) -> None:
    said = upload(alone, name, content)
    assert said.status_code in (400, 422), said.text
    assert words in said.json()["error"]["message"]
    assert alone.get("/photos").json()["total"] == 2


def test_an_uploaded_photo_comes_back_as_it_was(alone: Person) -> None:
    content = picture("JPEG")
    id = upload(alone, "new.jpg", content).json()["photos"][0]["id"]
    said = alone.get(f"/photos/{id}/picture")
    assert (said.content, said.headers["content-type"]) == (content, "image/jpeg")


def test_a_photo_of_the_same_name_is_not_written_over(alone: Person) -> None:
    assert upload(alone, "new.png", picture()).status_code == 201
    assert upload(alone, "new.png", picture(width=30)).status_code == 422
    assert upload(alone, "a.png", picture()).status_code == 422  # that of the folder


def test_too_large_an_upload_is_refused(alone: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_files, "MAX_FILE_BYTES", 100)
    assert upload(alone, "new.png", picture(width=300, height=300)).status_code == 422


def test_a_folder_s_photo_that_became_a_link_out_of_it_is_not_served(alone: Person) -> None:
    place = alone.http.app.state.place  # type: ignore[attr-defined]
    outside = place.folder / "secret.png"
    outside.write_bytes(picture())
    (place.images / "a.png").unlink()
    (place.images / "a.png").symlink_to(outside)
    assert alone.get("/photos/1/picture").status_code == 404


@pytest.fixture
def page(tmp_path: Path) -> TestClient:
    """A page whose folder has a secret beside it."""
    web = tmp_path / "web"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("the page")
    (web / "assets" / "a.js").write_text("a script")
    (tmp_path / "secret.txt").write_text("a secret")
    (web / "link.txt").symlink_to(tmp_path / "secret.txt")
    app = FastAPI()
    serve_page(app, web)
    return TestClient(app, raise_server_exceptions=False)


LEADING_OUT = (
    "/../secret.txt", "/%2e%2e/secret.txt", "/assets/../../secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt",
    "/..%5csecret.txt", "/link.txt", "/%2fetc/passwd", "//etc/passwd",
)  # fmt: skip


@pytest.mark.parametrize("path", LEADING_OUT)
def test_no_path_outside_the_page_is_served(page: TestClient, path: str) -> None:
    assert page.get("/assets/a.js").text == "a script"
    said = page.get("http://testserver" + path)
    assert (said.status_code, said.text) == (200, "the page") or said.status_code == 404, said.text


@pytest.mark.parametrize("path", ["/" + "x" * 300, "/assets/" + "x" * 300, "/" + "x/" * 3000, "/%00"])
def test_no_address_is_too_long_or_too_odd_for_an_answer(page: TestClient, path: str) -> None:
    assert page.get(path).status_code == (404 if path.startswith("/assets") else 200)


def test_a_photo_of_a_name_that_no_file_can_have_is_not_there(alone: Person) -> None:
    place = alone.http.app.state.place  # type: ignore[attr-defined]
    with place.database.write() as session:
        session.get_one(Photo, 1).name = "x" * 300 + ".png"  # an imported project may name it so
    assert alone.get("/photos/1/picture").status_code == 404


NUMBERS: list[Any] = [float("nan"), float("inf"), 1e300, "5", None, True, [], {}]


@pytest.mark.parametrize("edge", NUMBERS, ids=str)
def test_a_box_of_anything_but_pixels_is_refused(alone: Person, edge: Any) -> None:
    text = json.dumps({"label": "car", "box": [edge, 1, 2, 3]})
    headers = {"X-CSRF-Token": alone.token, "Content-Type": "application/json"}
    said = alone.http.post("/api/photos/1/objects", content=text, headers=headers)
    assert said.status_code in (400, 422)
    assert said.json()["error"]["message"]


BOXES = [[9, 9, 1, 1], [5, 5, 5, 9], [500, 5, 600, 9], [1, 2, 3], [1, 2, 3, 4, 5], [-1e6, -1e6, 1e6, 1e6]]


@pytest.mark.parametrize("box", BOXES, ids=str)
def test_a_box_that_cannot_be_is_refused(alone: Person, box: list[float]) -> None:
    assert alone.post("/photos/1/objects", {"label": "car", "box": box}).status_code == 422


def test_a_box_may_leave_the_picture(alone: Person) -> None:
    assert alone.post("/photos/1/objects", {"label": "car", "box": [-20, -5.5, 30, 200]}).status_code == 201


LABELS = ["", " ", "unicorn", "<script>alert(1)</script>", "a/b", "a\\b", "a\x00b", "\ud800", "x" * 1000, 5, None]


@pytest.mark.parametrize("label", LABELS, ids=repr)
def test_a_label_that_is_no_class_is_refused(alone: Person, label: Any) -> None:
    text = json.dumps({"label": label, "box": [1, 1, 9, 9]})
    headers = {"X-CSRF-Token": alone.token, "Content-Type": "application/json"}
    said = alone.http.post("/api/photos/1/objects", content=text, headers=headers)
    assert said.status_code == 422


SQUARE = [10, 10, 30, 10, 30, 30, 10, 30]
OTHER_SIZE = CropMask.from_box((0, 0, 5, 5), HEIGHT + 1, WIDTH).to_coco_rle()
OUTSIDE = CropMask.from_box((50, 50, 60, 60), HEIGHT, WIDTH).to_coco_rle()
MASKS: list[dict[str, Any]] = [
    {},
    {"polygons": []},
    {"polygons": [[1, 2, 3, 4]]},
    {"polygons": [[1, 2, 3, 4, 5, 6, 7]]},
    {"polygons": [[500, 500, 600, 500, 600, 600]]},
    {"polygons": [["a", 2, 3, 4, 5, 6]]},
    {"polygons": [SQUARE], "amodal": OUTSIDE},
    {"amodal": OTHER_SIZE},
    {"amodal": {"size": [HEIGHT, WIDTH], "counts": "no code"}},
    {"amodal": {"size": [HEIGHT, WIDTH], "counts": ""}},
    {"amodal": {"size": [2**31, 2**31], "counts": "0"}},
    {"polygons": [SQUARE], "inmodal": OUTSIDE},
    {"polygons": [SQUARE], "seconds": -1},
    {"polygons": [SQUARE], "state": "finished"},
    {"polygons": [SQUARE], "source": "<b>"},
    {"polygons": [SQUARE], "version": -1},
    {"polygons": [SQUARE], "version": 10**30},
    {"polygons": [SQUARE], "unknown": 1},
]


@pytest.mark.parametrize("asked", MASKS, ids=lambda asked: str(asked)[:50])
def test_a_mask_that_cannot_be_is_refused(alone: Person, asked: dict[str, Any]) -> None:
    one = alone.box(1, 5, 5, 40, 40)
    said = alone.put(f"/objects/{one}/mask", {"version": 0, "state": "done", **asked})
    assert said.status_code == 422, said.text
    assert alone.get("/photos/1").json()["objects"][0]["mask"] is None


ORDERS: list[Any] = [
    [[1, 1]],
    [[1, 99]],
    [[1, 2], [2, 1]],
    [[1]],
    [[1, 2, 3]],
    [["1", "2"]],
    [[1.5, 2]],
    "no",
    [[10**30, 1]],
]


@pytest.mark.parametrize("edges", ORDERS, ids=str)
def test_an_order_that_cannot_be_is_refused(alone: Person, edges: Any) -> None:
    alone.box(1, 5, 5, 30, 30), alone.box(1, 20, 5, 50, 30)
    assert alone.put("/photos/1/order", {"version": 0, "edges": edges}).status_code == 422


PATHS = ["/photos/0", "/photos/99", "/photos/x", f"/photos/{10**30}", "/photos/-1", "/objects/99/history", "/nothing"]


@pytest.mark.parametrize("path", PATHS)
def test_what_is_not_there_is_told_in_words(alone: Person, path: str) -> None:
    said = alone.get(path)
    assert said.status_code in (404, 422)
    assert said.json()["error"]["message"]


def test_json_nested_deeply_is_refused_before_it_is_parsed(alone: Person) -> None:
    bomb = b"[" * 100_000
    headers = {"X-CSRF-Token": alone.token, "Content-Type": "application/json"}
    said = alone.http.post("/api/photos/1/objects", content=bomb, headers=headers)
    assert said.status_code == 400
    assert "levels deep" in said.json()["error"]["message"]


def test_too_much_json_is_refused_whether_or_not_it_says_how_much(alone: Person) -> None:
    headers = {"X-CSRF-Token": alone.token, "Content-Type": "application/json"}
    for content in (b" " * (17 * 2**20), iter([b" " * 2**20] * 17)):
        said = alone.http.post("/api/photos/1/objects", content=content, headers=headers)
        assert said.status_code == 413


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"null", b"[]", b"5" * 5000, b'{"a": 1}'])
def test_a_body_that_is_not_what_is_expected_is_refused(alone: Person, body: bytes) -> None:
    headers = {"X-CSRF-Token": alone.token, "Content-Type": "application/json"}
    said = alone.http.post("/api/photos/1/objects", content=body, headers=headers)
    assert said.status_code in (400, 422)
    assert said.json()["error"]["message"]


@pytest.mark.parametrize("boxed", [1, "true", "on", None, []], ids=str)
def test_whether_boxes_are_done_is_true_or_false_and_nothing_else(alone: Person, boxed: Any) -> None:
    assert alone.patch("/photos/1", {"boxed": boxed}).status_code == 422


def test_depth_is_counted_outside_of_strings_only() -> None:
    assert not is_deeper(b'"' + b"[" * 100 + b'"', MAX_DEPTH)
    assert not is_deeper(b'"\\"' + b"[" * 100 + b'"', MAX_DEPTH)
    assert not is_deeper(b"[]" * 100, MAX_DEPTH)
    assert is_deeper(b'["\\\\",' * (MAX_DEPTH + 1), MAX_DEPTH)
    assert not is_deeper(b'"\\' * 200_000, MAX_DEPTH)


def test_wrong_methods_and_addresses_are_told_as_json(alone: Person) -> None:
    assert alone.put("/photos", {}).status_code == 405
    assert "error" in alone.put("/photos", {}).json()


def test_an_error_never_repeats_what_was_sent(alone: Person) -> None:
    said = alone.post("/photos/1/objects", {"label": "<img src=x onerror=alert(1)>", "box": ["<b>", 1, 2, 3]})
    assert "onerror" not in said.text
    assert said.headers["content-type"] == "application/json"


@pytest.mark.parametrize("setting", ["agreement_threshold", "max_rounds", "annotators_per_object"])
@pytest.mark.parametrize("value", [True, "1", [], float("nan"), -1, 0], ids=str)
def test_a_setting_of_another_kind_is_refused(alone: Person, setting: str, value: Any) -> None:
    text = json.dumps({"version": 1, setting: value})
    headers = {"X-CSRF-Token": alone.token, "Content-Type": "application/json"}
    assert alone.http.patch("/api/project", content=text, headers=headers).status_code in (400, 422)
    assert alone.get("/project").json()["version"] == 1


NAMES = ["", " ", "a/b", "a\\b", "<script>", "x" * 101, "a\u202eb", "a\u200bb", "a\x00b", "ANNA", " anna "]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_that_nobody_should_have_is_refused(as_person: Callable[[str], Person], name: str) -> None:
    maria = as_person("maria")
    before = maria.get("/people").json()
    said = maria.post("/people", {"name": name, "role": "annotator", "password": "correct horse"})
    assert said.status_code == 422, said.text
    assert maria.get("/people").json() == before


def test_a_link_in_a_zip_leads_nowhere(alone: Person) -> None:
    link = zipfile.ZipInfo("link.json")
    link.external_attr = 0o120777 << 16
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr(link, "/etc/passwd")
    said = alone.post("/imports", files={"file": ("a.zip", stream.getvalue(), "application/zip")})
    assert said.status_code == 422
    assert "root" not in said.text


ENTITIES = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aa">]><annotations>&a;</annotations>'


@pytest.mark.parametrize("content", [ENTITIES, ENTITIES.decode().encode("utf-16"), b"<annotations>" + b"<a>" * 100_000])
def test_an_xml_bomb_is_refused(alone: Person, content: bytes) -> None:
    assert alone.post("/imports", files={"file": ("a.xml", content, "text/xml")}).status_code == 422
