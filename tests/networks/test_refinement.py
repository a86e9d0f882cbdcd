"""Refinement modules: twice the side, of both what is coded and what is seen."""

from __future__ import annotations

import torch
from torch.nn import functional

from amodal.networks.parts.refinement import Lateral, Refinement


def test_code_and_features_become_a_code_of_twice_the_side() -> None:
    torch.manual_seed(0)
    step = Refinement(code=6, skip=4, out=3)
    assert step(torch.randn(2, 6, 14, 14), torch.randn(2, 4, 14, 14)).shape == (2, 3, 28, 28)


def test_merging_is_the_sum_of_a_convolution_of_each() -> None:
    torch.manual_seed(0)
    step = Refinement(code=6, skip=4, out=3)
    code, skip = torch.randn(2, 6, 5, 5), torch.rand(2, 4, 5, 5)
    own = functional.relu(functional.conv2d(code, step.code.weight, step.code.bias, padding=1))
    parts = [functional.conv2d(own, step.merge.weight[:, :6], padding=1),
             functional.conv2d(skip, step.merge.weight[:, 6:], step.merge.bias, padding=1)]  # fmt: skip
    small = functional.relu(parts[0] + parts[1])
    twice = functional.interpolate(small, size=(10, 10), mode="bilinear", align_corners=False)
    torch.testing.assert_close(step(code, skip), twice)


def test_lateral_features_do_not_depend_on_how_large_a_stages_numbers_are() -> None:
    torch.manual_seed(0)
    lateral, features = Lateral(8, 4), torch.randn(2, 8, 6, 6)
    torch.testing.assert_close(lateral(features), lateral(100 * features), atol=1e-4, rtol=1e-4)
