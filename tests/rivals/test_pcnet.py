"""PCNet-M: what it is taught with, that it can learn, and the method around it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import amodal
from amodal.errors import InputError
from amodal.features.backbone import lite0_state
from amodal.masks import CropMask
from amodal.rivals import completer, pcnet
from amodal.rivals.completer import Completer
from amodal.rivals.pcnet import Exercise, PCNetM, PCNetTask
from amodal.training.loop import TrainConfig, train
from amodal.training.sources import PhotoDraw, Pictures, Sample, SourcePhoto
from helpers.stub_segmenter import StubSegmenter

HEIGHT, WIDTH = 96, 128


def ellipse(x: float, y: float, across: float, down: float) -> CropMask:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    return CropMask.from_dense(((rows - y) / down) ** 2 + ((columns - x) / across) ** 2 < 1)


MASKS = (ellipse(40, 50, 22, 30), ellipse(90, 40, 25, 18))


@dataclass(frozen=True, eq=False)
class DrawnPictures(Pictures):
    """Noise, with ellipses that are said to be cars."""

    def __call__(self, rng: np.random.Generator) -> Sample:
        photo = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        return Sample(photo, np.array([mask.box for mask in MASKS], float), ("car", "car"), MASKS, None, True)


def pictures(masks: tuple[CropMask, ...] | None = MASKS) -> Pictures:
    boxes = np.array([mask.box for mask in MASKS], float)
    photo = SourcePhoto(Path("none.jpg"), (1, 2), boxes, ("car", "car"), masks, (True, True), True)
    return DrawnPictures(PhotoDraw([photo]), None)


@pytest.fixture(scope="module")
def task() -> PCNetTask:
    return PCNetTask(pictures(), size=64)


@pytest.fixture(scope="module")
def exercises(task: PCNetTask) -> list[Exercise]:
    return [one for index in range(60) for one in task.draw(index, np.random.default_rng([0, index]))]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    task = PCNetTask(pictures(), size=64, pretrained=False)
    train(task, TrainConfig(steps=1, batch=1, half=False), tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


def photo() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def test_the_same_chance_draws_the_same_exercise(task: PCNetTask) -> None:
    first, second = (task.draw(0, np.random.default_rng(4)) for _ in range(2))
    assert all(np.array_equal(a.patch, b.patch) for a, b in zip(first, second, strict=True))


def test_what_is_visible_belongs_to_the_target(exercises: list[Exercise]) -> None:
    for exercise in exercises:
        assert (exercise.target[exercise.patch[3] > 0.9] > 0.5).all()  # resampled apart, so not to the last bit


def test_in_most_exercises_the_eraser_hides_a_part_and_in_the_others_none(exercises: list[Exercise]) -> None:
    hidden = [float(((e.target > 0.99) & (e.patch[4] > 0.99)).sum()) for e in exercises]
    grows = np.mean([pixels > 0 for pixels in hidden])
    assert 0.65 < grows < 0.92  # `GROWS` of 120


def test_whole_objects_outside_the_eraser_stay_visible(exercises: list[Exercise]) -> None:
    for exercise in exercises:
        outside = (exercise.target > 0.99) & (exercise.patch[4] == 0)
        assert (exercise.patch[3][outside] > 0.9).all()


def test_photos_without_masks_are_refused() -> None:
    with pytest.raises(InputError, match="pcnet-m: photos: hold 0 visible masks"):
        PCNetTask(pictures(masks=None))


def test_masks_enter_beside_the_image_with_no_weight_at_first() -> None:
    stem = next(parameter for parameter in PCNetM().backbone.parameters() if parameter.shape[1] == 5)
    assert torch.equal(stem[:, :3], next(iter(lite0_state().values())))
    assert not stem[:, 3:].any()


def test_statistics_of_the_backbone_stay_while_training() -> None:
    module = PCNetM(pretrained=False).train()
    before = {name: tensor.clone() for name, tensor in module.backbone.state_dict().items()}
    module(torch.rand(2, 5, 64, 64))
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.backbone.state_dict().items())


def test_loss_counts_more_inside_the_eraser(task: PCNetTask) -> None:
    patches, targets = torch.zeros(1, 5, 64, 64), torch.zeros(1, 64, 64)
    patches[:, 4, :32] = 1
    inside, outside = torch.full((1, 64, 64), -9.0), torch.full((1, 64, 64), -9.0)
    inside[:, :32], outside[:, 32:] = 9.0, 9.0
    wrong_inside, wrong_outside = (
        task.loss(partial(_always, logits), (patches, targets))["mask"]  # type: ignore[arg-type]
        for logits in (inside, outside)
    )
    assert float(wrong_inside / wrong_outside) == pytest.approx(pcnet.INSIDE, rel=0.01)


def _always(logits: torch.Tensor, _patches: torch.Tensor) -> torch.Tensor:
    return logits


def test_it_learns_to_fill_ellipses(tmp_path: Path) -> None:
    task = PCNetTask(pictures(), size=32)
    trained = train(task, TrainConfig(steps=16, batch=3, rate=4e-3, half=False), tmp_path / "ellipses.safetensors")
    losses = [point["mask"] for point in trained.curve]
    assert np.mean(losses[-4:]) < 0.75 * np.mean(losses[:3])


def test_model_file_names_its_data_and_is_read_back(model: Path) -> None:
    found = amodal.load(model, "pcnet-m")
    assert isinstance(found, Completer)
    assert (found.name, found.model_name, found.size) == ("pcnet-m", "tiny", 64)


def test_a_scene_keeps_its_promises_and_what_was_given(model: Path) -> None:
    front = ellipse(60, 60, 30, 20)
    visible = [MASKS[0] - front, front, MASKS[1] - front, CropMask.empty(HEIGHT, WIDTH)]
    (scene,) = _loaded(model).complete_batch([photo()], [visible], [["car", "bus", None, "van"]], ids=[[9, 4, 7, 1]])
    scene.validate()
    assert [(i.id, i.label) for i in scene.instances] == [(9, "car"), (4, "bus"), (7, "object"), (1, "van")]
    assert [i.modal for i in scene.instances] == visible
    assert all(i.box == tuple(map(float, i.amodal.box)) for i in scene.instances[:3])
    assert scene.instances[3].amodal.is_empty
    assert scene.exclusive


def test_photos_together_or_apart_give_the_same_masks(model: Path) -> None:
    front = ellipse(60, 60, 30, 20)
    visible = [[MASKS[0] - front, front], [MASKS[1] - front, front, MASKS[0] - front]]
    photos = [photo(), photo()[::-1].copy()]
    together = _loaded(model).complete_batch(photos, visible)
    apart = [_loaded(model).complete_batch([one], [masks])[0] for one, masks in zip(photos, visible, strict=True)]
    for first, second in zip(together, apart, strict=True):
        assert all(a.amodal.iou(b.amodal) > 0.995 for a, b in zip(first.instances, second.instances, strict=True))


def test_from_boxes_another_method_finds_the_visible_masks(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completer, "load_method", lambda *_, **__: StubSegmenter())
    boxes = np.array([[5.0, 5.0, 60.0, 60.0], [30.0, 20.0, 100.0, 90.0]])
    scene = _loaded(model).segment(photo(), boxes, ["car", "person"], boxes_are="visible").validate()
    seen = StubSegmenter().segment(photo(), boxes)
    assert [i.modal for i in scene.instances] == [i.modal for i in seen.instances]
    assert [i.box for i in scene.instances] == [tuple(row) for row in boxes.tolist()]
    assert ([i.label for i in scene.instances], scene.boxes_are) == (["car", "person"], "visible")


def test_masks_that_overlap_make_a_scene_that_is_not_exclusive(model: Path) -> None:
    (scene,) = _loaded(model).complete_batch([photo()], [[MASKS[0], ellipse(45, 50, 20, 20)]])
    assert not scene.validate().exclusive


SQUARE = CropMask.from_dense(np.ones((8, 8), bool))
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another_size": ({"visible": [[MASKS[0], SQUARE]]}, "photo 0: visible mask 1: is 8 × 8 px"),
    "photos_without_masks": ({"visible": []}, "visible: are for 0 photos, expected 1"),
    "labels_missing": ({"visible": [list(MASKS)], "labels": [["car"]]}, "photo 0: labels: are 1 for 2 masks"),
    "ids_twice": ({"visible": [list(MASKS)], "ids": [[3, 3]]}, "photo 0: object 3: found twice"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_completed_is_refused_by_name(model: Path, case: str) -> None:
    arguments, message = WRONG[case]
    with pytest.raises(InputError, match=message):
        _loaded(model).complete_batch([photo()], **arguments)


def test_visible_masks_cannot_come_from_itself(model: Path) -> None:
    with pytest.raises(InputError, match="visible_from: found 'pcnet-m'"):
        amodal.load(model, "pcnet-m", visible_from="pcnet-m")


def _loaded(model: Path) -> Completer:
    return completer.load(model)
