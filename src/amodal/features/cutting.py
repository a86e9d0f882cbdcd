"""From a photo to the crop of one object: the padded box resampled to 16 px per cell. No torch is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

from amodal.features.lattice import STRIDE, Lattice

OUTSIDE = 127
"""About the backbones' mean, so that beyond the picture looks like zero padding."""


class View(NamedTuple):
    """Which level of a photo a crop is taken from, and where: (position of its first pixel, step) along x and y.

    Positions count the level's pixels from centre to centre.
    """

    level: int
    x: tuple[float, float]
    y: tuple[float, float]


class Pyramid:
    """A photo and its halves, made when needed: a large object is cropped from a level without aliasing.

    With a fourth channel that means nothing: OpenCV resamples four channels in less than half the time of three.
    """

    def __init__(self, photo: UInt8[np.ndarray, "height width 3"]) -> None:
        self.sizes = level_sizes(*photo.shape[:2])
        self._levels = [cv2.cvtColor(photo, cv2.COLOR_RGB2RGBA)]

    def level(self, number: int) -> UInt8[np.ndarray, "height width 4"]:
        """The photo halved `number` times (or as often as it can be)."""
        number = min(number, len(self.sizes) - 1)
        while len(self._levels) <= number:
            height, width = self.sizes[len(self._levels)]
            self._levels.append(cv2.resize(self._levels[-1], (width, height), interpolation=cv2.INTER_AREA))
        return self._levels[number]


def extract_crop(
    pyramid: Pyramid, lattice: Lattice, offset: tuple[float, float] = (0.0, 0.0)
) -> UInt8[np.ndarray, "crop_height crop_width 3"]:
    """The padded box resampled to 16 px per cell; `offset` (x, y) crop pixels move the view left and up."""
    height, width = lattice.shape.crop_size
    view = view_of(pyramid.sizes, lattice, offset)
    matrix = np.array([[view.x[1], 0, view.x[0]], [0, view.y[1], view.y[0]]], np.float64)
    crop = cv2.warpAffine(
        pyramid.level(view.level),
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(OUTSIDE, OUTSIDE, OUTSIDE, 0),
    )
    return cv2.cvtColor(crop, cv2.COLOR_RGBA2RGB)


def view_of(sizes: Sequence[tuple[int, int]], lattice: Lattice, offset: tuple[float, float] = (0.0, 0.0)) -> View:
    """How `extract_crop` sees a photo whose levels have these sizes."""
    cell_width, cell_height = lattice.cell_size
    shrink = min(cell_width, cell_height) / STRIDE  # photo pixels per crop pixel
    number = min(max(0, int(np.log2(max(shrink, 1.0)))), len(sizes) - 1)
    (full_height, full_width), (height, width) = sizes[0], sizes[number]
    factor_x, factor_y = width / full_width, height / full_height
    left, top, _, _ = lattice.padded_box
    step_x, step_y = cell_width / STRIDE * factor_x, cell_height / STRIDE * factor_y
    # Pixel centres are at +0.5 in our coordinates and at integers in OpenCV's.
    start_x = left * factor_x + (0.5 - offset[0]) * step_x - 0.5
    start_y = top * factor_y + (0.5 - offset[1]) * step_y - 0.5
    return View(number, (start_x, step_x), (start_y, step_y))


def level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Height and width of a photo and its halves, as often as it can be halved."""
    sizes = [(height, width)]
    while min(sizes[-1]) > 1:
        sizes.append((max(1, sizes[-1][0] // 2), max(1, sizes[-1][1] // 2)))
    return sizes


def crop_seen_right(
    pyramid: Pyramid, lattice: Lattice, offset: float, *, mirror: bool = False
) -> UInt8[np.ndarray, "crop_height crop_width 3"]:
    """The crop moved by `offset` pixels both ways, so that receptive fields lie over their cells; mirrored or not."""
    if not mirror:
        return extract_crop(pyramid, lattice, (offset, offset))
    # In the mirrored crop receptive fields still lie to the right, which is left in the photo.
    return np.ascontiguousarray(extract_crop(pyramid, lattice, (-offset, offset))[:, ::-1])
