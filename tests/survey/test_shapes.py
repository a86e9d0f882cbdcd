from __future__ import annotations

import math

import numpy as np
import pytest

from amodal.masks import CropMask
from amodal.survey.shapes import Shape, shape_of, shape_of_outline

SIDE = 240
Y, X = np.mgrid[:SIDE, :SIDE] + 0.5


def measured(mask: np.ndarray) -> Shape:
    shape = shape_of(CropMask.from_dense(mask))
    assert shape is not None
    return shape


def disc(radius: float) -> np.ndarray:
    return np.hypot(X - 120.2, Y - 119.7) < radius


def rectangle(long: float, wide: float, degrees: float) -> np.ndarray:
    angle = math.radians(degrees)
    along = (X - 120.3) * math.cos(angle) + (Y - 119.6) * math.sin(angle)
    across = (Y - 119.6) * math.cos(angle) - (X - 120.3) * math.sin(angle)
    return (np.abs(along) <= long / 2) & (np.abs(across) <= wide / 2)


def test_a_drawn_rectangle_has_the_values_of_the_formulas() -> None:
    shape = shape_of_outline(np.array([[0, 0], [4, 0], [4, 1], [0, 1.0]]))
    assert (shape.area, shape.hull_area, shape.perimeter) == (4, 4, 10)
    assert shape.convexity == 1
    assert shape.simplicity == pytest.approx(math.sqrt(4 * math.pi * 4) / 10)


def test_a_drawn_l_is_three_squares_in_a_hull_of_three_and_a_half() -> None:
    shape = shape_of_outline(np.array([[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2.0]]))
    assert shape.convexity == pytest.approx(3 / 3.5)
    assert shape.simplicity == pytest.approx(math.sqrt(12 * math.pi) / 8)


@pytest.mark.parametrize("radius", [10, 30, 100])
def test_a_disc_is_convex_and_simple(radius: float) -> None:
    shape = measured(disc(radius))
    assert shape.convexity > 0.97
    assert shape.simplicity > 0.98


@pytest.mark.parametrize("degrees", [0, 10, 18.4, 30, 45, 77])
@pytest.mark.parametrize("long", [40, 150])
def test_a_rectangle_measures_the_same_at_every_angle(long: float, degrees: float) -> None:
    shape = measured(rectangle(long, long / 2, degrees))
    assert shape.perimeter == pytest.approx(3 * long, rel=0.03)
    assert shape.simplicity == pytest.approx(math.sqrt(2 * math.pi) / 3, abs=0.02)
    assert shape.convexity > 0.94


def test_upright_pixels_lose_hardly_more_than_their_corners() -> None:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[5:25, 7:57] = True
    shape = measured(mask)
    assert (shape.area, shape.hull_area) == (1000, 1000)
    assert shape.perimeter == pytest.approx(140, abs=2)


def test_a_ring_is_as_convex_as_its_area_and_has_both_outlines() -> None:
    shape = measured(disc(80) & ~disc(40))
    assert shape.convexity == pytest.approx(0.75, abs=0.01)
    assert shape.perimeter == pytest.approx(2 * math.pi * 120, rel=0.015)


def test_parts_are_measured_together() -> None:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[0:20, 0:20] = mask[0:20, 60:80] = True
    assert measured(mask).convexity == pytest.approx(0.5, abs=0.001)


def test_an_empty_mask_has_no_shape() -> None:
    assert shape_of(CropMask.empty(4, 4)) is None


def test_one_pixel_has_a_shape() -> None:
    mask = np.zeros((5, 5), bool)
    mask[2, 2] = True
    assert measured(mask).convexity == 1
