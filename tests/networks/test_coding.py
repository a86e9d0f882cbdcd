"""Multi-Level Coding: its four parts, what they cost, and what passes through them."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest
import torch
from torch import Tensor, nn

from amodal.networks.parts.coding import CodingParts, Join, MultiLevelCoding, Place

CONVOLUTION = 9  # taps


def maps(side: int, channels: int = 8) -> Tensor:
    return torch.rand(3, channels, side, side, generator=torch.Generator().manual_seed(side))


def weights(module: nn.Module) -> int:
    return sum(parameter.numel() for name, parameter in module.named_parameters() if name.endswith("weight"))


@pytest.mark.parametrize(
    "parts",
    [
        CodingParts(a, plain, b, c, plain, d)
        for a, b, c, d in product(get_args(Join), get_args(Place), get_args(Join), get_args(Place))
        for plain in (0, 1, 3)
    ],
)
def test_in_every_form_the_mask_branch_gets_back_what_it_gave_in_shape(parts: CodingParts) -> None:
    coding = MultiLevelCoding(8, parts)
    known = coding.extract(maps(7), maps(7) + 1)
    assert known.shape == (3, 8, 14, 14)
    assert coding.combine(known, maps(14)).shape == (3, 8, 14, 14)


@pytest.mark.parametrize(
    ("parts", "extraction", "combination"),
    [
        (CodingParts(), 2 + 1 + 1, 4 + 4 + 2),
        (CodingParts(global_join="add"), 1 + 1 + 1, 4 + 4 + 2),
        (CodingParts(extraction_special="last"), 4 + 4 + 2, 4 + 4 + 2),
        (CodingParts(extraction_plain=1), 2 + 1, 4 + 4 + 2),
        (CodingParts(extraction_plain=3), 2 + 1 + 1 + 1, 4 + 4 + 2),
        (CodingParts(mask_join="add"), 2 + 1 + 1, 1 + 1 + 1),
        (CodingParts(combination_special="first"), 2 + 1 + 1, 2 + 1 + 1),
        (CodingParts(combination_plain=1), 2 + 1 + 1, 4 + 2),
        (CodingParts(combination_plain=3), 2 + 1 + 1, 4 + 4 + 4 + 2),
    ],
)
def test_each_row_of_table_7_has_the_layers_it_names(parts: CodingParts, extraction: int, combination: int) -> None:
    coding = MultiLevelCoding(16, parts)
    unit = CONVOLUTION * 16**2
    assert (weights(coding.extraction), weights(coding.combination)) == (extraction * unit, combination * unit)


def test_box_occlusion_and_mask_features_all_reach_what_the_mask_branch_goes_on_with() -> None:
    torch.manual_seed(0)
    given = [maps(7).requires_grad_(), (maps(7) + 1).requires_grad_(), maps(14).requires_grad_()]
    coding = MultiLevelCoding(8, CodingParts())
    coding.combine(coding.extract(given[0], given[1]), given[2]).sum().backward()
    assert all(one.grad is not None and one.grad.abs().sum() > 0 for one in given)


def test_fresh_layers_pass_on_about_as_much_as_they_are_given() -> None:
    torch.manual_seed(0)
    coding = MultiLevelCoding(64, CodingParts())
    known = coding.extract(maps(7, 64), maps(7, 64))
    merged = coding.combine(known, maps(14, 64))
    for one in (known, merged):
        assert 0.2 < one.square().mean() / maps(14, 64).square().mean() < 5
