"""Mask R-CNN and BBTP trained on the miniature: resumable to the bit, told apart by what they may see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from amodal.errors import InputError
from amodal.rivals.bbtp import BbtpTask
from amodal.rivals.maskrcnn import MaskRcnnTask
from amodal.rivals.rcnn import RcnnSize
from amodal.segmenter import METHODS, load
from amodal.training.loop import TrainConfig, train
from amodal.training.registry import NETWORKS, TrainingData, default_config, make_task
from amodal.training.sources import real_sample
from helpers.miniature import Miniature, with_rubbish_masks

SIZE = RcnnSize(longest_px=128, channels=16, box_features=16)
CONFIG = TrainConfig(steps=6, batch=2, keep_every=2)
CLASSES = ("car", "person")


def tiny_task(name: str, mini: Miniature) -> MaskRcnnTask | BbtpTask:
    whole: Any = make_task(name, TrainingData(mini.annotations, mini.images, mini.backgrounds, classes=CLASSES))
    kind = MaskRcnnTask if name == "mask-rcnn" else BbtpTask
    return kind(whole.pictures, CLASSES, SIZE)


@pytest.mark.parametrize("name", ["mask-rcnn", "bbtp"])
def test_an_interrupted_run_ends_with_the_bytes_of_an_undisturbed_one(
    mini: Miniature, tmp_path: Path, name: str
) -> None:
    whole = train(tiny_task(name, mini), CONFIG, tmp_path / "whole.safetensors")
    train(tiny_task(name, mini), CONFIG, tmp_path / "parts.safetensors", tmp_path / "work", stop_after=3)
    parts = train(tiny_task(name, mini), CONFIG, tmp_path / "parts.safetensors", tmp_path / "work")
    assert parts.path.read_bytes() == whole.path.read_bytes()


def test_masks_are_learned(mini: Miniature, tmp_path: Path) -> None:
    task = tiny_task("mask-rcnn", mini)
    train(task, TrainConfig(steps=60, batch=2, rate=5e-3), tmp_path / "m.safetensors")
    method = load(tmp_path / "m.safetensors", "mask-rcnn")
    learned, filled = [], []
    for photo in task.pictures.real.photos[:6]:
        scene = method.segment(real_sample(photo).photo, photo.boxes, photo.labels)
        for instance, true in zip(scene.instances, photo.masks or (), strict=True):
            box_area = (instance.box[2] - instance.box[0]) * (instance.box[3] - instance.box[1])
            learned.append(instance.modal.iou(true))
            filled.append(true.area / box_area)
    assert np.mean(learned) > np.mean(filled) + 0.03  # better than the whole box


def test_bbtp_needs_no_mask_in_the_file(mini: Miniature) -> None:
    rubbish = mini.variant("rubbish3", with_rubbish_masks(mini.content()))
    task = make_task("bbtp", TrainingData(rubbish, mini.images, classes=CLASSES))
    assert task.draw(0, np.random.default_rng(0)).targets.masks is None


def test_metadata_says_what_was_seen(mini: Miniature) -> None:
    said = {name: tiny_task(name, mini).metadata() for name in ("mask-rcnn", "bbtp")}
    assert "masks" in said["mask-rcnn"]["supervision"] and "masks" not in said["bbtp"]["supervision"]
    assert said["mask-rcnn"]["data"] == said["bbtp"]["data"] and said["bbtp"]["classes"] == list(CLASSES)


def test_every_network_is_a_method_and_has_defaults() -> None:
    assert NETWORKS.keys() <= METHODS.keys()
    assert all(default_config(name).steps > 0 for name in NETWORKS)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_every_network_comes_with_the_package(name: str) -> None:
    method = load("default", name)
    assert method.name == name and "car" in method.labels


def test_an_unknown_network_is_refused(mini: Miniature) -> None:
    with pytest.raises(InputError, match="found 'yolo', expected one of mask-rcnn, bbtp, pcnet-m"):
        make_task("yolo", TrainingData(mini.annotations, mini.images))
