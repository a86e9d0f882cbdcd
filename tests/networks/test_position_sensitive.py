"""Position-sensitive pooling against loops, and against torchvision's where both do the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import ps_roi_align

from amodal.networks.parts.position import position_sensitive

BOXES = st.lists(
    st.tuples(st.floats(-20, 90), st.floats(-20, 90), st.floats(1, 80), st.floats(1, 80)), min_size=0, max_size=3
)


def as_rois(boxes: list[tuple[float, float, float, float]]) -> torch.Tensor:
    rows = [(x, y, x + width, y + height) for x, y, width, height in boxes]
    return torch.tensor(rows, dtype=torch.float64).view(-1, 4)


def by_loops(maps: np.ndarray, rois: list[np.ndarray], stride: float, cells: int, side: int) -> np.ndarray:
    """Every point of every grid by itself."""
    _, channels, height, width = maps.shape
    outputs = channels // cells**2
    grids = []
    for picture, own in enumerate(rois):
        for x0, y0, x1, y1 in own / stride:
            grid = np.zeros((outputs, side, side))
            for row in range(side):
                for column in range(side):
                    y = min(max(y0 + (row + 0.5) / side * (y1 - y0) - 0.5, 0), height - 1)
                    x = min(max(x0 + (column + 0.5) / side * (x1 - x0) - 0.5, 0), width - 1)
                    cell = (row * cells // side) * cells + column * cells // side
                    for near_y in (math.floor(y), math.floor(y) + 1):
                        for near_x in (math.floor(x), math.floor(x) + 1):
                            weight = max(0, 1 - abs(y - near_y)) * max(0, 1 - abs(x - near_x))
                            if weight:
                                values = maps[picture, cell * outputs : (cell + 1) * outputs, near_y, near_x]
                                grid[:, row, column] += weight * values
            grids.append(grid)
    return np.array(grids).reshape(-1, outputs, side, side)


@settings(deadline=None, max_examples=25)
@given(BOXES, BOXES, st.sampled_from([(2, 4), (3, 3), (3, 9)]), st.integers(1, 3), st.integers(0, 10**6))
def test_every_point_is_read_from_the_maps_of_its_cell(first, second, sizes, outputs, seed):
    cells, side = sizes
    maps = torch.randn(2, cells**2 * outputs, 6, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    rois = [as_rois(first), as_rois(second)]
    found = position_sensitive(maps, rois, stride=16, cells=cells, side=side)
    expected = by_loops(maps.numpy(), [own.numpy() for own in rois], 16, cells, side)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-9)


def test_means_over_cells_are_those_of_torchvision():
    maps = torch.randn(2, 49 * 3, 20, 24)
    rois = [torch.tensor([[20.0, 30, 200, 250], [100, 20, 180, 90]]), torch.tensor([[10.0, 12, 300, 280]])]
    ours = torch.nn.functional.avg_pool2d(position_sensitive(maps, rois, stride=16, cells=7, side=21), 3)
    theirs_maps = maps.view(2, 49, 3, 20, 24).transpose(1, 2).reshape(2, 147, 20, 24)  # they put the cell last
    theirs = ps_roi_align(theirs_maps, rois, 7, spatial_scale=1 / 16, sampling_ratio=3)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_gradient_reaches_the_maps():
    maps = torch.randn(1, 8, 4, 4, dtype=torch.float64, requires_grad=True)
    rois = [torch.tensor([[3.0, 5, 40, 50]], dtype=torch.float64)]
    assert torch.autograd.gradcheck(lambda own: position_sensitive(own, rois, stride=16, cells=2, side=4), maps)


@pytest.mark.parametrize("counts", [(0, 0), (0, 2)])
def test_pictures_without_rois_give_none(counts):
    rois = [torch.rand(count, 4) * 50 for count in counts]
    assert position_sensitive(torch.randn(2, 8, 4, 4), rois, stride=16, cells=2, side=4).shape == (sum(counts), 2, 4, 4)
