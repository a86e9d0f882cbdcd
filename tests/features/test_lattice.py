from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from amodal.features.lattice import (
    CELLS_PER_BOX,
    PAD,
    SHAPES,
    STRIDE,
    Lattice,
    interpolation_weights,
    pixel_window,
    shape_for,
)

coordinates = st.floats(-2000, 4000, allow_nan=False)
sides = st.floats(0.5, 5000, allow_nan=False)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[float, float, float, float]:
    x0, y0 = draw(coordinates), draw(coordinates)
    return x0, y0, x0 + draw(sides), y0 + draw(sides)


@st.composite
def small_boxes(draw: st.DrawFn) -> tuple[float, float, float, float]:
    """Boxes that touch a picture of some 40 × 30 pixels, or nearly."""
    x0, y0 = draw(st.floats(-30, 45)), draw(st.floats(-30, 35))
    return x0, y0, x0 + draw(st.floats(0.5, 60)), y0 + draw(st.floats(0.5, 60))


@given(boxes(), st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=5))
def test_cells_and_crop_pixels_lead_back_to_the_photo(
    box: tuple[float, float, float, float], points: list[tuple[float, float]]
) -> None:
    lattice = Lattice.of_box(box)
    photo = np.asarray(points, float)
    np.testing.assert_allclose(lattice.cell_to_photo(lattice.photo_to_cell(photo)), photo, atol=1e-6)
    np.testing.assert_allclose(lattice.crop_to_photo(lattice.photo_to_crop(photo)), photo, atol=1e-6)


@given(boxes())
def test_box_corners_lie_pad_cells_inside_the_lattice(box: tuple[float, float, float, float]) -> None:
    lattice = Lattice.of_box(box)
    rows, cols = lattice.shape.padded
    corners = np.array([box[:2], box[2:]])
    np.testing.assert_allclose(lattice.photo_to_cell(corners), [[PAD, PAD], [cols - PAD, rows - PAD]], rtol=1e-6)


@given(boxes())
def test_padded_box_is_the_whole_crop(box: tuple[float, float, float, float]) -> None:
    lattice = Lattice.of_box(box)
    height, width = lattice.shape.crop_size
    left, top, right, bottom = lattice.padded_box
    in_crop = lattice.photo_to_crop(np.array([[left, top], [right, bottom]]))
    np.testing.assert_allclose(in_crop, [[0, 0], [width, height]], rtol=1e-6, atol=1e-6)


@given(boxes())
def test_cells_of_the_box_have_its_area_together(box: tuple[float, float, float, float]) -> None:
    lattice = Lattice.of_box(box)
    area = (box[2] - box[0]) * (box[3] - box[1])
    assert lattice.cell_area * lattice.shape.rows * lattice.shape.cols == pytest.approx(area)


@given(small_boxes())
def test_share_inside_the_picture_is_the_share_of_points_inside(
    box: tuple[float, float, float, float],
) -> None:
    lattice = Lattice.of_box(box)
    width, height, fine = 40, 30, 32
    rows, cols = lattice.shape.padded
    in_cell = (np.arange(fine) + 0.5) / fine
    x = lattice.cell_to_photo(np.stack([(np.arange(cols)[:, None] + in_cell).ravel()] * 2, 1))[:, 0]
    y = lattice.cell_to_photo(np.stack([(np.arange(rows)[:, None] + in_cell).ravel()] * 2, 1))[:, 1]
    points = ((y >= 0) & (y < height))[:, None] & ((x >= 0) & (x < width))[None, :]
    share = points.reshape(rows, fine, cols, fine).mean((1, 3))
    found = lattice.cells_inside(width, height)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, share, atol=2.5 / fine)


def test_box_well_inside_the_picture_has_all_its_cells_inside() -> None:
    np.testing.assert_allclose(Lattice.of_box((200, 200, 300, 280)).cells_inside(500, 400), 1, rtol=1e-6)


def test_box_far_outside_the_picture_has_no_cell_inside() -> None:
    assert not Lattice.of_box((900, 200, 1000, 280)).cells_inside(500, 400).any()


@given(small_boxes(), st.integers(0, 2**32 - 1))
def test_sampling_matrices_agree_with_scipys_linear_interpolation(
    box: tuple[float, float, float, float], seed: int
) -> None:
    lattice = Lattice.of_box(box)
    cells = np.random.default_rng(seed).normal(size=lattice.shape.padded).astype(np.float32)
    window = (-3, 2, 38, 33)  # on both sides of the picture's edge, and beyond most lattices
    down, across = lattice.sampling(window)
    x, y = np.meshgrid(np.arange(window[0], window[2]) + 0.5, np.arange(window[1], window[3]) + 0.5)
    at = lattice.photo_to_cell(np.stack([x.ravel(), y.ravel()], 1)) - 0.5
    expected = map_coordinates(cells, at[:, ::-1].T, order=1, mode="nearest").reshape(x.shape)
    np.testing.assert_allclose(down @ cells @ across, expected, atol=2e-5)


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=20), st.integers(1, 12))
def test_interpolation_weights_are_a_convex_combination_of_two_neighbours(positions: list[float], cells: int) -> None:
    weights = interpolation_weights(np.asarray(positions), cells)
    assert weights.shape == (len(positions), cells)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-6)
    for row in weights:
        used = np.flatnonzero(row)
        assert used[-1] - used[0] <= 1


def test_at_cell_centres_the_cells_come_back() -> None:
    np.testing.assert_array_equal(interpolation_weights(np.arange(7) + 0.5, 7), np.eye(7, dtype=np.float32))


@given(sides, sides)
def test_no_other_shape_is_nearer_to_the_aspect_of_a_box(width: float, height: float) -> None:
    chosen = shape_for(width, height)

    def stretch(shape_cols: int, shape_rows: int) -> float:
        """By what factor the box is squeezed in one direction more than in the other."""
        ratio = (width / shape_cols) / (height / shape_rows)
        return max(ratio, 1 / ratio)

    best = min(stretch(shape.cols, shape.rows) for shape in SHAPES)
    assert stretch(chosen.cols, chosen.rows) == pytest.approx(best)


@given(st.floats(1 / 4, 4))
def test_boxes_of_usual_aspect_are_hardly_squeezed(aspect: float) -> None:
    cell_width, cell_height = Lattice.of_box((0, 0, 100 * aspect, 100)).cell_size
    assert 0.85 < cell_width / cell_height < 1 / 0.85


def test_every_shape_has_about_the_same_number_of_cells() -> None:
    counts = np.array([shape.rows * shape.cols for shape in SHAPES])
    assert (abs(counts / CELLS_PER_BOX - 1) < 0.1).all()


def test_thin_and_huge_boxes_get_the_outermost_shapes() -> None:
    by_aspect = sorted(SHAPES, key=lambda shape: shape.cols / shape.rows)
    assert shape_for(1, 4000) == by_aspect[0]
    assert shape_for(60_000, 1) == by_aspect[-1]
    for box in [(10.0, 10.0, 11.0, 4010.0), (-3e4, 5.0, 3e4, 6.0), (-1e5, -1e5, 1e5, 1e5)]:
        lattice = Lattice.of_box(box)
        inside = lattice.cells_inside(640, 480)
        assert np.isfinite(inside).all()
        assert inside.max() <= 1 + 1e-6
        assert max(lattice.shape.crop_size) < 1000  # the crop stays small, however large the box


def test_crop_size_is_stride_pixels_per_cell() -> None:
    for shape in SHAPES:
        assert shape.crop_size == tuple(STRIDE * cells for cells in shape.padded)
        assert shape.padded == (shape.rows + 2 * PAD, shape.cols + 2 * PAD)


@given(small_boxes())
def test_pixel_window_holds_the_pixels_that_the_box_touches(box: tuple[float, float, float, float]) -> None:
    width, height = 40, 30
    x0, y0, x1, y1 = pixel_window(box, width, height)
    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height
    touched_x = [x for x in range(width) if x < box[2] and x + 1 > box[0]]
    touched_y = [y for y in range(height) if y < box[3] and y + 1 > box[1]]
    if touched_x:
        assert list(range(x0, x1)) == touched_x
    if touched_y:
        assert list(range(y0, y1)) == touched_y
