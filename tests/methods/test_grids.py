"""A grid over a box, carried to pixels: beside a slow interpolation, written out."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from amodal.methods.grids import on_pixels


def _slowly(grid: np.ndarray, frame: tuple[float, float, float, float], x: int, y: int) -> float:
    rows, cols = grid.shape

    def at(place: float, low: float, high: float, cells: int) -> tuple[int, int, float]:
        where = min(max((place + 0.5 - low) / (high - low) * cells - 0.5, 0.0), cells - 1.0)
        first = math.floor(where)
        return first, min(first + 1, cells - 1), where - first

    top, bottom, down = at(y, frame[1], frame[3], rows)
    left, right, across = at(x, frame[0], frame[2], cols)
    upper = grid[top, left] * (1 - across) + grid[top, right] * across
    lower = grid[bottom, left] * (1 - across) + grid[bottom, right] * across
    return float(upper * (1 - down) + lower * down)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(-20, 20), st.floats(-20, 20), st.floats(1, 40), st.floats(1, 40))
def test_every_pixel_is_interpolated_between_the_centres_of_cells(
    seed: int, x: float, y: float, width: float, height: float
) -> None:
    chance = np.random.default_rng(seed)
    grid = chance.random((int(chance.integers(1, 6)), int(chance.integers(1, 6))))
    frame = (x, y, x + width, y + height)
    found = on_pixels(grid, frame, (2, 3, 9, 12))
    expected = [[_slowly(grid, frame, column, row) for column in range(2, 9)] for row in range(3, 12)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_several_maps_are_carried_at_once_as_each_by_itself() -> None:
    maps = np.random.default_rng(0).random((3, 4, 5))
    together = on_pixels(maps, (1, 2, 30, 40), (0, 0, 33, 21))
    alone = [on_pixels(one, (1, 2, 30, 40), (0, 0, 33, 21)) for one in maps]
    np.testing.assert_array_equal(together, alone)
