"""RoI warping of MNC: a grid over a box, differentiable in the features and in the box [Dai et al. 2016]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def warp(
    maps: Float[Tensor, "n c h w"],
    boxes: Sequence[Float[Tensor, "_ 4"]],
    *,
    stride: float,
    side: int,
    samples: int = 2,
) -> Float[Tensor, "rois c side side"]:
    """Features on a side × side grid over each box (XYXY pixels), all pictures' boxes in a row.

    A point of the grid is the mean of samples × samples bilinear ones; beyond the map its border goes on. The gradient
    reaches the boxes through where the samples lie, so a later stage can move the boxes of an earlier one.
    """
    size = torch.tensor([maps.shape[3], maps.shape[2]], device=maps.device) * stride
    warped = [_warped(row[None], own / size.repeat(2), side * samples) for row, own in zip(maps, boxes, strict=True)]
    return functional.avg_pool2d(torch.cat(warped), samples)


def _warped(
    features: Float[Tensor, "1 c h w"], boxes: Float[Tensor, "k 4"], points: int
) -> Float[Tensor, "k c points points"]:
    """One picture's; boxes in shares of the map."""
    middles = (torch.arange(points, device=boxes.device, dtype=boxes.dtype) + 0.5) / points
    x = boxes[:, 0:1] + middles * (boxes[:, 2:3] - boxes[:, 0:1])
    y = boxes[:, 1:2] + middles * (boxes[:, 3:4] - boxes[:, 1:2])
    grid = torch.stack([x[:, None, :].expand(-1, points, -1), y[:, :, None].expand(-1, -1, points)], -1)
    # All boxes under one another: the map is not copied for each.
    read = functional.grid_sample(features, (2 * grid - 1).to(features.dtype).reshape(1, -1, points, 2),
                                  mode="bilinear", padding_mode="border", align_corners=False)  # fmt: skip
    return read[0].view(features.shape[1], len(boxes), points, points).transpose(0, 1)
