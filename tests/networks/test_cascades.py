"""MNC, FCIS and AmodalMask as networks of the family: losses, gradients, shapes, one picture learned by heart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from amodal.errors import InputError
from amodal.networks.amodalmask import AmodalMask, AmodalMaskSettings
from amodal.networks.fcis import Fcis, FcisSettings
from amodal.networks.mnc import Mnc, MncSettings
from amodal.networks.parts.batch import AmodalNetwork, Found
from amodal.networks.parts.masks import mask_targets
from amodal.networks.parts.settings import TwoStage
from helpers.family_batch import batch_of, nothing, seen_alone, two_rectangles

SMALL: dict[str, Any] = {
    "backbone": "test_efficientnet",
    "frozen_stages": 0,
    "channels": 16,
    "box_features": 32,
    "proposals_kept": (40, 30),
    "proposals": 24,
    "foreground": 8,
}
SETTINGS: dict[type[nn.Module], TwoStage] = {
    Mnc: MncSettings(mask_features=32, **SMALL),
    Fcis: FcisSettings(score_features=16, **SMALL),
    AmodalMask: AmodalMaskSettings(code=32, **SMALL),
}
SIDES = {Mnc: 28, Fcis: 21, AmodalMask: 112}
NETWORKS = list(SETTINGS)


def network(kind: type[nn.Module], **settings: Any) -> Any:
    torch.manual_seed(0)
    return kind(4, replace(SETTINGS[kind], **settings), pretrained=False)


@pytest.mark.parametrize("kind", NETWORKS)
def test_gradients_reach_every_part_that_is_trained(kind: type[nn.Module]) -> None:
    own = network(kind)
    sum(own.losses(batch_of(two_rectangles(), two_rectangles(9))).values()).backward()
    trained = {name: part.grad for name, part in own.named_parameters() if part.requires_grad}
    assert not [name for name, gradient in trained.items() if gradient is None or not gradient.any()]


@pytest.mark.parametrize("kind", NETWORKS)
def test_losses_of_a_batch_are_the_means_of_its_pictures_losses(kind: type[nn.Module]) -> None:
    own = network(kind)
    targets = (two_rectangles(), nothing(), seen_alone())
    together = own.losses(batch_of(*targets))
    alone = [own.losses(batch_of(target, noise=number)) for number, target in enumerate(targets)]
    for name, loss in together.items():
        torch.testing.assert_close(loss, torch.stack([one[name] for one in alone]).mean(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", NETWORKS)
def test_of_objects_known_by_their_visible_part_no_whole_mask_is_learned(kind: type[nn.Module]) -> None:
    losses = network(kind).losses(batch_of(seen_alone()))
    for name, loss in losses.items():
        learned = "amodal" not in name and not name.startswith("box")
        assert loss.isfinite() and (learned or loss == 0), name


@pytest.mark.parametrize("kind", NETWORKS)
def test_found_objects_lie_in_the_picture_and_have_both_masks(kind: type[nn.Module]) -> None:
    own = network(kind, least_score=0.0).eval()
    with torch.inference_mode():
        found = own.find(batch_of(two_rectangles(), nothing()).images)
    assert isinstance(own, AmodalNetwork) and len(found) == 2
    for one in found:
        count = len(one.boxes)
        assert 0 < count <= 100 and one.occluded is None
        assert one.amodal.shape == one.inmodal.shape == (count, SIDES[kind], SIDES[kind])
        assert one.frames.shape == (count, 4) and ((one.labels >= 1) & (one.labels <= 3)).all()
        assert (one.boxes >= 0).all() and (one.boxes[:, 2] <= 128).all() and (one.boxes[:, 3] <= 96).all()
        assert (one.scores.diff() <= 0).all()
        assert one.amodal.amin() >= 0 and one.amodal.amax() <= 1


@pytest.mark.parametrize("kind", NETWORKS)
def test_given_boxes_keep_their_sequence_and_given_labels_are_kept(kind: type[nn.Module]) -> None:
    own = network(kind).eval()
    target = two_rectangles()
    with torch.inference_mode():
        images = batch_of(target, nothing()).images
        found, none = own.look(images, [target.boxes, torch.zeros(0, 4)], [torch.tensor([3, 0]), torch.zeros(0).long()])
    assert torch.equal(found.boxes, target.boxes) and found.labels[0] == 3 and 1 <= found.labels[1] <= 3
    assert found.amodal.shape == (2, SIDES[kind], SIDES[kind]) and len(none.boxes) == 0


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("only", ["amodal", "inmodal"])
def test_with_one_kind_of_mask_the_other_repeats_it(kind: type[nn.Module], only: str) -> None:
    own = network(kind, masks=(only,)).eval()
    target = two_rectangles()
    assert {name for name in own.losses(batch_of(target)) if name.startswith("mask")} <= {
        f"mask_{only}{number}" for number in ("", "_1", "_2")
    }
    with torch.inference_mode():
        found: Found = own.look(batch_of(target).images, [target.boxes], [target.labels])[0]
    assert torch.equal(found.amodal, found.inmodal)


@pytest.mark.parametrize(("kind", "steps"), [(Mnc, 60), (Fcis, 80), (AmodalMask, 40)])
def test_one_picture_is_learned_by_heart(kind: type[nn.Module], steps: int) -> None:
    own = network(kind, proposals=16, foreground=4)
    target = two_rectangles()
    optimizer = torch.optim.Adam(own.parameters(), 3e-3)
    for step in range(steps):
        optimizer.zero_grad()
        sum(own.losses(batch_of(two_rectangles(seed=step))).values()).backward()
        optimizer.step()
    with torch.inference_mode():
        found = own.eval().look(batch_of(target).images, [target.boxes], [torch.zeros(2).long()])[0]
    assert found.labels.tolist() == target.labels.tolist()
    for grids, masks in ((found.amodal, target.amodal), (found.inmodal, target.inmodal)):
        expected = mask_targets(masks, found.frames, torch.tensor([0, 1]), grids.shape[-1]) > 0.5
        both, either = ((grids > 0.5) & expected).flatten(1).sum(1), ((grids > 0.5) | expected).flatten(1).sum(1)
        assert (both / either).mean() > 0.8


def test_the_second_pass_of_mnc_moves_the_first_ones_boxes() -> None:
    weights = {}
    for gradient in (True, False):
        own = network(Mnc, box_gradient=gradient)
        losses = own.losses(batch_of(two_rectangles()))
        (losses["mask_amodal_2"] + losses["class_2"]).backward()
        weights[gradient] = own.class_stage.predictor.shifts.weight.grad
    assert weights[True].any() and weights[False] is None


def test_masks_of_mnc_learn_from_what_is_named_under_them() -> None:
    own = network(Mnc, passes=1)
    own.losses(batch_of(two_rectangles()))["class_1"].backward()
    assert own.mask_stage.masks["amodal"].weight.grad.any()
    assert own.mask_stage.masks["inmodal"].weight.grad is None


def test_fcis_has_no_weights_that_see_one_roi_alone() -> None:
    own = network(Fcis)
    shapes = [part.ndim for name, part in own.maps.named_parameters() if name.endswith("weight")]
    assert shapes == [4] * 4 and not [one for one in own.modules() if isinstance(one, nn.Linear)]


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [(MncSettings, {"map_stride": 12}), (MncSettings, {"passes": 0}), (FcisSettings, {"cells": 0}),
     (AmodalMaskSettings, {"code": 12}), (AmodalMaskSettings, {"smallest_window_px": 1})],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(kind: type[TwoStage], wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        kind(**wrong)
