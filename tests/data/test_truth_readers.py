"""KINS in both layouts, COCOA and KITTI's labels read as truth; broken ones refused with file and field."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from amodal.data.truth import Truth, read_truth
from amodal.errors import InputError
from helpers.amodal_files import (
    CLASS_IDS,
    HEIGHT,
    PHOTOS,
    WIDTH,
    visible,
    write_cocoa,
    write_json,
    write_kins,
    write_kitti,
)

Content = dict[str, Any]


def expected_edges(photo: str) -> set[tuple[int, int]]:
    """Pairs of numbers (front, behind) by comparing every two rectangles pixel by pixel."""
    things = PHOTOS[photo]
    return {
        (i, j)
        for i, one in enumerate(things)
        for j, other in enumerate(things)
        if one.cluster == other.cluster and one.order < other.order and (one.whole & other.whole).any()
    }


def edges_of(truth: Truth) -> set[tuple[int, int]]:
    number = {one.id: place for place, one in enumerate(truth.scene.instances)}
    return {(number[edge.front], number[edge.behind]) for edge in truth.scene.order.edges}


@pytest.mark.parametrize("layout", ["2019", "2020"])
@pytest.mark.parametrize("classes", [7, 8])
def test_both_layouts_of_kins_say_the_same(layout: str, classes: int, tmp_path: Path) -> None:
    truths = read_truth(write_kins(tmp_path, layout, classes))
    assert [truth.scene.image for truth in truths] == [f"{photo}.png" for photo in PHOTOS]
    for truth, (photo, things) in zip(truths, PHOTOS.items(), strict=True):
        assert truth.knows == {"modal", "amodal", "order", "boxes"}
        assert truth.path == tmp_path / "testing" / "image_2" / f"{photo}.png"
        assert truth.path.is_file()
        for number, (one, thing) in enumerate(zip(truth.scene.instances, things, strict=True)):
            assert one.label == thing.label
            assert one.box == thing.box
            np.testing.assert_array_equal(one.amodal.to_dense(), thing.whole)
            np.testing.assert_array_equal(one.modal.to_dense(), visible(photo, number))
        assert edges_of(truth) == expected_edges(photo)


def test_cocoa_has_one_order_for_a_photo_and_stuff_is_not_scored(tmp_path: Path) -> None:
    first, second = read_truth(write_cocoa(tmp_path))
    assert edges_of(first) == expected_edges("000000")
    assert edges_of(second) == expected_edges("000001")
    assert {one.label for one in first.given} == {"object"}
    assert [one.id for one in second.given] == [3, 4, 5]
    assert [one.id for one in second.scored] == [3, 4]


def test_kitti_knows_boxes_and_a_weak_order_alone(tmp_path: Path) -> None:
    first, second = read_truth(write_kitti(tmp_path / "kitti"))
    assert first.knows == {"boxes", "order"}
    assert [one.box for one in first.given] == [(10, 20, 60, 50), (40, 10, 56, 56)]
    assert edges_of(first) == {(1, 0)}
    assert edges_of(second) == {(1, 0)}
    assert [mask.box for mask in first.ignore] == [(80, 2, 90, 9)]


@pytest.mark.parametrize(
    ("states", "distances", "edges"),
    [
        (("1", "0"), ("20", "20.5"), {(1, 0)}),  # the states speak, distances are alike
        (("0", "0"), ("20", "8"), {(1, 0)}),  # the distances speak
        (("0", "1"), ("20", "8"), set()),  # they disagree
        (("3", "0"), ("20", "20.5"), set()),  # 3 says that nobody knows
        (("1", "0"), ("-1000", "-1000"), {(1, 0)}),  # no place is known
    ],
)
def test_kittis_order_is_what_states_and_distances_agree_on(
    states: tuple[str, str], distances: tuple[str, str], edges: set[tuple[int, int]], tmp_path: Path
) -> None:
    folder = write_kitti(tmp_path / "kitti")
    file = folder / "label_2" / "000000.txt"
    lines = [line.split() for line in file.read_text().splitlines()]
    for line, state, distance in zip(lines, states, distances, strict=False):
        line[2], line[13] = state, distance
    file.write_text("\n".join(map(" ".join, lines)))
    assert edges_of(read_truth(folder)[0]) == edges


def test_kins_without_visible_masks_does_not_know_them_and_the_order_says_what_stands_there(tmp_path: Path) -> None:
    def change(content: Content) -> None:
        for annotation in content["annotations"]:
            del annotation["i_segm"]

    path = write_kins(tmp_path, "2020")
    drawn = read_truth(path)
    found = read_truth(changed(path, change))
    assert {truth.knows for truth in found} == {frozenset({"amodal", "boxes", "order"})}
    for one, other in zip(found, drawn, strict=True):
        assert [each.modal for each in one.scene.instances] == [each.modal for each in other.scene.instances]


def test_kins_of_2019_without_visible_masks_does_not_know_the_order_either(tmp_path: Path) -> None:
    def change(content: Content) -> None:
        for annotation in content["annotations"]:
            del annotation["inmodal_seg"]

    found = read_truth(changed(write_kins(tmp_path), change))
    assert {truth.knows for truth in found} == {frozenset({"amodal", "boxes"})}


def test_a_single_visible_mask_that_is_missing_is_refused(tmp_path: Path) -> None:
    path = changed(write_kins(tmp_path), lambda content: content["annotations"][1].pop("inmodal_seg"))
    with pytest.raises(InputError, match=r"annotations\[1\].inmodal_seg: is missing, expected a mask, as 1 other"):
        read_truth(path)


def test_fragments_without_area_are_no_error(tmp_path: Path) -> None:
    outline = [10.0, 20, 60, 20, 60, 50, 10, 50]

    def change(content: Content) -> None:
        content["annotations"][0]["a_segm"] = [[3, 4], outline, [5, 6, 7, 8]]

    car = read_truth(changed(write_kins(tmp_path, "2020"), change))[0].scene.instances[0]
    assert car.amodal.area == 50 * 30


def test_visible_masks_are_cut_at_the_whole_ones(tmp_path: Path) -> None:
    def change(content: Content) -> None:
        content["annotations"][1]["i_segm"] = [[38, 8, 58, 8, 58, 58, 38, 58]]

    person = read_truth(changed(write_kins(tmp_path, "2020"), change))[0].scene.instances[1]
    assert person.modal == person.amodal


def test_kins_without_category_names_uses_the_known_numbers(tmp_path: Path) -> None:
    path = changed(write_kins(tmp_path), lambda content: content.pop("categories"))
    assert [one.label for one in read_truth(path)[0].given] == ["car", "pedestrian"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["annotations"][1].update(id=1), r"annotations\[1\].id: is 1 again, expected unique ids"),
        (lambda c: c["images"][1].update(id=1), r"images\[1\].id: is 1 again, expected unique ids"),
        (lambda c: c["annotations"][0].update(image_id=9), r"annotations\[0\].image_id: is 9, expected an id"),
        (lambda c: c["annotations"][0].update(category_id=3), r"annotations\[0\].category_id: is 3, expected one of"),
        (lambda c: c["annotations"][2].update(i_segm=[[1, 2, 3]]), r"annotations\[2\].i_segm\[0\]: has 3 coordinates"),
        (lambda c: c["annotations"][2].update(a_bbox=[1, 2, 0, 3]), r"annotations\[2\].a_bbox: .* has no area"),
        (lambda c: c["annotations"][2].update(a_segm=[[200, 1, 210, 1, 210, 9]]), r"a_segm: covers no pixel"),
        (
            lambda c: c["annotations"][0].update(i_segm={"size": [10, 10], "counts": [100]}),
            r"annotations\[0\].i_segm: is 10 × 10 px .*expected 64 × 96 as its photo",
        ),
        (lambda c: c["annotations"][0].update(ico_id=-1), r"annotations\[0\].ico_id: is -1"),
        (lambda c: c["images"][0].pop("height"), r"images\[0\].height: is missing"),
    ],
)
def test_a_broken_kins_file_is_refused_by_file_and_field(
    change: Callable[[Content], object], message: str, tmp_path: Path
) -> None:
    path = changed(write_kins(tmp_path, "2020"), change)
    with pytest.raises(InputError, match=message) as error:
        read_truth(path)
    assert error.value.where == str(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Car 0 0 0 1 2 3", r"line 1: has 7 columns, expected 15"),
        ("Car 0 7 0 1 2 30 40 1 1 1 1 1 1 0", r"line 1, column 3: occluded: is 7"),
        ("Car 0 0 0 one 2 30 40 1 1 1 1 1 1 0", r"line 1, column 5: is 'one', expected a number"),
        ("Car 0 0 0 30 2 1 40 1 1 1 1 1 1 0", r"line 1: box: .* reversed corners"),
        ("Car 0 0 0 nan 2 1 40 1 1 1 1 1 1 0", r"line 1: box: .* expected finite numbers"),
    ],
)
def test_a_broken_kitti_label_is_refused_by_file_and_line(line: str, message: str, tmp_path: Path) -> None:
    folder = write_kitti(tmp_path / "kitti")
    (folder / "label_2" / "000001.txt").write_text(line)
    with pytest.raises(InputError, match=message) as error:
        read_truth(folder)
    assert error.value.where.endswith("000001.txt")


def test_a_kitti_label_without_its_photo_is_refused(tmp_path: Path) -> None:
    folder = write_kitti(tmp_path / "kitti")
    (folder / "image_2" / "000001.png").unlink()
    with pytest.raises(InputError, match=r"000001.txt: photo: no such file"):
        read_truth(folder)


def test_photos_are_found_where_they_are_said_to_be(tmp_path: Path) -> None:
    path = write_kins(tmp_path / "photos")
    moved = write_json(tmp_path / "elsewhere.json", json.loads(path.read_text()))
    for images in (tmp_path / "photos", tmp_path / "photos" / "testing" / "image_2"):
        assert all(truth.path is not None and truth.path.is_file() for truth in read_truth(moved, images=images))


def test_the_miniature_has_kins_class_numbers() -> None:
    from amodal.data.kins import CLASSES

    assert [CLASSES[number] for number in CLASS_IDS][:3] == ["cyclist", "pedestrian", "car"]
    assert (HEIGHT, WIDTH) == (64, 96)


def changed(path: Path, change: Callable[[Content], object]) -> Path:
    content = json.loads(path.read_text())
    change(content)
    return write_json(path, content)
