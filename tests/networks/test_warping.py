"""RoI warping against torchvision's RoIAlign inside the map, against loops outside, and its gradients."""

from __future__ import annotations

import math

import torch
from torchvision.ops import roi_align

from amodal.networks.parts.warping import warp

INSIDE = torch.tensor([[20.0, 30, 200, 250], [100, 20, 180, 90]])


def value(plane: torch.Tensor, x: float, y: float) -> float:
    """Bilinear, the border going on."""
    y, x = min(max(y, 0), plane.shape[0] - 1), min(max(x, 0), plane.shape[1] - 1)
    total = 0.0
    for near_y in (math.floor(y), math.ceil(y)):
        for near_x in (math.floor(x), math.ceil(x)):
            part_y = 1 - abs(y - near_y) if near_y != y or math.floor(y) != math.ceil(y) else 0.5
            part_x = 1 - abs(x - near_x) if near_x != x or math.floor(x) != math.ceil(x) else 0.5
            total += part_y * part_x * float(plane[near_y, near_x])
    return total


def test_inside_the_map_it_is_roi_align():
    maps = torch.randn(2, 3, 20, 24)
    boxes = [INSIDE, INSIDE[:1] + 7]
    theirs = roi_align(maps, boxes, 14, spatial_scale=1 / 16, sampling_ratio=2, aligned=True)
    torch.testing.assert_close(warp(maps, boxes, stride=16, side=14), theirs, atol=1e-5, rtol=1e-5)


def test_beyond_the_map_its_border_goes_on():
    maps = torch.randn(1, 1, 5, 6)
    x0, y0, x1, y1 = -40.0, 30.0, 120.0, 110.0
    found = warp(maps, [torch.tensor([[x0, y0, x1, y1]])], stride=16, side=7, samples=1)[0, 0]
    for row in range(7):
        for column in range(7):
            x, y = x0 + (column + 0.5) / 7 * (x1 - x0), y0 + (row + 0.5) / 7 * (y1 - y0)
            assert abs(float(found[row, column]) - value(maps[0, 0], x / 16 - 0.5, y / 16 - 0.5)) < 1e-5


def test_gradient_reaches_features_and_boxes():
    maps = torch.randn(1, 2, 5, 6, dtype=torch.float64, requires_grad=True)
    boxes = torch.tensor([[11.3, 13.1, 60.7, 51.9]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda one, two: warp(one, [two], stride=16, side=3), (maps, boxes))


def test_pictures_without_boxes_give_none():
    assert warp(torch.randn(2, 3, 4, 4), [torch.zeros(0, 4), INSIDE], stride=16, side=7).shape == (2, 3, 7, 7)
    assert warp(torch.randn(1, 3, 4, 4), [torch.zeros(0, 4)], stride=16, side=7).shape == (0, 3, 7, 7)
