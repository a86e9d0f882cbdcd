from __future__ import annotations

import contextlib
import copy
import io
import json
import math
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO

from amodal.data.boxes import read_boxes
from amodal.data.results import read_scenes, write_scenes
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import Instance, OrderEdge, OrderGraph, Posterior, Scene

COORDINATES = st.floats(-1e6, 1e6, allow_nan=False)
LABELS = st.text(max_size=5)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[float, float, float, float]:
    x0, x1 = sorted(draw(st.tuples(COORDINATES, COORDINATES).filter(lambda pair: pair[0] != pair[1])))
    y0, y1 = sorted(draw(st.tuples(COORDINATES, COORDINATES).filter(lambda pair: pair[0] != pair[1])))
    return x0, y0, x1, y1


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    height, width = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    ids = draw(st.lists(st.integers(-5, 10**12), max_size=4, unique=True))
    exclusive = draw(st.booleans())
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    owner = chance.integers(-1, max(len(ids), 1), (height, width))
    instances = []
    for number, id in enumerate(ids):
        modal = owner == number if exclusive else chance.random((height, width)) < 0.5
        amodal = modal | (chance.random((height, width)) < chance.choice([0.0, 0.5, 1.0]))
        claimed = CropMask.from_dense(modal | (owner == 0)) if draw(st.booleans()) else None
        instances.append(
            Instance(
                id=id,
                label=draw(LABELS),
                box=draw(boxes()),
                score=draw(st.floats(allow_nan=False, allow_infinity=False)),
                modal=CropMask.from_dense(modal),
                amodal=CropMask.from_dense(amodal),
                claimed=claimed,
                meta=draw(st.dictionaries(st.text(), JSON_VALUES, max_size=2)),
            )
        )
    pairs = [(a, b) for number, a in enumerate(ids) for b in ids[number + 1 :]]
    chosen = [pair for pair in pairs if draw(st.booleans())]
    return Scene(
        height=height,
        width=width,
        instances=tuple(instances),
        order=OrderGraph(tuple(OrderEdge(*pair, draw(st.floats(0, 1))) for pair in chosen)),
        boxes_are=draw(st.sampled_from(["amodal", "visible"])),
        image=draw(st.none() | st.text()),
        method=draw(LABELS),
        model=draw(LABELS),
        exclusive=exclusive,
        warnings=tuple(draw(st.lists(st.text(), max_size=2))),
    )


def square(size: int, height: int = 8, width: int = 10) -> CropMask:
    return CropMask.from_crop(np.ones((size, size), bool), 1, 2, height, width)


def a_scene() -> Scene:
    front = Instance(4, "car", (1, 2, 4, 5), 0.75, square(3), square(3), claimed=square(4))
    behind = Instance(9, "bus", (1, 2, 6, 7), 0.5, square(5).subtract(square(3)), square(5))
    order = OrderGraph((OrderEdge(4, 9, 0.8),))
    return Scene(8, 10, (front, behind), order, image="a.jpg", method="orm", model="default", warnings=("dark",))


def as_json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@given(st.lists(scenes(), max_size=3))
@settings(max_examples=100, deadline=None)
def test_scenes_come_back_as_they_were_written(written: list[Scene]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scenes.json"
        write_scenes(written, path)
        read = read_scenes(path)
        assert read == written
        first = path.read_bytes()
        write_scenes(read, path)
        assert path.read_bytes() == first


@given(st.lists(scenes(), min_size=1, max_size=2))
@settings(max_examples=50, deadline=None)
def test_a_plain_coco_reader_sees_the_amodal_objects(written: list[Scene]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scenes.json"
        write_scenes(written, path)
        with contextlib.redirect_stdout(io.StringIO()):
            coco = COCO(str(path))
    for image_id, scene in zip(coco.getImgIds(), written, strict=True):
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=[image_id]))
        for annotation, instance in zip(annotations, scene.instances, strict=True):
            np.testing.assert_array_equal(coco.annToMask(annotation), instance.amodal.to_dense())
            assert coco.cats[annotation["category_id"]]["name"] == instance.label
            assert annotation["area"] == instance.amodal.area


def test_fields_are_those_of_the_design(tmp_path: Path) -> None:
    write_scenes([a_scene()], tmp_path / "a.json")
    content = as_json(tmp_path / "a.json")
    assert (content["schema_version"], content["boxes_are"], content["model"], content["method"]) == (
        1,
        "amodal",
        "default",
        "orm",
    )
    behind = content["annotations"][1]
    assert behind["bbox"] == [1, 2, 5, 5]
    assert behind["visible_bbox"] == [1, 2, 5, 5]
    assert behind["occlusion"] == 9 / 25
    assert behind["score"] == 0.5
    assert behind["instance_id"] == 9
    assert "claimed_segmentation" not in behind
    assert content["order"] == [{"image_id": 1, "front": 1, "behind": 2, "probability": 0.8}]
    assert content["images"][0]["warnings"] == ["dark"]


def test_annotation_ids_are_unique_over_the_file(tmp_path: Path) -> None:
    write_scenes([a_scene(), a_scene()], tmp_path / "a.json")
    content = as_json(tmp_path / "a.json")
    assert [annotation["id"] for annotation in content["annotations"]] == [1, 2, 3, 4]
    assert [(edge["front"], edge["behind"]) for edge in content["order"]] == [(1, 2), (3, 4)]


def test_scenes_of_different_methods_share_a_file(tmp_path: Path) -> None:
    written = [a_scene(), replace(a_scene(), method="compnet", model="", boxes_are="visible")]
    write_scenes(written, tmp_path / "a.json")
    assert read_scenes(tmp_path / "a.json") == written


def test_empty_list_of_scenes_and_empty_scene_are_valid(tmp_path: Path) -> None:
    for written in ([], [Scene(5, 6)]):
        write_scenes(written, tmp_path / "a.json")
        assert read_scenes(tmp_path / "a.json") == written


def test_posterior_maps_are_not_stored(tmp_path: Path) -> None:
    scene = a_scene()
    maps = np.full((3, 2, 2), 1 / 3, np.float32)
    with_maps = replace(scene.instances[0], posterior=Posterior((0, 0, 4, 4), maps))
    write_scenes([scene.with_instances([with_maps, scene.instances[1]])], tmp_path / "a.json")
    assert read_scenes(tmp_path / "a.json") == [scene]


def test_box_that_width_and_height_cannot_say_is_kept_to_the_last_bit(tmp_path: Path) -> None:
    box = (-1e6, 0.1, 0.1, 0.3)
    assert box[0] + (box[2] - box[0]) != box[2]
    scene = a_scene()
    write_scenes([scene.with_instances([replace(scene.instances[0], box=box), scene.instances[1]])], tmp_path / "a")
    assert read_scenes(tmp_path / "a")[0].instances[0].box == box


def test_bbox_moved_by_hand_overrules_the_exact_box(tmp_path: Path) -> None:
    scene = a_scene()
    moved = replace(scene.instances[0], box=(-1e6, 0.1, 0.1, 0.3))
    write_scenes([scene.with_instances([moved, scene.instances[1]])], tmp_path / "a.json")
    content = as_json(tmp_path / "a.json")
    content["annotations"][0]["bbox"] = [1, 2, 3, 4]
    (tmp_path / "a.json").write_text(json.dumps(content))
    assert read_scenes(tmp_path / "a.json")[0].instances[0].box == (1, 2, 4, 6)


def test_our_file_serves_as_a_box_file(tmp_path: Path) -> None:
    write_scenes([replace(a_scene(), boxes_are="visible")], tmp_path / "a.json")
    (photo,) = read_boxes(tmp_path / "a.json", ["a.jpg"])
    assert photo.boxes.tolist() == [list(instance.box) for instance in a_scene().instances]
    assert (photo.labels, photo.boxes_are) == (("car", "bus"), "visible")


def test_numpy_values_in_meta_become_plain(tmp_path: Path) -> None:
    scene = a_scene()
    noted = replace(scene.instances[0], meta={"depth": np.float64(2.5), "rows": np.arange(2)})
    write_scenes([scene.with_instances([noted, scene.instances[1]])], tmp_path / "a.json")
    assert read_scenes(tmp_path / "a.json")[0].instances[0].meta == {"depth": 2.5, "rows": [0, 1]}


@pytest.mark.parametrize("value", [object(), math.nan, {1, 2}])
def test_meta_that_is_not_json_is_refused_and_the_old_file_stays(tmp_path: Path, value: Any) -> None:
    (tmp_path / "a.json").write_text("old")
    scene = a_scene()
    noted = replace(scene.instances[0], meta={"thing": value})
    with pytest.raises(InputError, match=r"a\.json: meta: is not JSON"):
        write_scenes([scene.with_instances([noted, scene.instances[1]])], tmp_path / "a.json")
    assert (tmp_path / "a.json").read_text() == "old"


def test_scene_that_breaks_its_promises_is_not_written(tmp_path: Path) -> None:
    scene = a_scene()
    both_visible = replace(scene.instances[1], modal=square(5))
    with pytest.raises(InputError, match="visible in both"):
        write_scenes([scene.with_instances([scene.instances[0], both_visible])], tmp_path / "a.json")
    assert not (tmp_path / "a.json").exists()


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (["schema_version"], 2, "schema_version: is 2, expected 1"),
        (["schema_version"], "1", "schema_version: is a string"),
        (["schema_version"], None, "file: has no schema_version"),
        (["boxes_are"], "whole", "boxes_are: is 'whole'"),
        (["images"], {}, "images: is an object, expected a list"),
        (["images", 0, "width"], 0, r"images\[0\]\.width: is 0"),
        (["images", 0, "width"], 11, r"segmentation: is 8 × 10 px .* expected 8 × 11"),
        (["images", 0, "exclusive"], "no", r"images\[0\]\.exclusive: is 'no'"),
        (["images", 0, "warnings"], "dark", r"images\[0\]\.warnings: is a string, expected a list"),
        (["annotations", 0, "image_id"], 2, r"annotations\[0\]\.image_id: is 2"),
        (["annotations", 0, "id"], 2, r"annotations\[1\]\.id: is 2 again"),
        (["annotations", 0, "instance_id"], 9, r"images\[0\]: object 9: found twice"),
        (["annotations", 0, "category_id"], 3, r"annotations\[0\]\.category_id: is 3"),
        (["annotations", 0, "score"], math.nan, r"annotations\[0\]\.score: is nan"),
        (["annotations", 0, "bbox"], [1, 2, 3], r"annotations\[0\]\.bbox: has 3 numbers"),
        (["annotations", 0, "bbox"], [1, 2, 0, 3], r"images\[0\]: object 4: box"),
        (["annotations", 0, "segmentation", "counts"], "0", r"annotations\[0\]\.segmentation: counts"),
        (
            ["annotations", 0, "visible_segmentation"],
            None,
            r"annotations\[0\]\.visible_segmentation: is null",
        ),
        (
            ["annotations", 0, "claimed_segmentation"],
            3,
            r"annotations\[0\]\.claimed_segmentation: is a number",
        ),
        (["annotations", 0, "meta"], 3, r"annotations\[0\]\.meta: is a number, expected an object"),
        (["order", 0, "front"], 7, r"order\[0\]\.front: is 7"),
        (["order", 0, "front"], 2, r"images\[0\]: order 9 -> 9"),
        (["order", 0, "probability"], 1.5, r"images\[0\]: order 4 -> 9: .*1\.5"),
        (["order"], None, "order: is null, expected a list"),
    ],
)
def test_broken_file_is_refused_naming_file_and_field(
    tmp_path: Path, place: list[Any], value: Any, problem: str
) -> None:
    path = tmp_path / "a.json"
    write_scenes([a_scene()], path)
    content = copy.deepcopy(as_json(path))
    target = content
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"a\.json: .*{problem}"):
        read_scenes(path)


def test_visible_pixels_outside_the_whole_object_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_scenes([a_scene()], path)
    content = as_json(path)
    content["annotations"][0]["visible_segmentation"] = square(4).to_coco_rle()
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"a\.json: images\[0\]: object 4: modal: 7 pixels outside amodal"):
        read_scenes(path)
