"""Which RoIs count as occluded, and what the branch pays for being wrong about it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from amodal.networks.parts.occlusion import occluded, occlusion_loss
from amodal.networks.parts.sampling import Rois
from helpers.family_batch import nothing, seen_alone, two_rectangles

# The first object is hidden to 32 %, the second one not at all; the last RoI is background.
TARGET = two_rectangles()
ROIS = Rois(TARGET.boxes[[0, 1, 0, 0]], torch.tensor([1, 2, 1, 0]), torch.tensor([0, 1, 0, 0]))


@pytest.mark.parametrize(("threshold", "expected"), [(0.0, True), (0.05, True), (0.31, True), (0.33, False)])
def test_a_roi_is_occluded_if_more_than_the_threshold_of_its_object_is_hidden(threshold: float, expected: bool) -> None:
    positive, known = occluded(ROIS, TARGET, threshold)
    assert positive.tolist() == [expected, False, expected, False] and known.all()


def test_nothing_is_known_of_objects_whose_visible_part_alone_is_annotated() -> None:
    _, known = occluded(ROIS, replace(TARGET, whole=torch.tensor([False, True])), 0.05)
    assert known.tolist() == [False, True, False, True]


def test_the_loss_is_a_weighted_cross_entropy_meaned_over_pictures() -> None:
    logits = torch.tensor([1.5, -0.3, -2.0, 0.7])
    two_classes = torch.stack([torch.zeros(4), logits], 1)
    wanted, weight = torch.tensor([1, 0, 1, 0]), torch.tensor([1.0, 8.0])
    alone = functional.cross_entropy(two_classes, wanted, weight)
    assert occlusion_loss(logits, [ROIS], [TARGET], 0.05, 8) == pytest.approx(alone.item())
    background = Rois(ROIS.boxes[:1], torch.tensor([0]), torch.tensor([0]))
    beside = functional.softplus(torch.tensor(0.4))
    both = occlusion_loss(torch.cat([logits, torch.tensor([0.4])]), [ROIS, background], [TARGET, nothing()], 0.05, 8)
    assert both == pytest.approx(((alone + beside) / 2).item())


def test_a_picture_of_which_nothing_is_known_costs_nothing() -> None:
    logits = torch.ones(3, requires_grad=True)
    loss = occlusion_loss(logits, [ROIS.on_objects()], [seen_alone()], 0.05, 8)
    loss.backward()
    assert loss == 0 and logits.grad is not None and not logits.grad.any()


def test_a_picture_without_any_roi_costs_nothing() -> None:
    none = Rois(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64))
    assert occlusion_loss(torch.zeros(0), [none], [nothing()], 0.05, 8) == 0
