"""KITTI's labels, Cityscapes' pictures, COCOA's own layout, the real samples; broken files refused with their place."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from amodal.data.convert import convert, read_class_map
from amodal.data.entries import Entry, Head, entries_of
from amodal.data.formats import open_source
from amodal.data.truth import Truth, read_truth
from amodal.errors import InputError
from amodal.scene import Scene
from helpers.amodal_files import write_cocoa, write_json, write_kins, write_kitti
from helpers.drawn_files import Photo, Thing, content_of

RESEARCH = Path(os.environ.get("AMODAL_RESEARCH_DATA", Path(__file__).parents[3] / "shared" / "data"))
needs_research = pytest.mark.skipif(not RESEARCH.is_dir(), reason=f"no research data at {RESEARCH}")
PHOTOS = [Photo([Thing((2, 2, 12, 12)), Thing((8, 4, 20, 16), 7)]), Photo([])]
Content = dict[str, Any]


@needs_research
def test_real_cocoa_comes_back_as_it_was(tmp_path: Path) -> None:
    path = RESEARCH / "amodal" / "annotations.json"
    done = convert(open_source(path), "cocoa", tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == json.loads(path.read_text())
    assert (done.photos, done.objects, done.losses.counts) == (5, 48, {})


@needs_research
def test_real_cocoa_keeps_its_order_through_every_format_that_has_one(tmp_path: Path) -> None:
    source = open_source(RESEARCH / "amodal" / "annotations.json")
    for target in ("kins-2020", "cocoa-regions", "amodal"):
        convert(source, target, tmp_path / target)
        for before, after in zip(entries_of(source), entries_of(open_source(tmp_path / target)), strict=True):
            assert len(after.scene.order.edges) == len(before.scene.order.edges)
            pairs = zip(before.scene.instances, after.scene.instances, strict=True)
            assert all((one.modal, one.amodal) == (other.modal, other.amodal) for one, other in pairs)


@needs_research
@pytest.mark.parametrize("way", [["kitti"], ["coco", "kitti"], ["amodal", "kitti"]])
def test_real_kitti_labels_come_back_to_the_letter(way: list[str], tmp_path: Path) -> None:
    path, images = RESEARCH / "kitti", RESEARCH / "kitti" / "images"
    source = open_source(path)
    for step, target in enumerate(way):
        convert(source, target, tmp_path / f"{step}")
        if target != "kitti":
            source = open_source(tmp_path / f"{step}", images=images)
    for file in sorted((path / "labels").glob("*.txt")):
        before, after = file.read_text().split("\n"), (tmp_path / f"{step}" / "label_2" / file.name).read_text()
        said = [line for line in before if line and (way[0] != "amodal" or not line.startswith("DontCare"))]
        assert after.splitlines() == said  # our own file has no regions to ignore, which is listed


def test_kitti_says_how_much_is_hidden(tmp_path: Path) -> None:
    done = convert(open_source(write_kins(tmp_path)), "kitti", tmp_path / "kitti")
    lines = [line.split() for line in (tmp_path / "kitti" / "label_2" / "000000.txt").read_text().splitlines()]
    assert [line[:3] for line in lines] == [["Car", "-1", "1"], ["Pedestrian", "-1", "0"]]
    assert done.losses.counts["the visible mask"] == 5


@pytest.mark.parametrize("classes", [None, {"3": "boat", "5": "buoy"}])
def test_cityscapes_pictures_come_back_to_the_pixel(classes: dict[str, str] | None, tmp_path: Path) -> None:
    first, second = (26, 24) if classes is None else (3, 5)
    picture = np.zeros((20, 30), np.uint16)
    picture[2:8, 3:9], picture[5:12, 12:20] = first * 1000, second * 1000 + 4
    picture[15:18, :9], picture[0:2, :] = first, 7  # a group; a road
    folder = tmp_path / "in" / "val" / "town"
    folder.mkdir(parents=True)
    Image.fromarray(picture).save(folder / "town_0_gtFine_instanceIds.png")
    if classes is not None:
        write_json(tmp_path / "in" / "classes.json", classes)
    source = open_source(tmp_path / "in")
    scene = source[0].scene
    assert {one.id for one in scene.instances} == {first * 1000, second * 1000 + 4}
    assert [mask.area for mask in source[0].truth.ignore] == [27]
    convert(source, "cityscapes", tmp_path / "out")
    written = np.asarray(Image.open(tmp_path / "out" / "val" / "town" / "town_0_gtFine_instanceIds.png"))
    np.testing.assert_array_equal(written, picture)
    convert(source, "coco", tmp_path / "coco.json")
    convert(open_source(tmp_path / "coco.json"), "cityscapes", tmp_path / "again")
    (file,) = (tmp_path / "again").glob("*.png")
    back = np.asarray(Image.open(file))
    # Ids of other classes may be given anew, the objects and the road stay.
    np.testing.assert_array_equal(back >= 1000, picture >= 1000)
    np.testing.assert_array_equal(back == 7, picture == 7)


def test_the_front_object_has_a_pixel_that_two_claim(tmp_path: Path) -> None:
    content = content_of("kins-2020", PHOTOS)
    whole = content["annotations"][1]["a_segm"]
    content["annotations"][1]["i_segm"] = whole  # drawn as if nothing hid it
    done = convert(open_source(write_json(tmp_path / "in.json", content)), "cityscapes", tmp_path / "out")
    values, counts = np.unique(np.asarray(Image.open(tmp_path / "out" / "000007_instanceIds.png")), return_counts=True)
    assert dict(zip(values.tolist(), counts.tolist(), strict=True))[26000] == 100
    assert done.losses.counts["a pixel's second owner (by objects)"] == 1


def test_several_annotators_of_a_photo_are_several_truths(tmp_path: Path) -> None:
    content = content_of("cocoa-regions", PHOTOS[:1])
    content["annotations"].append({**content["annotations"][0], "id": 99, "author": "B"})
    source = open_source(write_json(tmp_path / "in.json", content))
    assert len(source) == 2
    assert source.head.format == "cocoa-regions"
    assert read_truth(tmp_path / "in.json") == [entry.truth for entry in entries_of(source)]
    convert(source, "cocoa-regions", tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text()) == content


def test_hidden_parts_without_masks_follow_from_the_order(tmp_path: Path) -> None:
    content = content_of("cocoa-regions", PHOTOS[:1])
    for region in content["annotations"][0]["regions"]:
        region.pop("visible_mask", None)
        region.pop("invisible_mask", None)
    truth = read_truth(write_json(tmp_path / "in.json", content))[0]
    assert [int(one.modal.area) for one in truth.scene.instances] == [int(PHOTOS[0].seen(i).sum()) for i in (0, 1)]


def test_d2sa_knows_both_masks(tmp_path: Path) -> None:
    truth = read_truth(write_json(tmp_path / "in.json", content_of("d2sa", PHOTOS)))[0]
    for number, one in enumerate(truth.scene.instances):
        np.testing.assert_array_equal(one.modal.to_dense(), PHOTOS[0].seen(number))
        np.testing.assert_array_equal(one.amodal.to_dense(), PHOTOS[0].things[number].whole)
    assert truth.knows == {"modal", "amodal", "order", "boxes"}


def test_a_file_of_boxes_alone_says_so(tmp_path: Path) -> None:
    folder = write_kitti(tmp_path / "kitti")
    convert(open_source(folder), "coco", tmp_path / "coco.json")
    assert "segmentation" not in json.loads((tmp_path / "coco.json").read_text())["annotations"][0]
    truth = read_truth(tmp_path / "coco.json", images=folder / "image_2")[0]
    assert truth.knows == {"boxes"}
    assert [one.box for one in truth.given] == [(10, 20, 60, 50), (40, 10, 56, 56)]


@pytest.mark.parametrize("classes", [7, 8])
def test_kins_keeps_its_class_ids(classes: int, tmp_path: Path) -> None:
    convert(open_source(write_kins(tmp_path, "2019", classes)), "kins-2020", tmp_path / "out.json")
    content = json.loads((tmp_path / "out.json").read_text())
    assert sorted(entry["id"] for entry in content["categories"]) == [
        1,
        2,
        *([3] if classes == 8 else []),
        4,
        5,
        6,
        7,
        8,
    ]
    assert {entry["category_id"] for entry in content["annotations"]} == {2, 4}


def test_classes_are_renamed_joined_and_left_out(tmp_path: Path) -> None:
    source = open_source(write_json(tmp_path / "in.json", content_of("coco", PHOTOS)))
    done = convert(source, "coco", tmp_path / "out.json", classes=read_class_map("car=vehicle,van="))
    content = json.loads((tmp_path / "out.json").read_text())
    assert {entry["name"] for entry in content["categories"]} == {"cyclist", "vehicle"}
    assert len(content["annotations"]) == 1
    assert done.losses.counts == {"class 'van', which was to be left out": 1}
    write_json(tmp_path / "map.json", {"car": "vehicle", "van": None})
    assert read_class_map(str(tmp_path / "map.json")) == read_class_map("car=vehicle,van=")


def test_person_sitting_is_listed_where_there_is_one(tmp_path: Path) -> None:
    source = open_source(write_json(tmp_path / "in.json", content_of("d2sa", PHOTOS)))
    convert(source, "kins-2019", tmp_path / "out.json", classes={"van": "person-sitting"})
    content = json.loads((tmp_path / "out.json").read_text())
    assert {entry["category_id"] for entry in content["annotations"]} == {3, 4}


def edited(change: Callable[[Content], object]) -> Callable[[Content], object]:
    return lambda content: change(content["annotations"][1])


BROKEN: dict[str, tuple[str, Callable[[Content], object], str]] = {
    "no_whole_mask": ("kins-2020", edited(lambda a: a.pop("a_segm")), "annotations[1] (id 106).a_segm: is missing"),
    "no_box": ("kins-2019", edited(lambda a: a.pop("bbox")), "annotations[1] (id 106).bbox: is missing"),
    "two_points": ("coco", edited(lambda a: a.update(segmentation=[[1, 2, 3, 4]])), "(id 106).segmentation[0]: has 4"),
    "odd": ("kins-2020", edited(lambda a: a.update(a_segm=[[1, 2, 3, 4, 5, 6, 7]])), "(id 106).a_segm[0]: has 7"),
    "nan": ("d2sa", edited(lambda a: a.update(bbox=[1, 2, float("nan"), 4])), "(id 106).bbox[2]: is nan"),
    "rle_of_other_size": (
        "d2sa",
        edited(lambda a: a["visible_mask"].update(size=[3, 4])),
        "annotations[1] (id 106).visible_mask",
    ),
    "unknown_class": ("kins-2019", edited(lambda a: a.update(category_id=44)), "(id 106).category_id: is 44"),
    "text_as_order": ("cocoa", edited(lambda a: a.update(order="first")), "(id 106).order: is a string"),
    "no_regions": ("cocoa-regions", lambda c: c["annotations"][1].pop("regions"), "(id 16).regions: is missing"),
    "region_of_two_points": (
        "cocoa-regions",
        lambda c: c["annotations"][0]["regions"][1].update(segmentation=[1, 2, 3, 4]),
        "annotations[0] (id 14).regions[1].segmentation[0]: has 4",
    ),
    "no_width": ("coco", lambda c: c["images"][0].pop("width"), "images[0].width: is missing"),
    "no_file_name": ("kins-2019", lambda c: c["images"][1].update(file_name=""), "images[1].file_name: is empty"),
}


@pytest.mark.parametrize(("format", "change", "said"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_named_and_nothing_is_written(
    format: str, change: Callable[[Content], object], said: str, tmp_path: Path
) -> None:
    content = content_of(format, PHOTOS)
    change(content)
    path, out = write_json(tmp_path / "in.json", content), tmp_path / "out.json"
    out.write_text("before")
    with pytest.raises(InputError) as error:
        convert(open_source(path), "amodal", out)
    assert str(path) in str(error.value)
    assert said in str(error.value)
    assert out.read_text() == "before"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.json", "out.json"]


def test_empty_lists_are_a_file_too(tmp_path: Path) -> None:
    path = write_json(tmp_path / "in.json", {"images": [], "annotations": [], "categories": []})
    convert(open_source(path), "kins-2020", tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text())["images"] == []
    with pytest.raises(InputError, match="none found"):
        read_truth(path)


def test_an_unknown_value_in_a_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(np.full((4, 4), 51_001, np.uint16)).save(tmp_path / "in" / "a_instanceIds.png")
    with pytest.raises(InputError, match=r"a_instanceIds\.png: value 51001: is of class 51"):
        _ = open_source(tmp_path / "in")[0]


def test_a_field_that_is_no_json_names_its_photo(tmp_path: Path) -> None:
    content = content_of("coco", PHOTOS)
    content["annotations"][0]["x"] = float("inf")
    with pytest.raises(InputError, match=r"000007\.png: is not JSON"):
        convert(open_source(write_json(tmp_path / "in.json", content)), "coco", tmp_path / "out.json")


def test_a_folder_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        convert(open_source(write_cocoa(tmp_path / "c")), "kitti", tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


STUFF_BROKEN: dict[str, tuple[object, str]] = {
    "list": ([1], "cityscapes_stuff: is a list"),
    "text_as_value": ({"road": {}}, "cityscapes_stuff.road: is no value"),
    "too_large_a_value": ({"1000": {}}, "cityscapes_stuff.1000: is no value"),
    "no_mask": ({"7": 3}, "cityscapes_stuff.7: is a number"),
    "of_another_size": ({"7": {"size": [2, 2], "counts": [4]}}, "cityscapes_stuff.7: is 2 × 2 px"),
}


@pytest.mark.parametrize(("stuff", "said"), STUFF_BROKEN.values(), ids=STUFF_BROKEN)
def test_broken_stuff_of_a_picture_is_named(stuff: object, said: str, tmp_path: Path) -> None:
    content = content_of("coco", PHOTOS)
    content["images"][0]["cityscapes_stuff"] = stuff
    with pytest.raises(InputError) as error:
        convert(open_source(write_json(tmp_path / "in.json", content)), "cityscapes", tmp_path / "out")
    assert said in str(error.value)
    assert content["images"][0]["file_name"] in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("target", ["coco", "kitti", "cityscapes", "amodal"])
def test_a_source_that_goes_away_is_not_blamed_on_the_new_file(target: str, tmp_path: Path) -> None:
    class Gone:
        head = Head("coco")

        def __len__(self) -> int:
            return 1

        def __getitem__(self, number: int, /) -> Entry:
            raise PermissionError(13, "Permission denied", "photo.png")

    with pytest.raises(PermissionError, match=r"photo\.png"):
        convert(Gone(), target, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a/../b.c/d.png", "/a/b.c/d.jpg"])
def test_folders_stand_in_a_flat_name(name: str) -> None:
    truth = Truth(Scene(4, 4, (), image=name), None, knows=frozenset())
    assert Entry(truth).flat_name == "a_b.c_d"


@pytest.mark.parametrize("name", [None, "", ".", "..", "/"])
def test_a_photo_without_a_name_has_no_flat_one(name: str | None) -> None:
    truth = Truth(Scene(4, 4, (), image=name), None, knows=frozenset())
    with pytest.raises(InputError, match="has no name"):
        _ = Entry(truth).flat_name


def test_a_folder_of_kins_without_a_split_is_refused_if_it_has_two(tmp_path: Path) -> None:
    for name in ("instances_train.json", "instances_val.json"):
        write_json(tmp_path / name, content_of("kins-2019", PHOTOS))
    with pytest.raises(InputError, match="no split was named, expected one of train, test"):
        open_source(tmp_path)
    assert len(open_source(tmp_path, split="val")) == len(PHOTOS)
    (tmp_path / "instances_train.json").unlink()
    assert len(open_source(tmp_path)) == len(PHOTOS)
