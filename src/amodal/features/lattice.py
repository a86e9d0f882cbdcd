"""The geometry between photo, crop and feature cell: every conversion of coordinates is in this file.

A box is laid out as `rows × cols` cells with `PAD` more cells of surroundings on each side. The crop is that
padded box resampled to `STRIDE` pixels per cell, so one backbone pass over the crop gives one feature vector
per cell.
All coordinates are continuous and half-open: cell j covers [j, j + 1), its centre is j + 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

XYXY = tuple[float, float, float, float]

STRIDE = 16
"""Crop pixels per cell: the stride of the backbone stage the features come from."""

PAD = 2
"""Cells of surroundings on each side of the box; one (the papers' 16 px) gives context too little."""

CELLS_PER_BOX = 256
"""About as many cells as a 224 px high car of aspect 1.3 has at stride 16. The number of cells is what is
kept, not the height: at a fixed height a standing person would be 6 cells wide."""

_ASPECTS = tuple(1.25**power for power in range(-7, 8))


@dataclass(frozen=True, order=True)
class Shape:
    """How many cells span a box without padding. Shapes are few, so that crops of one shape form a batch."""

    rows: int
    cols: int

    @property
    def padded(self) -> tuple[int, int]:
        """Rows and columns of the whole lattice, padding included."""
        return self.rows + 2 * PAD, self.cols + 2 * PAD

    @property
    def crop_size(self) -> tuple[int, int]:
        """Height and width of the crop in pixels."""
        rows, cols = self.padded
        return rows * STRIDE, cols * STRIDE


def _shape_of_aspect(aspect: float) -> Shape:
    rows = round((CELLS_PER_BOX / aspect) ** 0.5)
    return Shape(rows, round(rows * aspect))


SHAPES: tuple[Shape, ...] = tuple(_shape_of_aspect(aspect) for aspect in _ASPECTS)
_LOG_ASPECTS = np.log([shape.cols / shape.rows for shape in SHAPES])


def shape_for(width: float, height: float) -> Shape:
    """The shape whose aspect is nearest to that of a box, on a log scale."""
    return SHAPES[int(np.abs(_LOG_ASPECTS - np.log(width / height)).argmin())]


@dataclass(frozen=True)
class Lattice:
    """The cells over one box of a photo, and the exact maps between photo, crop and cell coordinates."""

    box: XYXY
    shape: Shape

    @classmethod
    def of_box(cls, box: XYXY) -> Lattice:
        """The lattice of the shape that fits the box best."""
        x0, y0, x1, y1 = box
        return cls(box, shape_for(x1 - x0, y1 - y0))

    @property
    def cell_size(self) -> tuple[float, float]:
        """Width and height of one cell in photo pixels."""
        x0, y0, x1, y1 = self.box
        return (x1 - x0) / self.shape.cols, (y1 - y0) / self.shape.rows

    @property
    def cell_area(self) -> float:
        """Area of one cell in photo pixels²."""
        width, height = self.cell_size
        return width * height

    @property
    def padded_box(self) -> XYXY:
        """XYXY of the whole lattice in the photo; it may leave the picture."""
        x0, y0, x1, y1 = self.box
        width, height = self.cell_size
        return x0 - PAD * width, y0 - PAD * height, x1 + PAD * width, y1 + PAD * height

    def photo_to_cell(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """(x, y) in photo pixels to (x, y) in cells."""
        origin = np.asarray(self.padded_box[:2])
        cells: np.ndarray = (points - origin) / np.asarray(self.cell_size)
        return cells

    def cell_to_photo(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """(x, y) in cells to (x, y) in photo pixels; the inverse of `photo_to_cell`."""
        origin = np.asarray(self.padded_box[:2])
        photo: np.ndarray = points * np.asarray(self.cell_size) + origin
        return photo

    def photo_to_crop(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """(x, y) in photo pixels to (x, y) in crop pixels."""
        return self.photo_to_cell(points) * STRIDE

    def crop_to_photo(self, points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """(x, y) in crop pixels to (x, y) in photo pixels; the inverse of `photo_to_crop`."""
        return self.cell_to_photo(points / STRIDE)

    def cells_inside(self, width: int, height: int) -> Float32[np.ndarray, "rows cols"]:
        """Which share of every cell lies inside a picture of that size, in [0, 1]."""
        rows, cols = self.shape.padded
        left, top, _, _ = self.padded_box
        cell_width, cell_height = self.cell_size
        share_x = _overlap_with(0.0, float(width), left + cell_width * np.arange(cols + 1)) / cell_width
        share_y = _overlap_with(0.0, float(height), top + cell_height * np.arange(rows + 1)) / cell_height
        return np.outer(share_y, share_x).astype(np.float32)

    def sampling(self, window: tuple[int, int, int, int], per_cell: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Bilinear weights that carry a map on cells to the pixels of a window (XYXY, photo pixels).

        `per_cell`: positions of the map along a side of a cell. Returns `down` float32 [h, rows] and `across` float32
        [cols, w], rows and columns of positions: pixels = down @ map @ across.
        """
        x0, y0, x1, y1 = window
        rows, cols = (per_cell * side for side in self.shape.padded)
        left, top, _, _ = self.padded_box
        width, height = (side / per_cell for side in self.cell_size)
        down = interpolation_weights((np.arange(y0, y1) + 0.5 - top) / height, rows)
        across = interpolation_weights((np.arange(x0, x1) + 0.5 - left) / width, cols).T
        return down, across


def interpolation_weights(positions: Float[np.ndarray, " n"], cells: int) -> Float32[np.ndarray, "n cells"]:
    """Linear interpolation between cell centres as a matrix; beyond the outermost, the end cell is held."""
    clipped = np.clip(positions - 0.5, 0, cells - 1)
    left = np.minimum(np.floor(clipped).astype(np.int64), max(cells - 2, 0))
    fraction = (clipped - left).astype(np.float32)
    weights = np.zeros((len(positions), cells), np.float32)
    index = np.arange(len(positions))
    weights[index, left] = 1 - fraction
    weights[index, np.minimum(left + 1, cells - 1)] += fraction
    return weights


def as_xyxy(row: Float[np.ndarray, " 4"]) -> XYXY:
    """A row of an array as plain floats."""
    x0, y0, x1, y1 = (float(value) for value in row)
    return x0, y0, x1, y1


def pixel_window(box: XYXY, width: int, height: int) -> tuple[int, int, int, int]:
    """The pixels of a picture that a box touches: XYXY integers, half-open, at least one pixel each way."""
    x0 = min(max(math.floor(box[0]), 0), width - 1)
    y0 = min(max(math.floor(box[1]), 0), height - 1)
    return x0, y0, min(max(math.ceil(box[2]), x0 + 1), width), min(max(math.ceil(box[3]), y0 + 1), height)


def _overlap_with(low: float, high: float, edges: np.ndarray) -> np.ndarray:
    overlap: np.ndarray = np.maximum(0.0, np.minimum(high, edges[1:]) - np.maximum(low, edges[:-1]))
    return overlap
