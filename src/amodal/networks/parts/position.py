"""Position-sensitive pooling of FCIS: every cell of an RoI is read from maps of its own [Li et al. 2017]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional


def position_sensitive(
    maps: Float[Tensor, "n cells_cells_c h w"],
    rois: Sequence[Float[Tensor, "_ 4"]],
    *,
    stride: float,
    cells: int,
    side: int,
) -> Float[Tensor, "rois c side side"]:
    """Score maps put together to a grid over each RoI, all pictures' RoIs in a row.

    A RoI is cut into cells × cells; what lies in cell (row, column) is read from channel (row · cells + column) · c and
    the c − 1 after it, bilinearly at the middle of each of the grid's side × side points. Beyond the map its border
    goes on. `side` is a multiple of `cells`; RoIs are XYXY pixels.
    """
    number, channels, height, width = maps.shape
    outputs = channels // cells**2
    picture = torch.cat([torch.full((len(own),), row, device=maps.device) for row, own in enumerate(rois)])
    boxes = torch.cat(list(rois)) / stride
    above, left, weights = _corners(boxes, side, height, width)
    cell = torch.arange(side, device=maps.device) // (side // cells)
    cell = cell[:, None] * cells + cell[None]
    corners = torch.stack([((picture[:, None, None] * height + y) * width + x) * cells**2 + cell
                           for y, x in _neighbours(above, left, height, width)], -1)  # fmt: skip
    # One row of c numbers per place and cell: four rows are weighed for a point, whatever the number of channels.
    table = maps.permute(0, 2, 3, 1).reshape(number * height * width * cells**2, outputs)
    shares = weights.view(-1, 4).to(table.dtype)
    summed = functional.embedding_bag(corners.view(-1, 4), table, per_sample_weights=shares, mode="sum")
    return summed.view(len(boxes), side, side, outputs).permute(0, 3, 1, 2)


def _corners(
    boxes: Float[Tensor, "rois 4"], side: int, height: int, width: int
) -> tuple[Int64[Tensor, "rois side"], Int64[Tensor, "rois side"], Float[Tensor, "rois side side 4"]]:
    """The row above and the column left of every point, and the weights of its four neighbours."""
    middles = (torch.arange(side, device=boxes.device, dtype=boxes.dtype) + 0.5) / side
    y = boxes[:, 1:2] + middles * (boxes[:, 3:4] - boxes[:, 1:2]) - 0.5
    x = boxes[:, 0:1] + middles * (boxes[:, 2:3] - boxes[:, 0:1]) - 0.5
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    above, left = y.floor().long(), x.floor().long()
    down, right = (y - above)[:, :, None], (x - left)[:, None, :]
    weights = torch.stack([(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right], -1)
    return above, left, weights


def _neighbours(
    above: Int64[Tensor, "rois side"], left: Int64[Tensor, "rois side"], height: int, width: int
) -> list[tuple[Int64[Tensor, "rois side 1"], Int64[Tensor, "rois 1 side"]]]:
    rows = [own[:, :, None] for own in (above, (above + 1).clamp(max=height - 1))]
    columns = [own[:, None, :] for own in (left, (left + 1).clamp(max=width - 1))]
    return [(row, column) for row in rows for column in columns]
