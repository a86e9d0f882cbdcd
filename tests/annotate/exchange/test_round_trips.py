from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import text
from sqlalchemy.orm import Session

from amodal.annotate.api.place import Place
from amodal.annotate.errors import Invalid
from amodal.annotate.exchange.archive import packed
from amodal.annotate.exchange.cvat import read_cvat
from amodal.annotate.exchange.exports import FINISHED, LOSSES, export
from amodal.annotate.exchange.imports import Taken, import_truths
from amodal.annotate.exchange.project_file import PROJECT_JSON, project_content
from amodal.annotate.exchange.project_read import read_project
from amodal.annotate.exchange.reading import read_any
from amodal.annotate.store.database import open_database
from amodal.annotate.store.masks import Drawn
from amodal.annotate.store.objects import add_object
from amodal.annotate.store.people import create_project, person_of, project_of
from amodal.annotate.store.photos import add_photo, photos, put_boxed
from amodal.annotate.workflow.listing import Wanted, photo_list
from amodal.annotate.workflow.rounds import save_mask
from amodal.annotate.workflow.scenes import scene_of
from amodal.scene import Scene

OUTLINES = {"car": [[8, 20, 40, 18, 44, 50, 8, 52]]}
WHOLE = ("kins-2020", "kins-2019", "cocoa", "amodal", "cvat")


def exported(place: Place, format: str, folder: Path) -> Path:
    with place.database.read() as session:
        export(session, format, folder / "files")
    packed(folder / "files", folder / f"{format}.zip")
    return folder / f"{format}.zip"


def imported(place: Place, file: Path, work: Path, format: str | None = None) -> Taken:
    work.mkdir()
    found = read_any(file, file.name, work, format)
    with place.database.write() as session:
        return import_truths(session, me(place, session), found.truths, found.format, found.finished)


def me(place: Place, session: Session):  # type: ignore[no-untyped-def]
    return person_of(session, place.alone or 0)


def scene(place: Place, photo: int = 1) -> Scene:
    with place.database.read() as session:
        return scene_of(session, photo)


def said(scene: Scene) -> dict[str, object]:
    """What a scene says, without ids."""
    label = {one.id: one.label for one in scene.instances}
    return {
        "objects": {one.label: (one.amodal, one.modal) for one in scene.instances},
        "order": {(label[edge.front], label[edge.behind]) for edge in scene.order.edges},
    }


@pytest.mark.parametrize("format", WHOLE)
def test_masks_visible_parts_and_order_come_back(
    drawn: Place, new_place: Callable[[str], Place], tmp_path: Path, format: str
) -> None:
    other = new_place("other")
    taken = imported(other, exported(drawn, format, tmp_path / "out"), tmp_path / "work")
    assert (taken.objects, taken.masks) == (3, 3)
    assert said(scene(other)) == said(scene(drawn))
    boxes = {one.label: one.box for one in scene(other).instances}
    assert boxes == {one.label: one.box for one in scene(drawn).instances}


@pytest.mark.parametrize("format", WHOLE)
def test_what_was_imported_is_exported_to_the_same_bytes(
    drawn: Place, new_place: Callable[[str], Place], tmp_path: Path, format: str
) -> None:
    first = exported(drawn, format, tmp_path / "out")
    other = new_place("other")
    imported(other, first, tmp_path / "work")
    exported(other, format, tmp_path / "again")

    def files(folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != LOSSES}

    assert files(tmp_path / "again" / "files") == files(tmp_path / "out" / "files")


def test_the_whole_project_comes_back_the_same(drawn: Place, new_place: Callable[[str], Place], tmp_path: Path) -> None:
    exported(drawn, "project", tmp_path / "out")
    other = new_place("other")
    with other.database.write() as session:
        read_project(session, me(other, session), tmp_path / "out" / "files" / PROJECT_JSON)
    with drawn.database.read() as one, other.database.read() as two:
        assert project_content(one) == project_content(two)
        assert [said["seconds"] for said in project_content(two)["times"]] == [12.5]


def test_names_are_sorted_the_same_whatever_the_database_s_alphabet(postgres_url: str) -> None:
    database = open_database(postgres_url)
    with database.engine.begin() as connection:
        connection.execute(text('ALTER TABLE photos ALTER COLUMN name TYPE varchar(1000) COLLATE "und-x-icu"'))
    with database.write() as session:
        create_project(session, "street")
        for name in ("b.png", "A.png", "a.png", "B.png"):
            add_photo(session, None, name=name, width=9, height=9, sha256="0" * 64)
    with database.read() as session:
        names = [one["name"] for one in project_content(session)["photos"]]
    database.close()
    assert names == ["A.png", "B.png", "a.png", "b.png"]


def test_a_project_that_came_in_is_another_than_that_it_was_written_of(
    drawn: Place, new_place: Callable[[str], Place], tmp_path: Path
) -> None:
    exported(drawn, "project", tmp_path / "out")
    other = new_place("other")
    before = uid(other)
    with other.database.write() as session:
        read_project(session, me(other, session), tmp_path / "out" / "files" / PROJECT_JSON)
    assert len({uid(drawn), before, uid(other)}) == 3


def uid(place: Place) -> str:
    with place.database.read() as session:
        return project_of(session).uid


def test_a_whole_project_does_not_go_into_one_that_has_objects(drawn: Place, tmp_path: Path) -> None:
    exported(drawn, "project", tmp_path / "out")
    with pytest.raises(Invalid, match="objects already"), drawn.database.write() as session:
        read_project(session, me(drawn, session), tmp_path / "out" / "files" / PROJECT_JSON)


def test_a_project_file_gives_nobody_every_role_or_a_password(
    drawn: Place, new_place: Callable[[str], Place], tmp_path: Path
) -> None:
    exported(drawn, "project", tmp_path / "out")
    file = tmp_path / "out" / "files" / PROJECT_JSON
    content = json.loads(file.read_text())
    content["people"].append({"name": "mallory", "role": "manager", "every_role": True})
    file.write_text(json.dumps(content))
    other = new_place("other")
    with other.database.write() as session:
        read_project(session, me(other, session), file)
    with other.database.read() as session:
        from amodal.annotate.store.people import people

        (found,) = [one for one in people(session) if one.name == "mallory"]
        assert (found.active, found.every_role, found.password_hash) == (False, False, None)


def test_what_is_not_settled_is_listed_beside_the_export(drawn: Place, tmp_path: Path) -> None:
    exported(drawn, "kins-2020", tmp_path / "out")
    lost = json.loads((tmp_path / "out" / "files" / LOSSES).read_text())
    assert [(one["what"], one["count"]) for one in lost] == [
        ("a photo whose boxes and order are not done", 1),
        ("an object that is not settled", 1),
    ]
    assert lost[1]["first"][0].startswith("b.png")


@pytest.fixture
def begun(drawn: Place) -> Place:
    """Photos a: done, b: an open box, c: nothing there, d: untouched, e: boxes done and none settled, f: one of two."""
    with drawn.database.write() as session:
        expert = me(drawn, session)
        ids = {name: photo_with(session, name) for name in "cdef"}
        for name in "eef":
            add_object(session, expert, ids[name], label="van", box=(4, 5, 30, 30))
        one = add_object(session, expert, ids["f"], label="car", box=(8, 18, 44, 52))
        save_mask(session, expert, one.id, Drawn(polygons=OUTLINES["car"], state="done", seconds=1), version=0)
        for name in "cef":
            put_boxed(session, expert, ids[name], boxed=True)
    return drawn


def photo_with(session: Session, name: str) -> int:
    return add_photo(session, None, name=f"{name}.png", width=80, height=60, sha256=name * 64).id


@pytest.mark.parametrize("format", [*WHOLE, "coco"])
def test_only_what_is_done_goes_out_and_comes_back_as_done(
    begun: Place, new_place: Callable[[str], Place], tmp_path: Path, format: str
) -> None:
    file = exported(begun, format, tmp_path / "out")
    lost = {one["what"]: one["first"] for one in json.loads((tmp_path / "out" / "files" / LOSSES).read_text())}
    assert lost["a photo whose boxes and order are not done"] == ["b.png", "d.png"]
    assert lost["a photo of which nothing is settled"] == ["e.png"]
    (tmp_path / "read").mkdir()
    there = [truth.scene.image for truth in read_any(file, file.name, tmp_path / "read").truths]
    assert there == ["a.png", "c.png", "f.png"]
    other = new_place("other")
    with other.database.write() as session:
        for name in "cdef":
            photo_with(session, name)
    imported(other, file, tmp_path / "work")
    drawn_again = {"a.png"} if format == "coco" else set()  # it has no order, so somebody has to say it
    assert boxes_done(other) == {"a.png", "c.png"} - drawn_again


@pytest.mark.parametrize("format", [*WHOLE, "coco"])
def test_a_photo_without_objects_in_somebody_else_s_file_is_not_called_done(
    begun: Place, new_place: Callable[[str], Place], tmp_path: Path, format: str
) -> None:
    exported(begun, format, tmp_path / "out")
    (tmp_path / "out" / "files" / FINISHED).unlink()
    packed(tmp_path / "out" / "files", tmp_path / "bare.zip")
    other = new_place("other")
    with other.database.write() as session:
        photo_with(session, "c")
    taken = imported(other, tmp_path / "bare.zip", tmp_path / "work")
    assert "c.png" not in boxes_done(other)
    assert any(line.startswith("c.png: no object in the file") for line in taken.left_out)


def test_a_photo_of_which_some_objects_were_left_out_comes_back_as_begun(
    begun: Place, new_place: Callable[[str], Place], tmp_path: Path
) -> None:
    other = new_place("other")
    with other.database.write() as session:
        photo_with(session, "f")
    imported(other, exported(begun, "kins-2020", tmp_path / "out"), tmp_path / "work")
    with other.database.read() as session:
        states = {one["name"]: one["state"] for one in photo_list(session, me(other, session), Wanted())[0]}
    assert states == {"a.png": "done", "b.png": "new", "f.png": "boxing"}


def boxes_done(place: Place) -> set[str]:
    with place.database.read() as session:
        return {photo.name for photo in photos(session) if photo.boxed_at is not None}


def test_visible_masks_alone_come_in_as_proposals(
    drawn: Place, new_place: Callable[[str], Place], tmp_path: Path
) -> None:
    other = new_place("other")
    taken = imported(other, exported(drawn, "coco", tmp_path / "out"), tmp_path / "work")
    assert (taken.objects, taken.masks) == (3, 0)
    assert "proposals" in taken.left_out[0]
    assert len(scene(other)) == 0


def test_a_photo_that_has_objects_or_is_not_here_stays_out(drawn: Place, tmp_path: Path) -> None:
    file = exported(drawn, "kins-2020", tmp_path / "out")
    taken = imported(drawn, file, tmp_path / "work")
    assert (taken.objects, len(taken.left_out)) == (0, 1)
    assert "has objects already" in taken.left_out[0]


def test_id_pictures_show_visible_parts_and_whole_objects(drawn: Place, tmp_path: Path) -> None:
    exported(drawn, "ids", tmp_path / "out")
    folder = tmp_path / "out" / "files"
    (photo,) = json.loads((folder / "objects.json").read_text())["photos"]
    number = {one["class"]: one["number"] for one in photo["objects"]}
    assert photo["order"] == [[number["pedestrian"], number["car"]]]
    visible = np.asarray(Image.open(folder / "visible" / "a.png"))
    sheets = [np.asarray(Image.open(path)) for path in sorted((folder / "whole").glob("a_*.png"))]
    for one in scene(drawn).instances:
        assert ((visible == number[one.label]) == one.modal.to_dense()).all()
        assert sum(int((sheet == number[one.label]).sum()) for sheet in sheets) == one.amodal.area


def test_cvat_s_own_polygons_and_boxes_are_whole_objects_and_z_order_is_the_order(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(
        """<annotations><version>1.1</version><image id="0" name="a.png" width="80" height="60">
        <polygon label="car" points="5.0,5.0;30.0,5.0;30.0,30.0;5.0,30.0" z_order="0"></polygon>
        <polygon label="tram" points="20.0,5.0;50.0,5.0;50.0,30.0" z_order="1"></polygon>
        <mask label="van" rle="1, 2, 1" left="70" top="50" width="2" height="2" z_order="2"></mask>
        </image></annotations>"""
    )
    (truth,) = read_cvat(tmp_path / "a.xml")
    car, tram, van = truth.scene.instances
    assert car.amodal.area == 25 * 25
    assert van.amodal.to_crop((70, 50, 72, 52)).tolist() == [[False, True], [True, False]]
    assert [(edge.front, edge.behind) for edge in truth.scene.order.edges] == [(tram.id, car.id)]
    assert truth.knows == {"amodal", "boxes", "order"}


def test_cvat_masks_are_written_along_the_rows_of_their_box(drawn: Place, tmp_path: Path) -> None:
    exported(drawn, "cvat", tmp_path / "out")
    root = ElementTree.parse(tmp_path / "out" / "files" / "annotations.xml")
    shape = next(root.iter("mask"))
    runs = [int(run) for run in shape.attrib["rle"].split(",")]
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(int(shape.attrib["height"]), -1)
    one = next(one for one in scene(drawn).instances if one.label == shape.attrib["label"])
    assert (pixels == one.amodal.to_crop()).all()


def test_a_box_among_masks_comes_in_to_be_drawn(new_place: Callable[[str], Place], tmp_path: Path) -> None:
    file = tmp_path / "mixed.xml"
    file.write_text(
        '<annotations><image name="a.png" width="80" height="60"><polygon label="car" points="0,0;20,0;20,10;0,10"/>'
        '<box label="tram" xtl="40" ytl="1" xbr="60" ybr="9"/></image></annotations>'
    )
    taken = imported(new_place("mixed"), file, tmp_path / "work")
    assert (taken.objects, taken.masks) == (2, 1)
