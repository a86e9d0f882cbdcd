"""ORCNN's third loss: of the hidden part, from the difference of the two masks."""

from __future__ import annotations

import math

import pytest
import torch

from amodal.errors import InputError
from amodal.networks.orcnn import OrCnn, hidden_loss
from amodal.networks.parts.sampling import Rois
from amodal.networks.parts.settings import TwoStage
from helpers.family_batch import nothing, seen_alone, two_rectangles

TARGET = two_rectangles()
ROIS = Rois(TARGET.boxes, TARGET.labels, torch.tensor([0, 1]))


def test_masks_that_agree_cost_log_2_on_every_cell() -> None:
    loss = hidden_loss(torch.zeros(2, 3, 28, 28), [ROIS], [TARGET])
    assert loss == pytest.approx(math.log(2))


def test_whole_minus_visible_large_just_where_the_object_is_hidden_costs_least() -> None:
    # In cells of 50/28 px the hidden part of the first object begins at (30, 10) px of its box.
    right = torch.zeros(2, 3, 28, 28)
    right[0, 1, 6:, 17:] = 3
    wrong = torch.zeros(2, 3, 28, 28)
    wrong[0, 1, :6, :17] = 3
    agreed = hidden_loss(torch.zeros(2, 3, 28, 28), [ROIS], [TARGET])
    assert hidden_loss(right, [ROIS], [TARGET]) < agreed < hidden_loss(wrong, [ROIS], [TARGET])


def test_other_classes_logits_do_not_count() -> None:
    logits = torch.zeros(2, 3, 28, 28)
    logits[0, 2], logits[1, 1], logits[:, 0] = 5, 5, 5
    assert hidden_loss(logits, [ROIS], [TARGET]) == pytest.approx(math.log(2))


def test_what_is_not_known_whole_is_left_out_of_the_hidden_loss() -> None:
    logits = torch.rand(2, 3, 28, 28, requires_grad=True)
    none = Rois(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64))
    loss = hidden_loss(logits, [ROIS, none], [seen_alone(), nothing()])
    loss.backward()
    assert loss == 0 and logits.grad is not None and not logits.grad.any()


def test_orcnn_without_one_of_its_masks_is_refused() -> None:
    with pytest.raises(InputError, match="orcnn compares them"):
        OrCnn(3, TwoStage(masks=("amodal",)), pretrained=False)
