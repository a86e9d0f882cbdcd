from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from amodal.data.boxes import check_photo_size, pair_boxes, read_boxes
from amodal.data.checks import check_boxes
from amodal.errors import InputError

BOX = [10, 20, 30, 60]
ENTRY = {"file": "a.jpg", "width": 100, "height": 80, "boxes": [{"box": BOX, "class": "car"}]}
COCO = {
    "images": [{"id": 7, "file_name": "a.jpg", "width": 100, "height": 80}],
    "annotations": [{"id": 3, "image_id": 7, "category_id": 2, "bbox": [10, 20, 20, 40]}],
    "categories": [{"id": 2, "name": "car"}],
}


@pytest.fixture
def write(tmp_path: Path):
    """Write boxes.json (a value or a text) beside the photos a.jpg and b.jpg."""
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", (100, 80)).save(tmp_path / name)

    def writer(content: Any) -> Path:
        path = tmp_path / "boxes.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return writer


def with_box(box: Any) -> list[dict[str, Any]]:
    good = {"box": BOX}
    return [{**ENTRY, "file": f"{n}.jpg"} for n in "xyz"] + [{**ENTRY, "boxes": [good, {"box": box}]}]


def test_simple_json_gives_boxes_and_labels(write) -> None:
    path = write([{**ENTRY, "source": "mine", "licence": "CC BY"}])
    (photo,) = read_boxes(path)
    assert photo.boxes.tolist() == [[10, 20, 30, 60]]
    assert photo.boxes.dtype == np.float64
    assert not photo.boxes.flags.writeable
    assert (photo.labels, photo.ids, photo.boxes_are) == (("car",), (0,), "amodal")
    assert (photo.width, photo.height, photo.source, photo.licence) == (100, 80, "mine", "CC BY")
    assert photo.path == path.parent / "a.jpg"


def test_label_size_and_extras_may_be_missing(write) -> None:
    (photo,) = read_boxes(write([{"file": "a.jpg", "boxes": [{"box": BOX}, {"box": BOX, "class": None}]}]))
    assert (photo.labels, photo.width, photo.height) == ((None, None), 0, 0)


def test_ids_are_kept_where_given(write) -> None:
    (photo,) = read_boxes(write([{**ENTRY, "boxes": [{"box": BOX, "id": 12}, {"box": BOX, "id": 5}]}]))
    assert photo.ids == (12, 5)


def test_coco_json_gives_the_same_boxes_as_simple_json(write) -> None:
    (simple,) = read_boxes(write([ENTRY]))
    (coco,) = read_boxes(write(COCO))
    assert coco.boxes.tolist() == simple.boxes.tolist()
    assert (coco.labels, coco.path, coco.width) == (simple.labels, simple.path, simple.width)
    assert coco.ids == (3,)


def test_crowd_regions_are_left_out(write) -> None:
    crowd = {**COCO["annotations"][0], "id": 4, "iscrowd": 1}
    (photo,) = read_boxes(write({**COCO, "annotations": [*COCO["annotations"], crowd]}))
    assert photo.ids == (3,)


@pytest.mark.parametrize("content", [[{**ENTRY, "boxes": []}], {**COCO, "annotations": []}])
def test_photo_without_boxes_is_valid(write, content: Any) -> None:
    (photo,) = read_boxes(write(content))
    assert photo.boxes.shape == (0, 4)
    assert photo.labels == ()


@pytest.mark.parametrize(
    "content",
    [
        {"boxes": [{"box": BOX, "class": "car"}]},
        [{"box": BOX, "class": "car"}],
        ENTRY,
        {"photos": [ENTRY]},
    ],
)
def test_one_photo_needs_no_list_of_photos(write, content: Any) -> None:
    path = write(content)
    (photo,) = read_boxes(path, [path.parent / "a.jpg"])
    assert photo.boxes.tolist() == [BOX]
    assert photo.labels == ("car",)


def test_one_photo_may_come_with_bare_boxes(write) -> None:
    path = write([BOX, BOX])
    (photo,) = read_boxes(path, [path.parent / "a.jpg"])
    assert (photo.boxes.tolist(), photo.labels, photo.ids) == ([BOX, BOX], (None, None), (0, 1))


@pytest.mark.parametrize("content", [[], {"boxes": []}])
def test_one_photo_with_an_empty_list_of_boxes_is_valid(write, content: Any) -> None:
    path = write(content)
    (photo,) = read_boxes(path, [path.parent / "a.jpg"])
    assert photo.boxes.shape == (0, 4)


@pytest.mark.parametrize("content", [{"boxes": [{"box": BOX}]}, [{"box": BOX}], [BOX]])
def test_boxes_without_a_photos_name_need_exactly_one_photo(write, content: Any) -> None:
    path = write(content)
    for photos in (None, [path.parent / "a.jpg", path.parent / "b.jpg"]):
        with pytest.raises(InputError, match=r"does not say which photo .* exactly one photo"):
            read_boxes(path, photos)


@pytest.mark.parametrize(
    "content",
    [
        {"boxes_are": "visible", "photos": [ENTRY]},
        [{**ENTRY, "boxes_are": "visible"}],
        {**COCO, "boxes_are": "visible"},
    ],
)
def test_file_may_say_what_its_boxes_hold_and_the_caller_overrules_it(write, content: Any) -> None:
    path = write(content)
    assert read_boxes(path)[0].boxes_are == "visible"
    assert read_boxes(path, boxes_are="amodal")[0].boxes_are == "amodal"


def test_photos_come_in_the_order_asked_for(write) -> None:
    path = write([ENTRY, {**ENTRY, "file": "b.jpg"}])
    photos = [path.parent / "b.jpg", path.parent / "a.jpg"]
    assert [photo.path for photo in read_boxes(path, photos)] == photos


def test_photo_is_found_by_name_wherever_it_lies(write) -> None:
    (photo,) = read_boxes(write([{**ENTRY, "file": "some/folder/a.jpg"}]), ["/elsewhere/a.jpg"])
    assert photo.path == Path("/elsewhere/a.jpg")


def test_folders_tell_photos_of_the_same_name_apart(write) -> None:
    entries = [{**ENTRY, "file": f"{side}/a.jpg", "width": width} for side, width in (("left", 50), ("right", 60))]
    photos = read_boxes(write(entries), ["/x/right/a.jpg", "/x/left/a.jpg"])
    assert [photo.width for photo in photos] == [60, 50]


def test_photo_that_two_entries_could_mean_is_refused(write) -> None:
    entries = [{**ENTRY, "file": "left/a.jpg"}, {**ENTRY, "file": "right/a.jpg"}]
    with pytest.raises(InputError, match=r"left/a\.jpg, right/a\.jpg could all mean"):
        read_boxes(write(entries), ["a.jpg"])


def test_entry_that_could_mean_two_photos_is_refused(write) -> None:
    with pytest.raises(InputError, match=r"a\.jpg could mean .*left.*right"):
        read_boxes(write([ENTRY]), ["left/a.jpg", "right/a.jpg"])


def test_photo_without_an_entry_is_named(write) -> None:
    with pytest.raises(InputError, match=r"boxes\.json: file: has no entry for other\.jpg"):
        read_boxes(write([ENTRY]), ["a.jpg", "other.jpg"])


def test_entry_without_its_photo_is_named(write) -> None:
    with pytest.raises(InputError, match=r"names lost\.jpg, which cannot be found"):
        read_boxes(write([ENTRY, {**ENTRY, "file": "lost.jpg"}]))


def test_photos_may_lie_in_a_folder_called_images(write) -> None:
    path = write([ENTRY])
    (path.parent / "images").mkdir()
    (path.parent / "a.jpg").rename(path.parent / "images" / "a.jpg")
    assert read_boxes(path)[0].path == path.parent / "images" / "a.jpg"


def test_folder_of_photos_can_be_given(write, tmp_path: Path) -> None:
    path = write([ENTRY])
    away = tmp_path / "away"
    away.mkdir()
    (path.parent / "a.jpg").rename(away / "a.jpg")
    assert read_boxes(path, images=away)[0].path == away / "a.jpg"


def test_same_photo_twice_is_refused(write) -> None:
    with pytest.raises(InputError, match=r"photos\[1\]: is about a\.jpg again"):
        read_boxes(write([ENTRY, ENTRY]))


@pytest.mark.parametrize(
    ("box", "problem"),
    [
        ([1, 2, 3], r"has 3 numbers, expected \[x0, y0, x1, y1\]"),
        ([1, 2, 3, 4, 5], "has 5 numbers"),
        ("1 2 3 4", "is a string"),
        (None, "is null"),
        ([math.nan, 0, 5, 5], "is nan, expected a finite number"),
        ([0, 0, math.inf, 5], "is inf, expected a finite number"),
        ([0, 0, 10**400, 5], "is a huge number, expected a finite number"),
        ([0, 0, True, 5], "is true or false, expected a number"),
        ([0, 0, "5", 5], "is a string, expected a number"),
        ([5, 0, 5, 9], r"\[5, 0, 5, 9\] has no area"),
        ([0, 9, 5, 9], "has no area"),
        ([9, 0, 5, 9], "has reversed corners"),
        ([0, 9, 5, 0], "has reversed corners"),
        ([100, 0, 120, 9], "lies wholly outside.*100 × 80 px"),
        ([0, 80, 9, 90], "lies wholly outside"),
        ([-9, 0, 0, 9], "lies wholly outside"),
        ([0, -9, 9, -1], "lies wholly outside"),
        ([0, 0, 1e300, 9], "coordinates within"),
    ],
)
def test_bad_box_is_refused_with_its_number(write, box: Any, problem: str) -> None:
    with pytest.raises(InputError, match=rf"boxes\.json: photos\[3\]\.boxes\[1\]\.box(\[\d\])?: .*{problem}"):
        path = write(with_box(box))
        read_boxes(path, [path.parent / "a.jpg"])


@pytest.mark.parametrize(
    ("bbox", "problem"),
    [
        ([0, 0, 5], "has 3 numbers"),
        ([0, 0, 0, 5], "width 0 and height 5"),
        ([0, 0, 5, -5], "width 5 and height -5"),
        ([math.nan, 0, 5, 5], "is nan"),
        ([100, 0, 5, 5], "wholly outside"),
    ],
)
def test_bad_coco_box_is_refused_with_its_number(write, bbox: Any, problem: str) -> None:
    bad = {"id": 4, "image_id": 7, "category_id": 2, "bbox": bbox}
    with pytest.raises(InputError, match=rf"boxes\.json: annotations\[1\]\.bbox(\[0\])?: .*{problem}"):
        read_boxes(write({**COCO, "annotations": [*COCO["annotations"], bad]}))


def test_box_partly_outside_keeps_its_extent(write) -> None:
    (photo,) = read_boxes(write([{**ENTRY, "boxes": [{"box": [-50, -1, 500, 0.5]}]}]))
    assert photo.boxes.tolist() == [[-50, -1, 500, 0.5]]


def test_bad_boxes_of_one_photo_leave_the_others_usable(write) -> None:
    path = write([{**ENTRY, "boxes": [{"box": [9, 9, 1, 1]}]}, {**ENTRY, "file": "b.jpg"}])
    photos = [path.parent / name for name in ("a.jpg", "b.jpg", "c.jpg")]
    paired = pair_boxes(path, photos)
    assert [photo.path.name for photo in paired.photos] == ["b.jpg"]
    assert [error.field for error in paired.refused] == ["photos[0].boxes[0].box"]
    assert [photo.name for photo in paired.without_boxes] == ["c.jpg"]
    assert paired.without_photo == ()
    assert pair_boxes(path, photos[1:2]).without_photo == ("a.jpg",)
    assert [photo.path.name for photo in read_boxes(path, photos[1:2])] == ["b.jpg"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", r"is not JSON \(Expecting"),
        ("", "is not JSON"),
        ("[" * 100_000, "is nested too deeply|is not JSON"),
        ("[" + "9" * 5000 + "]", "is not JSON|is a number"),
        (3, "file: is a number, expected COCO JSON"),
        (None, "file: is null, expected COCO JSON"),
        ('"text"', "file: is a string, expected COCO JSON"),
        ({}, "file: has nothing, expected COCO JSON"),
        ({"photo": []}, "file: has photo, expected COCO JSON"),
        ([3], r"photos\[0\]: is a number, expected an object"),
        ([{}], r"photos\[0\]: does not say which photo"),
        ([{"file": "a.jpg"}], r"photos\[0\]\.boxes: is missing"),
        ([{**ENTRY, "file": 3}], r"photos\[0\]\.file: is a number, expected a string"),
        ([{**ENTRY, "file": ""}], r"photos\[0\]\.file: is empty"),
        ([{**ENTRY, "boxes": {}}], r"photos\[0\]\.boxes: is an object, expected a list"),
        ([{**ENTRY, "boxes": [{"class": "car"}]}], r"photos\[0\]\.boxes\[0\]\.box: is missing"),
        (
            [{**ENTRY, "boxes": [{"box": BOX, "class": 3}]}],
            r"boxes\[0\]\.class: is a number, expected a string",
        ),
        ([{**ENTRY, "boxes": [{"box": BOX, "id": "x"}]}], r"boxes\[0\]\.id: is a string, expected a whole"),
        ([{**ENTRY, "boxes": [{"box": BOX, "id": 1}] * 2}], r"boxes: have an id twice"),
        ([{**ENTRY, "width": 0}], r"photos\[0\]\.width: is 0, expected a number from 1"),
        ([{**ENTRY, "width": 1.5}], r"photos\[0\]\.width: is a number, expected a whole number"),
        (
            [{**ENTRY, "boxes_are": "whole"}],
            r"photos\[0\]\.boxes_are: is 'whole', expected 'amodal' or 'visible'",
        ),
        ([{"image_id": 1, "bbox": BOX}], r"photos\[0\]: is an annotation of COCO's"),
        ({"images": []}, "annotations: is missing"),
        ({"annotations": []}, "images: is missing"),
        ({**COCO, "images": {}}, "images: is an object, expected a list"),
        ({**COCO, "images": [{"id": 7}]}, r"images\[0\]\.file_name: is missing"),
        ({**COCO, "images": COCO["images"] * 2}, r"images\[1\]\.id: is 7 again"),
        ({**COCO, "annotations": [{"image_id": 8, "bbox": BOX}]}, r"annotations\[0\]\.image_id: is 8"),
        ({**COCO, "annotations": COCO["annotations"] * 2}, "annotations: has id 3 twice"),
        ({**COCO, "categories": []}, r"annotations\[0\]\.category_id: is 2, expected an id among the 0"),
        ({**COCO, "categories": [{"id": 2, "name": 5}]}, r"categories\[0\]\.name: is a number"),
    ],
)
def test_json_of_the_wrong_shape_is_refused_naming_file_and_field(write, content: Any, problem: str) -> None:
    with pytest.raises(InputError, match=rf"boxes\.json: .*({problem})"):
        read_boxes(write(content))


def test_missing_box_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.json: file: does not exist"):
        read_boxes(tmp_path / "nowhere.json")


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "boxes.json").write_bytes(b'[{"file": "\xff.jpg", "boxes": []}]')
    with pytest.raises(InputError, match=r"boxes\.json: file: is not JSON"):
        read_boxes(tmp_path / "boxes.json")


def test_byte_order_mark_is_no_obstacle(write, tmp_path: Path) -> None:
    write([])
    (tmp_path / "boxes.json").write_text(json.dumps([ENTRY]), encoding="utf-8-sig")
    assert len(read_boxes(tmp_path / "boxes.json")) == 1


def test_file_of_more_than_two_gibibytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    path.touch()
    os.truncate(path, 2**31 + 1)  # a hole: takes no room on the disk
    with pytest.raises(InputError, match=r"boxes\.json: file: is too large"):
        read_boxes(path)


def test_photo_of_another_size_than_its_boxes_say_is_refused(write) -> None:
    (photo,) = read_boxes(write([ENTRY]))
    with pytest.raises(InputError, match="size: is 200 × 160 px, expected 100 × 80 px"):
        check_photo_size(photo, 200, 160)
    assert check_photo_size(photo, 100, 80).boxes.tolist() == [BOX]


def test_boxes_of_unknown_frame_are_checked_once_it_is_known(write) -> None:
    (photo,) = read_boxes(write([{"file": "a.jpg", "boxes": [{"box": [500, 0, 600, 9]}]}]))
    with pytest.raises(InputError, match=r"a\.jpg: boxes\[0\]: .* lies wholly outside"):
        check_photo_size(photo, 100, 80)


@pytest.mark.parametrize("boxes", [[], np.zeros((0, 4)), ()])
def test_no_boxes_are_fine(boxes: Any) -> None:
    assert check_boxes(boxes, 10, 10, "here").shape == (0, 4)


@pytest.mark.parametrize(
    "boxes", [[1, 2, 3, 4], [[1, 2, 3]], [[1, 2, 3, 4], [1, 2]], [["a"] * 4], np.zeros((1, 4, 1)), 7]
)
def test_arrays_of_another_shape_are_refused(boxes: Any) -> None:
    with pytest.raises(InputError, match=r"here: boxes: .*expected n × 4"):
        check_boxes(boxes, 10, 10, "here")


EDGES = st.sampled_from([-1e8, -3.0, 0.0, 0.5, 9.0, 10.0, 11.0, 20.0, 1e8, math.nan, math.inf, -math.inf])


@given(st.lists(st.tuples(EDGES, EDGES, EDGES, EDGES), max_size=5))
def test_check_agrees_with_the_definition_box_by_box(boxes: list[tuple[float, float, float, float]]) -> None:
    width, height = 20, 10

    def is_good(x0: float, y0: float, x1: float, y1: float) -> bool:
        reaches = all(math.isfinite(value) and abs(value) < 1e8 for value in (x0, y0, x1, y1))
        return reaches and min(x1, width) > max(x0, 0) and min(y1, height) > max(y0, 0)

    bad = [index for index, box in enumerate(boxes) if not is_good(*box)]
    if bad:
        with pytest.raises(InputError, match=rf"here: boxes\[{bad[0]}\]: "):
            check_boxes(boxes, width, height, "here")
    else:
        assert check_boxes(boxes, width, height, "here").tolist() == [list(box) for box in boxes]
