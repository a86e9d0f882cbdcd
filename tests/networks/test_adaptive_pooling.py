"""Path augmentation and adaptive feature pooling against closed form and loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from amodal.networks.parts.adaptive import AdaptivePool, FirstLayers
from amodal.networks.parts.augmentation import PathAugmentation
from amodal.networks.parts.trunk import LEVELS, STRIDES, Features

ROIS = torch.tensor([[3.0, 5, 40, 61], [20.5, 0, 33.2, 12.8], [0, 0, 64, 64], [50, 50, 50.5, 70]])


def levels(channels: int) -> Features:
    chance = torch.Generator().manual_seed(1)
    sides = [64 // stride for stride in (*STRIDES, 64)]
    return Features(
        (name, torch.rand(2, channels, side, side, generator=chance)) for name, side in zip(LEVELS, sides, strict=True)
    )


def at(plane: np.ndarray, y: float, x: float) -> float:
    """Bilinear; a pixel's value goes on for one pixel beyond the border, then there is nothing."""
    height, width = plane.shape
    if not (-1 <= y <= height and -1 <= x <= width):
        return 0.0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = math.floor(y), math.floor(x)
    below, right = min(top + 1, height - 1), min(left + 1, width - 1)
    upper = plane[top, left] * (left + 1 - x) + plane[top, right] * (x - left)
    lower = plane[below, left] * (left + 1 - x) + plane[below, right] * (x - left)
    return float(upper * (top + 1 - y) + lower * (y - top))


def pooled_by_loops(plane: np.ndarray, roi: np.ndarray, stride: int, side: int) -> np.ndarray:
    """Four samples in every cell."""
    x0, y0, x1, y1 = roi / stride
    width, height = max(x1 - x0, 1) / side, max(y1 - y0, 1) / side
    cells = np.zeros((side, side))
    for row in range(side):
        for column in range(side):
            places = [(row + v, column + u) for v in (0.25, 0.75) for u in (0.25, 0.75)]
            cells[row, column] = np.mean([at(plane, y0 + v * height, x0 + u * width) for v, u in places])
    return cells


@pytest.mark.parametrize("side", [7, 14])
def test_every_roi_is_pooled_from_every_level_and_the_largest_answer_of_the_levels_own_layers_wins(side: int) -> None:
    torch.manual_seed(0)
    given = levels(2)
    layers = [nn.Conv2d(2, 3, 1) for _ in STRIDES]
    with torch.no_grad():
        answers = FirstLayers(layers)(AdaptivePool(side)(given, [ROIS[:3], ROIS[3:]], [(64, 64)] * 2))
    for number, roi in enumerate(ROIS.numpy()):
        by_level = []
        for name, stride, layer in zip(LEVELS, STRIDES, layers, strict=False):
            planes = given[name][int(number == 3)].numpy()
            cells = np.stack([pooled_by_loops(plane, roi, stride, side) for plane in planes])
            weights, bias = layer.weight.detach().numpy()[:, :, 0, 0], layer.bias
            assert bias is not None
            by_level.append(np.einsum("oc,cyx->oyx", weights, cells) + bias.detach().numpy()[:, None, None])
        np.testing.assert_allclose(answers[number].numpy(), np.max(by_level, 0), atol=1e-5)


def test_the_answer_of_one_level_alone_is_its_layers() -> None:
    torch.manual_seed(0)
    layer, given = nn.Linear(4, 5), torch.rand(3, 4)
    assert torch.equal(FirstLayers([layer])([given]), layer(given))


def passing_on(augmentation: PathAugmentation) -> None:
    """Every convolution hands on what it is given; with stride 2 every other pixel of it."""
    for layer in augmentation.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.dirac_(layer.weight)
            nn.init.zeros_(layer.bias if layer.bias is not None else torch.zeros(1))


def test_a_level_of_the_augmented_path_adds_its_own_to_the_finer_level_at_half_resolution() -> None:
    given = levels(3)
    augmentation = PathAugmentation(3)
    passing_on(augmentation)
    augmented = augmentation(given)
    expected: Tensor = given["0"]
    assert torch.equal(augmented["0"], expected)
    for name in LEVELS[1:4]:
        expected = expected[:, :, ::2, ::2] + given[name]
        torch.testing.assert_close(augmented[name], expected)
    torch.testing.assert_close(augmented["pool"], expected[:, :, ::2, ::2])


def test_the_augmented_path_has_the_shapes_of_the_pyramid() -> None:
    given = levels(8)
    augmented = PathAugmentation(8)(given)
    assert [(name, level.shape) for name, level in augmented.items()] == [
        (name, level.shape) for name, level in given.items()
    ]
