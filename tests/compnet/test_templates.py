from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, map_coordinates
from torch import Tensor

from amodal.compnet.templates import Templates, blur, resample
from amodal.features.lattice import PAD, SHAPES, Shape

PAIRS = [(SHAPES[0], SHAPES[7]), (SHAPES[7], SHAPES[0]), (SHAPES[5], SHAPES[9]), (SHAPES[14], SHAPES[6])]


def random_map(*size: int, seed: int = 0) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed))


def place_in_box(shape: Shape) -> tuple[Tensor, Tensor]:
    """Where the centre of each cell lies in the box: 0 at its upper or left edge, 1 at the other."""
    rows, cols = shape.padded
    down = (torch.arange(rows) + 0.5 - PAD) / shape.rows
    across = (torch.arange(cols) + 0.5 - PAD) / shape.cols
    return down[:, None].expand(rows, cols), across.expand(rows, cols)


def in_box(cells: Tensor) -> Tensor:
    return cells[..., PAD:-PAD, PAD:-PAD]


def test_resampling_to_the_same_shape_changes_nothing() -> None:
    cells = random_map(3, *SHAPES[4].padded)
    assert torch.equal(resample(cells, SHAPES[4], SHAPES[4]), cells)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_box_edges_fall_on_box_edges(source: Shape, target: Shape) -> None:
    """A map of places in the box must say the same places on the other lattice, up to the box's edges."""
    for before, after in zip(place_in_box(source), place_in_box(target), strict=True):
        torch.testing.assert_close(in_box(resample(before, source, target)), in_box(after), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_resampling_agrees_with_scipys_linear_interpolation(source: Shape, target: Shape) -> None:
    cells = random_map(*source.padded, seed=1)
    down, across = place_in_box(target)
    at = np.stack([down * source.rows + PAD - 0.5, across * source.cols + PAD - 0.5])
    expected = map_coordinates(cells.numpy(), at, order=1, mode="nearest")
    np.testing.assert_allclose(resample(cells, source, target), expected, atol=2e-5)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_templates_stay_on_the_simplex_and_priors_between_their_bounds(source: Shape, target: Shape) -> None:
    foreground, context = random_map(2, 2, 7, *source.padded).softmax(2)
    prior = random_map(2, *source.padded, seed=2).sigmoid()
    moved = Templates(source, foreground, context, prior).on(target)
    rows, cols = target.padded
    assert moved.shape == target
    assert moved.foreground.shape == moved.context.shape == (2, 7, rows, cols)
    assert moved.prior.shape == (2, rows, cols)
    for weights in (moved.foreground, moved.context):
        assert float(weights.min()) >= 0
        torch.testing.assert_close(weights.sum(1), torch.ones(2, rows, cols))
    assert float(prior.min()) <= float(moved.prior.min()) <= float(moved.prior.max()) <= float(prior.max())


def test_templates_on_their_own_shape_are_themselves() -> None:
    one = torch.ones(1, 1, *SHAPES[3].padded)
    templates = Templates(SHAPES[3], one, one, one[0])
    assert templates.on(SHAPES[3]) is templates


@pytest.mark.parametrize("sigma", [0.4, 0.5, 1.0, 1.7])
def test_blur_agrees_with_scipys_gaussian_filter(sigma: float) -> None:
    cells = random_map(2, 3, 14, 20, seed=3)
    expected = gaussian_filter(cells.numpy(), sigma, mode="nearest", radius=math.ceil(3 * sigma), axes=(2, 3))
    np.testing.assert_allclose(blur(cells, sigma), expected, atol=1e-5)


@pytest.mark.parametrize("sigma", [0.0, -1.0])
def test_no_smoothing_changes_nothing(sigma: float) -> None:
    cells = random_map(14, 20)
    assert blur(cells, sigma) is cells


def test_blur_is_wider_than_a_small_lattice_without_harm() -> None:
    torch.testing.assert_close(blur(torch.full((3, 2), 0.25), 4.0), torch.full((3, 2), 0.25))
