from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import get_args

import pytest

from amodal.annotate.api.place import Place
from amodal.annotate.api.schemas import ExportFormat
from helpers.annotate_client import Person, both_databases

pytestmark = both_databases


def zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize("format", get_args(ExportFormat))
def test_every_format_is_a_zip_to_download(alone: Person, format: str) -> None:
    alone.draw(alone.box(1, 5, 5, 30, 30), 5, 5, 30, 30)
    said = alone.post("/exports", {"format": format})
    assert said.headers["content-type"] == "application/zip"
    names = zipfile.ZipFile(io.BytesIO(said.content)).namelist()
    assert ("losses.json" in names) == (format != "project")
    place = alone.http.app.state.place  # type: ignore[attr-defined]
    assert not list((place.folder / "work").iterdir())
    assert alone.get("/audit").json()["lines"][0]["action"] == "export"


def test_what_was_exported_is_taken_in_again(alone: Person) -> None:
    one = alone.box(1, 5, 5, 30, 30)
    alone.draw(one, 5, 5, 30, 30)
    alone.patch("/photos/1", {"boxed": True})
    content = alone.post("/exports", {"format": "kins-2020"}).content
    alone.delete(f"/objects/{one}?version=1")
    said = alone.post("/imports", files={"file": ("kins.zip", content, "application/zip")})
    assert said.status_code == 201
    assert said.json() | {"left_out": []} == {
        "format": "kins-2020", "photos": 1, "objects": 1, "masks": 1, "settled": 1, "edges": 0, "left_out": [],
    }  # fmt: skip
    assert alone.get("/photos/1").json()["objects"][0]["consensus"]["state"] == "settled"


def test_an_imported_project_is_counted_with_its_order(
    alone: Person, open_copy: Callable[[bool], Place], kind: str
) -> None:
    front, behind = alone.box(1, 5, 5, 30, 30), alone.box(1, 20, 5, 45, 30)
    alone.draw(front, 5, 5, 30, 30)
    alone.put("/photos/1/order", {"version": 0, "edges": [[front, behind]]})
    content = alone.post("/exports", {"format": "project"}).content
    said = Person(open_copy(False)).post("/imports", files={"file": ("p.zip", content)}).json()
    counts = {key: said[key] for key in ("photos", "objects", "masks", "settled", "edges")}
    assert counts == {"photos": 2, "objects": 2, "masks": 1, "settled": 1, "edges": 1}


WITHOUT_SIZE = json.dumps({"images": [{"id": 1, "file_name": "a.png"}], "annotations": 5})
REFUSED = {  # what was sent, and how the sentence about it begins
    "a photo": ("street.jpg", b"\xff\xd8\xff\xe0", "street.jpg: file: holds no annotations, expected JSON (COCO"),
    "nothing": ("my cars.json", b"  ", "my cars.json: file: is empty"),
    "half a file": ("cars.json", b'{"images": [', "cars.json: file: is not JSON"),
    "half a zip": ("cars.zip", zipped("kins/cars.json", b'{"images": ['), "cars.zip/kins/cars.json: file: is not JSON"),
    "a wrong field": ("cars.json", WITHOUT_SIZE.encode(), "cars.json: annotations: "),
    "a wrong project": ("p.json", b'{"kind": "amodal-annotate-project", "version": 7}', "p.json: "),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refusal_names_the_file_as_its_sender_knows_it(alone: Person, what: str) -> None:
    name, content, words = REFUSED[what]
    said = alone.post("/imports", files={"file": (name, content)})
    message = said.json()["error"]["message"]
    assert (said.status_code, message[: len(words)]) == (422, words)
    assert "bytes" not in message


def test_what_macos_packs_beside_every_file_is_no_annotation(alone: Person) -> None:
    square = {"label": "car", "points": [[5, 5], [30, 5], [30, 30], [5, 30]], "shape_type": "polygon"}
    photo = alone.get("/photos/1").json()["photo"]
    content = {
        "imagePath": photo["name"], "imageWidth": photo["width"], "imageHeight": photo["height"],
        "version": "5.0", "shapes": [square],
    }  # fmt: skip
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("one.json", json.dumps(content))
        archive.writestr("__MACOSX/._one.json", b"\0\5\x16\7")
    said = alone.post("/imports", files={"file": ("one.zip", stream.getvalue())})
    assert (said.status_code, said.json().get("masks")) == (201, 1), said.text


def test_a_manager_takes_in_and_gives_out(as_person: Callable[[str], Person]) -> None:
    maria = as_person("maria")
    square = {"label": "car", "points": [[5, 5], [30, 5], [30, 30], [5, 30]], "shape_type": "polygon"}
    content = json.dumps({"shapes": [square], "imagePath": "a.png", "imageHeight": 60, "imageWidth": 80}).encode()
    said = maria.post("/imports", files={"file": ("a.json", content, "application/json")})
    assert (said.status_code, said.json()["objects"]) == (201, 1)
    assert maria.post("/photos/1/objects", {"label": "car", "box": [1, 1, 9, 9]}).status_code == 403


BROKEN = {"nothing": b"", "no zip": b"PK\x03\x04", "a bomb": b"[" * 100_000, "no format": b'{"a": 1}'}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_refused_and_nothing_of_it_stays(alone: Person, what: str) -> None:
    said = alone.post("/imports", files={"file": ("a.json", BROKEN[what], "application/json")})
    assert said.status_code == 422
    assert said.json()["error"]["message"]
    assert "/" not in said.json()["error"]["message"].partition(":")[0]  # no folders of the server
    assert alone.get("/photos/1").json()["objects"] == []


def test_an_import_is_whole_or_not_at_all(alone: Person) -> None:
    images = [{"id": 1, "file_name": "a.png", "width": 80, "height": 60}]
    shape = {"segmentation": [[5, 5, 30, 5, 30, 30]], "bbox": [5, 5, 25, 25], "area": 300, "iscrowd": 0}
    annotations = [{"id": id, "image_id": 1, "category_id": id, **shape} for id in (1, 2)]
    categories = [{"id": 1, "name": "car"}, {"id": 2, "name": "<script>"}]
    content = json.dumps({"images": images, "annotations": annotations, "categories": categories}).encode()
    said = alone.post("/imports", files={"file": ("a.json", content, "application/json")})
    assert said.status_code == 422
    assert alone.get("/photos/1").json()["objects"] == []


def test_an_export_says_how_many_photos_and_objects_are_not_in_it(alone: Person) -> None:
    alone.box(1, 5, 5, 30, 30)
    photos = alone.get("/photos").json()["total"]
    assert alone.post("/exports", {"format": "coco"}).headers["X-Left-Out"] == f"{photos} 1"


def test_id_pictures_are_refused_by_their_name(alone: Person) -> None:
    content = alone.post("/exports", {"format": "ids"}).content
    said = alone.post("/imports", files={"file": ("ids.zip", content)})
    message = "ids.zip: file: holds id pictures, which cannot be read in, expected another format"
    assert (said.status_code, said.json()["error"]["message"]) == (422, message)


BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [5, 6, 20, 10]}
NO_MASK: dict[str, dict[str, object]] = {"no key": {}, "null": {"segmentation": None}, "nothing": {"segmentation": []}}


@pytest.mark.parametrize("what", NO_MASK)
def test_boxes_alone_come_in_from_coco(alone: Person, what: str) -> None:
    photo = alone.get("/photos/1").json()["photo"]
    content = coco(photo, BOX | NO_MASK[what])
    said = alone.post("/imports", files={"file": ("boxes.json", content)})
    assert (said.status_code, said.json().get("left_out")) == (201, []), said.text
    document = alone.get("/photos/1").json()
    assert [one["box"] for one in document["objects"]] == [[5, 6, 25, 16]]
    assert document["proposals"] == []


def test_a_box_without_a_mask_among_masks_comes_in_to_be_drawn(alone: Person) -> None:
    photo = alone.get("/photos/1").json()["photo"]
    drawn = {**BOX, "id": 2, "segmentation": [[5, 6, 25, 6, 25, 16, 5, 16]]}
    said = alone.post("/imports", files={"file": ("boxes.json", coco(photo, BOX, drawn))}).json()
    words = f"{photo['name']}: 1 whole masks are not known; the visible ones came in as proposals"
    assert (said["objects"], said["left_out"]) == (2, [words])


def coco(photo: dict[str, object], *annotations: dict[str, object]) -> bytes:
    image = {"id": 1, "file_name": photo["name"], "width": photo["width"], "height": photo["height"]}
    categories = [{"id": 1, "name": "car"}]
    return json.dumps({"images": [image], "annotations": annotations, "categories": categories}).encode()
