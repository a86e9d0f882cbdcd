"""The two-stage networks as methods: masks land where their RoIs are, and inputs and files are checked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from amodal.errors import InputError
from amodal.rivals import bbtp, maskrcnn
from amodal.rivals.boxed import NetworkSegmenter, pasted
from amodal.rivals.rcnn import Rcnn, RcnnSize
from amodal.segmenter import Segmenter, load
from amodal.training.files import write_network

SIZE = RcnnSize(longest_px=96, channels=8, box_features=8)
CLASSES = ("car", "person")


@pytest.fixture(scope="module", params=["mask-rcnn", "bbtp"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of random weights, which is as good as any for what is tested here."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("networks") / f"{request.param}.safetensors"
    network = Rcnn(1 + len(CLASSES), SIZE, pretrained=False)
    described = {"name": request.param, "classes": list(CLASSES), "size": SIZE.__dict__}
    write_network(path, network, described)
    return path


@pytest.fixture(scope="module")
def method(model: Path) -> NetworkSegmenter:
    found = load(model, model.stem)
    assert isinstance(found, NetworkSegmenter) and isinstance(found, Segmenter)
    return found


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)


BOXES = np.array([[10.0, 10, 50, 80], [60, -20, 140, 60], [0.4, 0.2, 119.7, 89.9]])


def test_a_scene_keeps_its_promises_and_the_boxes_given(method: NetworkSegmenter, photo: np.ndarray) -> None:
    scene = method.segment(photo, BOXES, ["car", "person", None]).validate()
    assert [instance.box for instance in scene.instances] == [tuple(box) for box in BOXES.tolist()]
    assert [instance.label for instance in scene.instances][:2] == ["car", "person"]
    assert scene.instances[2].label in CLASSES
    assert not scene.exclusive and not scene.order.edges and scene.method == method.name


def test_whole_and_visible_mask_are_the_same_and_inside_the_box(method: NetworkSegmenter, photo: np.ndarray) -> None:
    for instance in method.segment(photo, BOXES, ["car"] * 3).instances:
        assert instance.modal == instance.amodal
        x0, y0, x1, y1 = instance.modal.box
        assert instance.modal.is_empty or (x0 >= np.floor(instance.box[0]) and y1 <= np.ceil(instance.box[3]))
        assert instance.modal.is_empty or (y0 >= np.floor(instance.box[1]) and x1 <= np.ceil(instance.box[2]))


def test_a_photo_is_segmented_alike_alone_and_among_others(method: NetworkSegmenter, photo: np.ndarray) -> None:
    other = photo[:60, ::-1].copy()
    together = method.segment_batch([other, photo], [BOXES[:1], BOXES], [None, ["car"] * 3])
    assert together[1] == method.segment(photo, BOXES, ["car"] * 3)


def test_masks_do_not_depend_on_the_order_of_boxes(method: NetworkSegmenter, photo: np.ndarray) -> None:
    forward = method.segment(photo, BOXES, ["car", "person", "car"]).instances
    backward = method.segment(photo, BOXES[::-1], ["car", "person", "car"]).instances
    pairs = zip(forward, reversed(backward), strict=True)
    assert all(a.modal == b.modal or a.modal.iou(b.modal) > 0.995 for a, b in pairs)


def test_no_boxes_give_an_empty_scene(method: NetworkSegmenter, photo: np.ndarray) -> None:
    assert len(method.segment(photo, [])) == 0


def test_a_strange_label_is_kept_and_told_of(method: NetworkSegmenter, photo: np.ndarray) -> None:
    scene = method.segment(photo, BOXES[:1], ["unicorn"])
    assert scene.instances[0].label == "unicorn"
    assert "label 'unicorn' is not one of the network's (car, person)" in scene.warnings[0]


def test_own_boxes_are_used_in_place_of_given_ones(method: NetworkSegmenter, photo: np.ndarray) -> None:
    own = replace(method, boxes="own", least_score=0.0, polish=None)
    scene = own.segment(photo, BOXES[:1], ["unicorn"]).validate()
    assert scene == own.segment(photo, []) and not scene.warnings
    assert all(instance.label in CLASSES and 0 <= instance.score <= 1 for instance in scene.instances)
    assert len(scene) > 0


def test_own_boxes_below_the_least_score_are_left_out(model: Path, photo: np.ndarray) -> None:
    assert len(load(model, model.stem, boxes="own", least_score=1.0).segment(photo, [])) == 0


def test_a_photo_without_finds_gives_an_empty_scene(method: NetworkSegmenter, photo: np.ndarray) -> None:
    sure_of_nothing = Rcnn(3, SIZE, pretrained=False)
    torch.nn.init.constant_(sure_of_nothing.boxes.box_predictor.cls_score.bias, 0.0)
    with torch.no_grad():
        sure_of_nothing.boxes.box_predictor.cls_score.bias[0] = 1000.0
    alone = replace(method, network=sure_of_nothing.eval(), boxes="own", least_score=0.0)
    assert len(alone.segment(photo, [])) == 0


@pytest.mark.parametrize(
    ("setting", "value"), [("boxes", "mine"), ("least_score", 1.5), ("least_score", float("nan")), ("rounds", 2)]
)
def test_a_setting_that_cannot_be_is_refused(model: Path, setting: str, value: object) -> None:
    with pytest.raises(InputError, match=setting):
        load(model, model.stem, **{setting: value})


def test_where_the_model_file_is_missing_the_method_says_how_to_get_one(model: Path) -> None:
    with pytest.raises(InputError, match=f"no such file, expected .* made by `amodal train {model.stem}`"):
        load(model.with_name("nowhere.safetensors"), model.stem)


def test_the_other_networks_file_is_refused(model: Path) -> None:
    other = "bbtp" if model.stem == "mask-rcnn" else "mask-rcnn"
    with pytest.raises(InputError, match=f"expected '{other}'"):
        load(model, other)


@pytest.mark.parametrize(
    "described",
    [
        {"classes": ["car"]},
        {"classes": 3, "size": {}},
        {"classes": [], "size": {}},
        {"classes": ["car"], "size": {"channels": 10**9}},
        {"classes": ["car"], "size": {"channels": "many"}},
        {"classes": ["car"], "size": {"colour": 3}},
        {"classes": ["car"], "size": {"frozen_blocks": -1}},
    ],
)
def test_a_file_that_garbles_its_description_is_refused(tmp_path: Path, described: dict[str, object]) -> None:
    head = {"format": "amodal-network", "version": "1", "network": json.dumps({"name": "bbtp", **described})}
    save_file({"weight": torch.zeros(1)}, tmp_path / "bad.safetensors", head)
    with pytest.raises(InputError):
        bbtp.load(tmp_path / "bad.safetensors")


def test_weights_stay_below_their_promised_size(tmp_path: Path) -> None:
    write_network(tmp_path / "full.safetensors", Rcnn(5, RcnnSize(), pretrained=False), {"name": "mask-rcnn"})
    assert (tmp_path / "full.safetensors").stat().st_size < 20e6
    assert all(
        tensor.dtype == torch.half
        for tensor in load_file(tmp_path / "full.safetensors").values()
        if tensor.is_floating_point() and tensor.ndim > 1
    )


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 6), st.integers(2, 6), st.integers(0, 2**31),
    st.floats(-6, 20), st.floats(-6, 20), st.floats(3, 25), st.floats(3, 25),
)  # fmt: skip
def test_pasting_interpolates_between_cells(
    rows: int, columns: int, seed: int, x: float, y: float, width: float, height: float
) -> None:
    chances = np.random.default_rng(seed).random((rows, columns)).astype(np.float32)
    box = (x, y, x + width, y + height)
    found = pasted(chances, box, box, 24, 24).to_dense()
    for row, column in np.ndindex(24, 24):
        if not (np.floor(x) <= column < np.ceil(x + width) and np.floor(y) <= row < np.ceil(y + height)):
            assert not found[row, column]
            continue
        # Bilinear interpolation at the pixel's centre, in a grid that is constant beyond its outer cells.
        u = min(max((column + 0.5 - x) / width * columns - 0.5, 0), columns - 1)
        v = min(max((row + 0.5 - y) / height * rows - 0.5, 0), rows - 1)
        left, top = min(int(u), columns - 2), min(int(v), rows - 2)
        a, b = u - left, v - top
        value = (1 - b) * ((1 - a) * chances[top, left] + a * chances[top, left + 1])
        value += b * ((1 - a) * chances[top + 1, left] + a * chances[top + 1, left + 1])
        if abs(value - 0.5) > 1e-5:
            assert found[row, column] == (value > 0.5)


def test_bbtp_takes_the_field_or_leaves_it(model: Path) -> None:
    if model.stem == "bbtp":
        assert bbtp.load(model, crf=False).polish is None and bbtp.load(model).polish is not None
    else:
        assert maskrcnn.load(model).polish is None
