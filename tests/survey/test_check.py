"""Every kind of broken annotation, made from a sound file: found, named, mended, and nothing else touched."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amodal.data.fields import Field
from amodal.data.results import write_scenes
from amodal.data.truth import read_truth
from amodal.masks import CropMask
from amodal.scene import Instance, Scene
from amodal.survey.check import CheckSettings, check, check_parsed
from amodal.survey.crossings import first_crossing
from amodal.survey.findings import Findings
from amodal.survey.repair import REMOVED, repaired, taken_out, write_repaired
from helpers.amodal_files import HEIGHT, WIDTH, write_cocoa, write_kins

Content = dict[str, Any]
Spoil = Callable[[Content], None]
BAD = 3  # the annotation that is spoilt: the car of the second photo


@pytest.fixture(scope="module", params=["2019", "2020"])
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def sound(layout: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Content]:
    path = write_kins(tmp_path_factory.mktemp("kins"), layout)
    return path, json.loads(path.read_text())


def field(layout: str, name: str) -> str:
    return {
        "2019": {"whole": "segmentation", "seen": "inmodal_seg", "box": "bbox", "area": "area"},
        "2020": {"whole": "a_segm", "seen": "i_segm", "box": "a_bbox", "area": "a_area"},
    }[layout][name]


def spoilt(content: Content, change: Callable[[Content], None]) -> tuple[Content, Findings]:
    content = copy.deepcopy(content)
    change(content["annotations"][BAD - 1])
    return content, examined(content)


def examined(content: Content) -> Findings:
    return check_parsed(Field("kins.json", None, "", copy.deepcopy(content)), CheckSettings())


def kinds(findings: Findings) -> set[tuple[str, int | str | None]]:
    return {(one.kind, one.annotation) for one in findings.problems}


def test_a_sound_file_has_no_problem(sound: tuple[Path, Content]) -> None:
    assert check(sound[0]).problems == ()


OUTLINE = [20.0, 24, 70, 24, 70, 52, 20, 52]


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("whole", [[20, 24, 70, 24]], "polygon of fewer than 3 points"),
        ("whole", [OUTLINE[:-1]], "odd coordinates"),
        ("whole", [[20, float("nan"), *OUTLINE]], "NaN in a polygon"),
        ("whole", [[20, float("inf"), *OUTLINE]], "NaN in a polygon"),
        ("whole", [["20", 24, *OUTLINE]], "NaN in a polygon"),
        ("whole", [[20, 24, 70, 52, 70, 24, 20, 50]], "polygon crosses itself"),
        ("whole", OUTLINE, "flat polygon"),
        ("whole", [], "empty mask"),
        ("whole", [[200, 200, 300, 200, 300, 300]], "empty mask"),
        ("whole", [[0, 0, 1e12, 0, 1e12, 10]], "polygon far outside"),
        ("whole", [7, [1, 2, 3, 4, 5, 6]], "polygon of no numbers"),
        ("whole", "text", "mask missing"),
        ("whole", None, "mask missing"),
        ("whole", {"size": [HEIGHT, WIDTH], "counts": "zz"}, "broken RLE"),
        ("whole", {"size": [HEIGHT, WIDTH]}, "broken RLE"),
        ("whole", {"size": [WIDTH, WIDTH], "counts": [0, WIDTH * WIDTH]}, "RLE of wrong size"),
        ("seen", {"size": [HEIGHT - 1, WIDTH], "counts": [0, (HEIGHT - 1) * WIDTH]}, "RLE of wrong size"),
        ("seen", [[0, 0, 96, 0, 96, 64, 0, 64]], "modal outside amodal"),
        ("seen", [], "nothing visible"),
        ("box", None, "broken box"),
        ("box", [1, 2, 3], "broken box"),
        ("box", [20, 24, float("nan"), 28], "broken box"),
        ("box", [20, 24, -5, 28], "broken box"),
        ("box", [20, 24, 20, 28], "box is not the mask's"),
        ("area", 7, "area is not the mask's"),
        ("area", float("nan"), "area is not the mask's"),
    ],
)
def test_a_broken_mask_box_or_area_is_found(
    sound: tuple[Path, Content], layout: str, name: str, value: object, kind: str
) -> None:
    _, findings = spoilt(sound[1], lambda one: one.update({field(layout, name): value}))
    assert (kind, BAD) in kinds(findings)
    assert {one.annotation for one in findings.problems} == {BAD}
    assert all(f"annotations[{BAD - 1}]" in one.field and one.photo == "000001.png" for one in findings.problems)


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("image_id", 77, "photo unknown"),
        ("image_id", None, "photo unknown"),
        ("category_id", 30, "class unknown"),
        ("category_id", "car", "class unknown"),
        ("id", 1, "annotation id twice"),
        ("id", None, "annotation without id"),
        ("id", 1.5, "annotation without id"),
    ],
)
def test_a_broken_reference_is_found(sound: tuple[Path, Content], key: str, value: object, kind: str) -> None:
    _, findings = spoilt(sound[1], lambda one: one.update({key: value}))
    assert kind in findings.kinds


def test_all_are_found_not_only_the_first(sound: tuple[Path, Content], layout: str) -> None:
    content = copy.deepcopy(sound[1])
    for annotation in content["annotations"]:
        annotation[field(layout, "whole")] = [[1, 2, 3, 4, 5]]
    content["images"][0]["width"] = "wide"
    content["categories"].append(None)
    findings = examined(content)
    assert {1, 2, 3, 4, 5} - {1, 2} <= {one.annotation for one in findings.problems if one.kind == "odd coordinates"}
    assert {"photo without size", "no object"} <= set(findings.kinds)


@pytest.mark.parametrize("key", ["images", "annotations", "categories"])
@pytest.mark.parametrize("value", [[], None, 3])
def test_missing_and_empty_lists_are_found(sound: tuple[Path, Content], key: str, value: object) -> None:
    findings = examined({**sound[1], key: value})
    assert findings.problems
    assert any(one.field == key for one in findings.problems)


@pytest.mark.parametrize("value", [None, [], 3, "text", {}])
def test_a_file_of_anything_else_is_a_problem_not_a_crash(value: object) -> None:
    assert check_parsed(Field("x.json", None, "", value), CheckSettings()).broken


def test_shifted_ids_are_recognised_and_moved_back(sound: tuple[Path, Content]) -> None:
    content = copy.deepcopy(sound[1])
    for annotation in content["annotations"]:
        annotation["category_id"] += 1  # 3 and 5; 2 and 4 are the pedestrian and the car
    content["categories"] = [one for one in content["categories"] if one["id"] in (2, 4)]
    findings = examined(content)
    assert set(findings.kinds) == {"class ids shifted"}
    assert [one["category_id"] for one in repaired(content, findings)["annotations"]] == [4, 2, 4, 2, 2]


def test_one_wrong_id_does_not_move_the_others(sound: tuple[Path, Content]) -> None:
    _, findings = spoilt(sound[1], lambda one: one.update(category_id=9))
    assert set(findings.kinds) == {"class unknown"}


def test_classes_counted_without_a_gap_are_recognised(sound: tuple[Path, Content]) -> None:
    content = copy.deepcopy(sound[1])
    for number, entry in enumerate(content["categories"], start=1):
        entry["id"] = number  # misc becomes 7; in KINS it is 8
    content["annotations"][0]["category_id"] = 8
    findings = examined(content)
    assert set(findings.kinds) == {"class ids shifted"}
    assert repaired(content, findings)["categories"] == sound[1]["categories"]
    content["annotations"][0]["category_id"] = 3
    assert {one.kind: one.severity for one in examined(content).problems} == {"class ids are not KINS's": "doubtful"}


def test_photos_missing_twice_or_of_another_size_are_found(sound: tuple[Path, Content], tmp_path: Path) -> None:
    write_kins(tmp_path)
    content = copy.deepcopy(sound[1])
    content["images"][0]["height"] = 65
    content["images"].append({**content["images"][1], "id": 9, "file_name": "000009.png"})
    content["images"].append({**content["images"][1], "id": 2, "file_name": "000001.png"})
    findings = check_parsed(Field("kins.json", None, "", content), CheckSettings(images=tmp_path))
    assert {"photo of another size", "photo missing", "photo twice", "photo id twice"} <= set(findings.kinds)


def test_photos_are_not_missed_where_nobody_said_where_they_are(sound: tuple[Path, Content]) -> None:
    assert not examined(sound[1]).problems


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({1: {"ico_id": 0}}, "order: equal numbers"),
        ({1: {"oco_id": 8}}, "order: clusters apart"),
        ({5: {"oco_id": 0}}, "order: cluster in pieces"),
        ({1: {"ico_id": 0}, 2: {"ico_id": 1}}, "order: masks disagree"),
        ({5: {"ico_id": 4}}, "order: nothing in front"),
        ({1: {"ico_id": 3}}, "order: number left out"),
        ({1: {"ico_id": -1}}, "order: no number"),
        ({1: {"ico_id": "1"}}, "order: no number"),
    ],
)
def test_numbers_that_contradict_are_found_and_made_anew(
    tmp_path: Path, changes: dict[int, dict[str, Any]], kind: str
) -> None:
    content = json.loads(write_kins(tmp_path, "2020").read_text())
    right = {one["id"]: (one["oco_id"], one["ico_id"]) for one in content["annotations"]}
    for number, change in changes.items():
        content["annotations"][number - 1].update(change)
    findings = examined(content)
    assert kind in findings.kinds
    found = {one["id"]: (one["oco_id"], one["ico_id"]) for one in repaired(content, findings)["annotations"]}
    assert found == right


def test_equal_places_in_a_photo_are_found_in_cocoa(tmp_path: Path) -> None:
    path = write_cocoa(tmp_path)
    content = json.loads(path.read_text())
    content["annotations"][0]["order"] = content["annotations"][1]["order"]
    findings = examined(content)
    assert set(findings.kinds) == {"order: equal numbers"}
    assert not examined(repaired(content, findings)).problems


def test_a_repaired_file_is_read_and_what_was_sound_stays(
    sound: tuple[Path, Content], layout: str, tmp_path: Path
) -> None:
    content = copy.deepcopy(sound[1])
    content["info"] = {"note": "kept", "odd": float("nan")}
    content["annotations"][0][field(layout, "whole")] = [[float("nan")] * 6]
    content["annotations"][1]["area_by_hand"] = 7
    content["annotations"][2]["id"] = 2
    path = tmp_path / "spoilt.json"
    path.write_text(json.dumps(content))
    before = path.read_bytes()
    root = Field(str(path), None, "", json.loads(path.read_text()))
    findings = check_parsed(root, CheckSettings())
    write_repaired(root, findings, tmp_path / "mended.json")
    mended = json.loads((tmp_path / "mended.json").read_text())
    assert path.read_bytes() == before
    assert not check(tmp_path / "mended.json").broken
    assert mended["annotations"][0] == content["annotations"][1]
    assert mended["annotations"][1]["id"] == 6
    assert mended["info"]["note"] == "kept"
    assert mended[REMOVED][0]["place"] == "annotations[0]"
    assert sum(len(truth.scene) for truth in read_truth(tmp_path / "mended.json")) == 4


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_is_put_anywhere_is_survived_and_mended(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not _SOUND:
        _SOUND.update(json.loads(write_kins(tmp_path_factory.mktemp("kins"), "2020").read_text()))
    content = copy.deepcopy(_SOUND)
    junk = st.sampled_from([None, -1, 2.5, 10**40, float("nan"), "x", [], [[]], [None], {}, [1, 2, 3, 4], True])
    for _ in range(data.draw(st.integers(1, 4))):
        key = data.draw(st.sampled_from(["images", "annotations", "categories"]))
        entry = data.draw(st.integers(0, len(content[key]) - 1))
        if not isinstance(content[key][entry], dict):
            continue
        name = data.draw(st.sampled_from([*sorted(content[key][entry]), ""]))
        if name:
            content[key][entry][name] = data.draw(junk)
        else:
            content[key][entry] = data.draw(junk)
    findings = examined(content)
    mended = repaired(content, findings)
    named = {one.field.partition("]")[0] for one in findings.problems}
    for number, one in enumerate(content["annotations"]):
        if f"annotations[{number}" not in named and not findings.kinds.keys() & {"class ids shifted"}:
            orders = ("oco_id", "ico_id")
            rest = [{k: v for k, v in kept.items() if k not in orders} for kept in mended["annotations"] if kept]
            assert {k: v for k, v in one.items() if k not in orders} in rest
    again = examined(mended)
    photo_trouble = any(one.field.startswith(("images", "categories")) for one in findings.problems)
    assert photo_trouble or not [one for one in again.problems if one.severity == "broken"]


_SOUND: Content = {}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=3, max_size=9))
def test_crossings_are_what_exact_arithmetic_finds(points: list[tuple[int, int]]) -> None:
    def turn(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        return (area > 0) - (area < 0)

    sides = [(point, points[(k + 1) % len(points)]) for k, point in enumerate(points)]
    expected = [
        (i, j)
        for i, (a, b) in enumerate(sides)
        for j, (c, d) in enumerate(sides)
        if i < j and turn(a, b, c) * turn(a, b, d) < 0 and turn(c, d, a) * turn(c, d, b) < 0
    ]
    assert first_crossing(np.array(points, float)) == (expected[0] if expected else None)


def test_a_crossing_is_found_among_thousands_of_corners() -> None:
    angle = np.linspace(0, 2 * np.pi, 800, endpoint=False)
    round_one = np.stack((np.cos(angle), np.sin(angle)), axis=1) * 100
    assert first_crossing(round_one) is None
    round_one[[600, 601]] = round_one[[601, 600]]
    assert first_crossing(round_one) == (599, 601)


def test_a_hole_cut_open_does_not_cross() -> None:
    mask = np.ones((9, 9), bool)
    mask[3:5, 4:6] = False
    outline = CropMask.from_dense(mask).to_polygons()[0]
    assert first_crossing(np.array(outline).reshape(-1, 2)) is None


def test_a_turned_size_is_swapped_where_the_box_says_so(sound: tuple[Path, Content], layout: str) -> None:
    mask = CropMask.from_box((20, 24, 70, 52), HEIGHT, WIDTH)
    encoded = {"size": [WIDTH, HEIGHT], "counts": mask.to_coco_rle()["counts"]}
    content, findings = spoilt(sound[1], lambda one: one.update({field(layout, "whole"): encoded}))
    assert findings.problems[0].mended == "swapped"
    assert repaired(content, findings)["annotations"][BAD - 1][field(layout, "whole")] == mask.to_coco_rle()


def test_an_object_of_our_file_may_have_claimed_nothing(tmp_path: Path) -> None:
    empty = CropMask.empty(HEIGHT, WIDTH)
    whole = CropMask.from_box((2, 2, 20, 20), HEIGHT, WIDTH)
    scene = Scene(HEIGHT, WIDTH, (Instance(4, "car", (2, 2, 20, 20), 1.0, whole, whole, claimed=empty),))
    write_scenes([scene], tmp_path / "scenes.json")
    assert not check(tmp_path / "scenes.json").problems


def test_what_only_the_reader_knows_of_is_found_too(tmp_path: Path) -> None:
    write_scenes([Scene(HEIGHT, WIDTH)], tmp_path / "scenes.json")
    content = json.loads((tmp_path / "scenes.json").read_text())
    whole = CropMask.from_box((2, 2, 20, 20), HEIGHT, WIDTH).to_coco_rle()
    content["categories"] = [{"id": 1, "name": "car"}]
    content["annotations"] = [
        {
            "id": 1,
            "image_id": 1,
            "instance_id": 1,
            "category_id": 1,
            "bbox": [2, 2, 18, 18],
            "segmentation": whole,
            "visible_segmentation": whole,
            "score": 1,
            "meta": 3,
        }
    ]
    assert [one.kind for one in examined(content).problems] == ["refused by the reader"]


def test_regions_of_several_annotators_of_a_photo_are_ordered_apart(tmp_path: Path) -> None:
    outline = [2.0, 2, 20, 2, 20, 20, 2, 20]
    shifted = [value + 4 for value in outline]
    regions = [
        {"segmentation": outline, "order": 1, "name": "a", "isStuff": 0},
        {"segmentation": shifted, "order": 2, "name": "b", "isStuff": 0},
    ]
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}],
        "annotations": [{"id": k, "image_id": 1, "regions": copy.deepcopy(regions)} for k in (1, 2)],
    }
    assert not examined(content).problems
    content["annotations"][1]["regions"][1].update(order=1, segmentation=shifted[:-1])
    assert kinds(examined(content)) == {("odd coordinates", "2, region 1"), ("empty mask", "2, region 1")}
    content["annotations"][0]["image_id"] = 9
    assert len(repaired(content, examined(content))["annotations"]) == 1


@pytest.mark.parametrize("side", ["width", "height"])
def test_the_side_that_a_photo_lacks_is_named(sound: tuple[Path, Content], side: str) -> None:
    content = copy.deepcopy(sound[1])
    del content["images"][0][side]
    findings = examined(content)
    assert [(one.field, one.found) for one in findings.problems if one.kind == "photo without size"] == [
        (f"images[0].{side}", "is missing")
    ]


@pytest.mark.parametrize(("rest", "severity"), [([], "broken"), ([OUTLINE], "doubtful")])
def test_two_points_are_broken_where_they_are_all_there_is(
    sound: tuple[Path, Content], layout: str, rest: list[object], severity: str
) -> None:
    _, findings = spoilt(sound[1], lambda one: one.update({field(layout, "whole"): [[20, 24, 70, 24], *rest]}))
    found = next(one for one in findings.problems if one.kind == "polygon of fewer than 3 points")
    assert found.severity == severity
    assert found.field.endswith(f".{field(layout, 'whole')}[0]")


def test_what_a_repair_takes_out_is_called_by_its_id(sound: tuple[Path, Content], layout: str) -> None:
    content, findings = spoilt(sound[1], lambda one: one.update({field(layout, "whole"): [[20, 24, 70, 24]]}))
    assert taken_out(content, findings) == [str(BAD)]
