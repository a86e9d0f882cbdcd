"""Mask branches: what is merged in and what is fused, and where."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from amodal.networks.parts.branches import Branch, MaskBranch


def pooled(levels: int = 1) -> list[Tensor]:
    chance = torch.Generator().manual_seed(2)
    return [torch.rand(3, 8, 14, 14, generator=chance) for _ in range(levels)]


@pytest.fixture(autouse=True)
def _same_weights() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("levels", [1, 4])
@pytest.mark.parametrize("fused", [False, True])
def test_a_mask_branch_gives_28_by_28_logits_of_every_class(levels: int, fused: bool) -> None:
    assert MaskBranch(8, 5, levels, fused=fused)(pooled(levels)).shape == (3, 5, 28, 28)


def test_the_fused_map_is_added_to_every_class_alike() -> None:
    branch = MaskBranch(8, 5, 1, fused=True)
    fusion = branch.fusion
    assert fusion is not None
    branch.fusion = None
    local = branch(pooled())
    branch.fusion = fusion
    added = branch(pooled()) - local
    assert added.abs().max() > 0
    torch.testing.assert_close(added, added[:, :1].expand_as(added), atol=1e-5, rtol=0)


def test_the_fused_map_is_seen_after_the_third_convolution() -> None:
    branch = MaskBranch(8, 5, 1, fused=True)
    torch.nn.init.zeros_(branch.logits.weight)  # the fused map alone is left
    branch(pooled()).square().sum().backward()
    third, fourth = branch.rest[1].weight.grad, branch.rest[2].weight.grad
    assert isinstance(third, Tensor) and third.abs().sum() > 0
    assert isinstance(fourth, Tensor) and fourth.abs().sum() == 0


@pytest.mark.parametrize("after", range(5))
@pytest.mark.parametrize("levels", [1, 4])
def test_what_is_merged_in_replaces_the_map_after_so_many_convolutions(after: int, levels: int) -> None:
    branch = MaskBranch(8, 5, levels, fused=False)
    changed = branch(pooled(levels), lambda features: features * 0 + 1, after)
    branch(pooled(levels), lambda features: features * 0 + 1, after).sum().backward()
    reached = [bool(layer.weight.grad.any()) for layer in branch.rest]  # type: ignore[union-attr]
    assert reached == [number + 1 >= after for number in range(3)]
    same = branch([own + 1 for own in pooled(levels)], lambda features: features * 0 + 1, after)
    assert torch.equal(changed, same)  # nothing of the RoI gets past it


def test_the_maps_along_a_branch_are_those_after_none_to_four_convolutions() -> None:
    branch = Branch(8, 1)
    maps = branch(pooled())
    assert len(maps) == 5 and torch.equal(maps[0], pooled()[0])
    assert torch.equal(maps[4], branch.rest[2](maps[3]).relu())


def test_before_the_first_convolution_a_branch_of_several_levels_shows_their_maximum() -> None:
    assert torch.equal(Branch(8, 4)(pooled(4))[0], torch.stack(pooled(4)).amax(0))
