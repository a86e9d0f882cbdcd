"""The family in the training loop: settings and presets, resuming, fine-tuning, and what is seen meanwhile."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from amodal.errors import InputError
from amodal.networks.files import read_member
from amodal.networks.parts.settings import TwoStage
from amodal.networks.plans import KINS_CLASSES, Choices, family_config, family_task, settings_of
from amodal.networks.settings_text import with_settings
from amodal.networks.task import as_family_batch
from amodal.networks.watching import Validation, read_validation
from amodal.training.config import TrainConfig
from amodal.training.loop import train
from amodal.training.truths import Variation
from helpers.family_task import NAME, SMALL, task_on
from helpers.kins_miniature import make_kins_miniature

CONFIG = TrainConfig(steps=3, batch=4, half=False, optimiser="sgd", rate=0.01, warm_up=0.0)


@pytest.fixture(scope="module")
def kins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_kins_miniature(tmp_path_factory.mktemp("kins"))


def test_a_batch_holds_what_its_pictures_know(kins: Path) -> None:
    task = task_on(kins)
    pictures = [task.pictures.draw(index, Variation(64, 128), np.random.default_rng(index)) for index in range(3)]
    batch = as_family_batch(pictures)
    assert all(side % 32 == 0 for side in batch.images.tensors.shape[2:])
    for picture, target, (height, width) in zip(pictures, batch.targets, batch.images.image_sizes, strict=True):
        assert target.amodal.shape == (len(target.boxes), height, width) == picture.amodal.shape
        assert target.seed == picture.seed and target.labels.min() >= 1
        assert bool((target.inmodal <= target.amodal).all()) and bool(target.whole.all())


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("channels=96", "channels", 96),
        ("masks=amodal", "masks", ("amodal",)),
        ("masks=amodal,inmodal", "masks", ("amodal", "inmodal")),
        ("masks=('inmodal',)", "masks", ("inmodal",)),
        ("ratios=(1,2)", "ratios", (1.0, 2.0)),
        ("overlap=1", "overlap", 1.0),
        ("pyramid_norm=false", "pyramid_norm", False),
        ("backbone=resnet50", "backbone", "resnet50"),
        ("proposals_kept=(20, 10)", "proposals_kept", (20, 10)),
    ],
)
def test_settings_are_read_as_their_kind(text: str, name: str, value: object) -> None:
    assert getattr(with_settings(TwoStage(), [text]), name) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("channels", "expected name=value"),
        ("chanels=9", "no setting 'chanels', expected one of backbone, frozen_stages"),
        ("channels=many", "found 'many', expected int"),
        ("channels=9.5", "found '9.5', expected int"),
        ("channels=true", "found 'true', expected int"),
        ("masks=modal", "found 'modal'"),
        ("proposals_kept=(1,2,3)", "found '(1,2,3)'"),
        ("channels=20", "expected a multiple of 8"),
        ("channels=" + "(" * 1000, "expected int"),
    ],
)
def test_settings_that_cannot_be_are_refused(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        with_settings(TwoStage(), [text])
    assert said in str(refused.value)


def test_the_preset_kins_is_the_published_schedule() -> None:
    config, settings = family_config("kins"), settings_of(NAME, "kins")
    assert (config.batch, config.steps, config.rate, config.drops) == (8, 24_000, 0.02, (20_000, 22_000))
    assert config.optimiser == "sgd" and settings.backbone == "resnet50"
    assert (settings.proposals, settings.foreground) == (512, 128) and len(KINS_CLASSES) == 7


def test_a_shorter_run_drops_its_rate_in_proportion() -> None:
    assert family_config("kins", 240).drops == (200, 220)


def test_a_stopped_run_in_parts_goes_on_to_the_same_bytes(kins: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, accumulate=2, batch=2)
    whole = train(task_on(kins), config, tmp_path / "whole.safetensors")
    train(task_on(kins), config, tmp_path / "cut.safetensors", tmp_path / "work", stop_after=1)
    cut = train(task_on(kins), config, tmp_path / "cut.safetensors", tmp_path / "work")
    assert cut.path.read_bytes() == whole.path.read_bytes()
    fine_tuned_from(whole.path, kins)


def fine_tuned_from(path: Path, kins: Path) -> None:
    """What fits is taken, another kind of branch begins anew; the file reads as a member of the family."""
    told: list[str] = []
    same = replace(task_on(kins, path), say=told.append).build().state_dict()
    kept = read_member(path, NAME).network.state_dict()  # type: ignore[attr-defined]
    assert all(torch.equal(same[name], kept[name]) for name in kept)
    assert "0 tensors begin anew" in told[0]
    other = replace(task_on(kins, path, (*SMALL, "box_features=64")), say=told.append)
    other.build()
    assert "box_head" in told[1] and other.metadata()["start"] == task_on(kins, path).metadata()["start"]
    with pytest.raises(InputError, match=r"is 'amodal-mask-rcnn', expected 'orcnn'"):
        family_task("orcnn", Choices((kins,), start=path))
    with pytest.raises(InputError, match="tensors fit, expected a network of like settings"):
        task_on(kins, path, ("channels=32", "backbone=resnet18", "shortest_px=64")).build()


def test_validation_measures_and_draws(kins: Path, tmp_path: Path) -> None:
    task = task_on(kins)
    truths = read_validation(kins, None, "test", ("car",), most=2)
    assert len(truths) == 2 and all(one.label == "car" for truth in truths for one in truth.scored)
    # Photos of two folders may have the same name.
    again = tmp_path / "again" / f"{truths[0].path.stem}.png"
    again.parent.mkdir()
    shutil.copy(truths[0].path, again)
    truths = (truths[0], replace(truths[1], path=again, scene=replace(truths[1].scene, image=f"again/{again.name}")))
    watch = Validation(NAME, task.pictures.classes, task.settings, truths, every=1, drawn=2)
    done = train(task, replace(CONFIG, steps=1, batch=1), tmp_path / "m.safetensors", watch=watch)
    numbers = done.watched[0]
    assert set(numbers) == {"step", "det_ap", "amodal_ap", "inmodal_ap", "amodal_iou", "modal_iou", "hidden_iou"}
    assert 0 < (numbers["amodal_iou"] or 0) <= 100
    assert len(list((tmp_path / "m.watch" / "step_000001").glob("*.jpg"))) == 2
