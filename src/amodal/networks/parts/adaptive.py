"""Adaptive feature pooling of PANet (Liu et al. 2018): every RoI from every level, and the largest answer wins."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.ops import roi_align

from amodal.networks.parts.trunk import LEVELS, STRIDES, Features

_SAMPLES = 2  # along each side of a cell, as in Mask R-CNN


class AdaptivePool(nn.Module):
    """RoIAlign on all four levels, called as torchvision's `MultiScaleRoIAlign` is, which chooses one."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(
        self, levels: Features, rois: Sequence[Float[Tensor, "k 4"]], sizes: Sequence[tuple[int, int]]
    ) -> list[Tensor]:
        """For each level, all pictures' RoIs in a row: [rois, channels, side, side]."""
        del sizes  # strides are known
        boxes = list(rois)
        return [
            roi_align(levels[name], boxes, self.side, spatial_scale=1 / stride, sampling_ratio=_SAMPLES)
            for name, stride in zip(LEVELS[:4], STRIDES, strict=True)
        ]


class FirstLayers(nn.Module):
    """The first layer of a branch: one for each level that RoIs are pooled from, then the maximum over levels.

    With one level it is that layer. The ReLU behind it may come before or after the maximum: they commute.
    """

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, pooled: Sequence[Tensor]) -> Tensor:
        """One map of all RoIs for each level in, one answer out."""
        return largest([layer(own) for layer, own in zip(self.layers, pooled, strict=True)])


def largest(maps: Sequence[Tensor]) -> Tensor:
    """The element-wise maximum."""
    return reduce(torch.maximum, maps)
