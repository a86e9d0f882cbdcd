"""The family as methods: masks land where they belong, scenes keep their promises, files are checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.models.detection.image_list import ImageList

from amodal.errors import InputError
from amodal.methods.masks import mask_reasoner
from amodal.networks.files import Loaded, read_member
from amodal.networks.occluded import Occlusion
from amodal.networks.parts.batch import Found
from amodal.networks.parts.settings import TwoStage
from amodal.networks.registry import FAMILY
from amodal.networks.segmenter import FamilySegmenter
from amodal.segmenter import Segmenter, load
from helpers.family import CLASSES, save_network

BOXES = np.array([[10.0, 10, 50, 80], [60, -20, 140, 60], [0.4, 0.2, 119.7, 89.9]])


class Knowing:
    """A network that knows the masks of its photo, given at the photo's own size."""

    def __init__(self, whole: np.ndarray, seen: np.ndarray, boxes: np.ndarray, scores: list[float]) -> None:
        self.whole, self.seen, self.boxes, self.scores = whole, seen, boxes, scores
        self.asked: list[tuple[Tensor, Tensor]] = []

    def find(self, images: ImageList) -> list[Found]:
        height, width = images.image_sizes[0]
        scale = np.tile([width / self.whole.shape[2], height / self.whole.shape[1]], 2)
        boxes = torch.from_numpy((self.boxes * scale).astype(np.float32))
        return [self._found(boxes, torch.ones(len(boxes), dtype=torch.int64))]

    def look(self, images: ImageList, boxes: list[Tensor], labels: list[Tensor]) -> list[Found]:
        self.asked.append((boxes[0], labels[0]))
        return [self._found(boxes[0], torch.where(labels[0] > 0, labels[0], 2))]

    def _found(self, boxes: Tensor, labels: Tensor) -> Found:
        whole, seen = (
            torch.from_numpy(np.stack([_grid(mask, box) for mask, box in zip(masks, self.boxes, strict=True)]))
            for masks in (self.whole, self.seen)
        )
        return Found(boxes, labels, torch.tensor(self.scores), boxes, whole, seen)

    def losses(self, batch: object) -> dict[str, Tensor]:
        raise NotImplementedError


def _grid(mask: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The mask inside its box, sampled as a 28 × 28 grid."""
    x0, y0, x1, y1 = box
    x = (x0 + (np.arange(28) + 0.5) / 28 * (x1 - x0) - 0.5).astype(np.float32)
    y = (y0 + (np.arange(28) + 0.5) / 28 * (y1 - y0) - 0.5).astype(np.float32)
    return cv2.remap(mask.astype(np.float32), *np.meshgrid(x, y), cv2.INTER_LINEAR)


def _knowing(**more: object) -> tuple[FamilySegmenter, Knowing, np.ndarray, np.ndarray]:
    """Two discs in a photo of 90 × 160, the second partly behind the first, and a double of the first."""
    rows, columns = np.mgrid[:90, :160]
    front = (rows - 55) ** 2 + (columns - 60) ** 2 < 28**2
    behind = (rows - 45) ** 2 + (columns - 90) ** 2 < 28**2
    whole = np.stack([front, behind, front])
    seen = np.stack([front, behind & ~front, front])
    boxes = np.array([[33, 28, 88, 83], [63, 18, 118, 73], [33, 28, 88, 84.0]])
    network = Knowing(whole, seen, boxes, [0.9, 0.8, 0.6])
    settings = TwoStage(shortest_px=45, longest_px=200)
    loaded = Loaded("asn", network, CLASSES, settings, None, {})  # type: ignore[arg-type]
    made = FamilySegmenter(loaded, "model", "own", 0.5, mask_reasoner("owners"))
    return replace(made, **more), network, whole, seen  # type: ignore[arg-type]


PHOTO = np.zeros((90, 160, 3), np.uint8)


def test_own_objects_come_back_in_the_photos_pixels_with_order_and_one_owner_per_pixel() -> None:
    segmenter, network, whole, seen = _knowing()
    scene = segmenter.segment(PHOTO, np.zeros((0, 4))).validate()
    assert scene.exclusive and scene.boxes_are == "amodal" and len(scene) == 2  # the double is gone
    for one, box, mask, visible in zip(scene.instances, network.boxes, whole, seen, strict=False):
        np.testing.assert_allclose(one.box, box, atol=1e-4)
        for found, true in ((one.amodal.to_dense(), mask), (one.modal.to_dense(), visible)):
            assert (found & true).sum() / (found | true).sum() > 0.93
    assert scene.order.in_front_of(0, 1)


def test_without_reasoning_masks_stay_and_doubles_too() -> None:
    segmenter, _, _, _ = _knowing(reasoner=mask_reasoner("none"))
    scene = segmenter.segment(PHOTO, np.zeros((0, 4))).validate()
    assert len(scene) == 3 and not scene.exclusive and not scene.order.edges


def test_objects_below_the_least_score_are_left_out() -> None:
    segmenter, _, _, _ = _knowing(least_score=0.85)
    assert [one.score for one in segmenter.segment(PHOTO, np.zeros((0, 4))).instances] == [pytest.approx(0.9)]


def test_an_object_of_which_much_is_hidden_is_probably_occluded() -> None:
    segmenter, _, _, _ = _knowing()
    front, behind = segmenter.segment(PHOTO, np.zeros((0, 4))).instances
    assert front.meta["occluded"] < 0.05 and behind.meta["occluded"] > 0.8


def test_calibration_of_the_file_is_applied() -> None:
    segmenter, _, _, _ = _knowing()
    told = replace(segmenter, loaded=replace(segmenter.loaded, occlusion=Occlusion(0.0, 0.0)))
    assert {one.meta["occluded"] for one in told.segment(PHOTO, np.zeros((0, 4))).instances} == {0.5}


def test_given_boxes_are_kept_and_cut_at_the_frame_for_the_network() -> None:
    segmenter, network, _, _ = _knowing(boxes="given")
    boxes = [[33, 28, 88, 83], [-40, -30, 118, 73], [33, 28, 300, 200]]
    scene = segmenter.segment(PHOTO, boxes, ["car", None, "tram"]).validate()
    assert [one.box for one in scene.instances] == [tuple(map(float, box)) for box in boxes]
    assert [one.label for one in scene.instances] == ["car", "person", "tram"]
    assert "label 'tram' is not one of the network's (car, person)" in scene.warnings[0]
    asked, labels = network.asked[0]
    assert asked.tolist() == [[16.5, 14, 44, 41.5], [0, 0, 59, 36.5], [16.5, 14, 80, 45]]
    assert labels.tolist() == [1, 0, 0]


def test_no_boxes_is_an_empty_scene_and_no_pass() -> None:
    segmenter, network, _, _ = _knowing(boxes="given")
    assert len(segmenter.segment(PHOTO, np.zeros((0, 4)))) == 0 and not network.asked


NAMES = ("amodal-mask-rcnn", "asn")


@pytest.fixture(scope="module", params=NAMES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_network(tmp_path_factory.mktemp("networks") / f"{request.param}.safetensors", request.param, sure=True)


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", FAMILY)
def test_every_network_makes_scenes_that_keep_their_promises(tmp_path: Path, photo: np.ndarray, name: str) -> None:
    model = save_network(tmp_path / "model.safetensors", name, sure=True)
    for boxes in ("given", "own"):
        method = load(model, name, boxes=boxes, least_score=0.0)
        assert isinstance(method, Segmenter) and method.labels == CLASSES
        scene = method.segment(photo, BOXES, ["car", "person", None]).validate()
        assert len(scene) and scene.method == name
        assert all(0 <= one.meta["occluded"] <= 1 for one in scene.instances)


def test_a_photo_is_segmented_alike_alone_and_among_others(model: Path, photo: np.ndarray) -> None:
    method = load(model, model.stem)
    other = photo[:60, ::-1].copy()
    together = method.segment_batch([other, photo], [BOXES[:1], BOXES], [None, ["car"] * 3])
    assert together[1] == method.segment(photo, BOXES, ["car"] * 3)


def test_maps_are_kept_on_request(model: Path, photo: np.ndarray) -> None:
    scene = load(model, model.stem, keep_posteriors=True).segment(photo, BOXES[:1])
    assert scene.instances[0].posterior is not None


def test_the_detector_method_takes_any_network_of_the_family(model: Path, photo: np.ndarray) -> None:
    assert load(model, "detector").segment(photo, BOXES[:1]).method == model.stem


def test_settings_survive_the_way_through_the_file(model: Path) -> None:
    settings = read_member(model).settings
    assert settings.channels == 8 and settings.proposals_kept == (20, 12)
    assert isinstance(settings.anchors[1], tuple)


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("boxes", "mine", "boxes: found 'mine', expected 'given' or 'own'"),
        ("least_score", 1.5, "least_score: found 1.5, expected 0 to 1"),
        ("reasoning", "x", "reasoning: found 'x', expected one of none, order, owners"),
        ("order_cues", "smell", "order_cues: found 'smell'"),
    ],
)
def test_settings_that_cannot_be_are_an_error(model: Path, setting: str, value: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load(model, model.stem, **{setting: value})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"settings": {"channels": 8, "colour": 3}}, "settings: colour: is unknown"),
        ({"settings": [1]}, r"settings: is \[1\], expected an object"),
        ({"settings": {"channels": "many"}}, "settings: cannot be used"),
        ({"classes": []}, "classes: is"),
        ({"occlusion": {"scale": "x"}}, "occlusion: is"),
        ({"classes": ["car"]}, "has shape"),
    ],
)
def test_a_file_that_describes_another_network_is_an_error(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    path = save_network(tmp_path / "broken.safetensors", **change)
    with pytest.raises(InputError, match=said):
        read_member(path)


def test_a_file_of_another_network_is_refused_clearly(model: Path) -> None:
    with pytest.raises(InputError, match=f"name: is '{model.stem}', expected 'panet'"):
        load(model, "panet")


def test_a_truncated_file_is_an_error(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    path.write_bytes(model.read_bytes()[:5000])
    with pytest.raises(InputError, match="is not a whole safetensors file"):
        load(path, "detector")
