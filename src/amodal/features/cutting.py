"""From a photo to the crop of one object: the padded box resampled to 16 px per cell. No torch is needed."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import UInt8

from amodal.features.lattice import STRIDE, Lattice

CHUNK = 4
"""Crops per pass of a network on a CPU, where nothing else was measured (`chunks.py`): larger batches are slower there,
they fall out of the cache."""

_OUTSIDE = (127, 127, 127, 0)  # about the backbones' mean, so that beyond the picture looks like zero padding


class Pyramid:
    """A photo and its halves, made when needed: a large object is cropped from a level without aliasing.

    With a fourth channel that means nothing: OpenCV resamples four channels in less than half the time of three.
    """

    def __init__(self, photo: UInt8[np.ndarray, "height width 3"]) -> None:
        self._levels = [cv2.cvtColor(photo, cv2.COLOR_RGB2RGBA)]

    def level(self, number: int) -> UInt8[np.ndarray, "height width 4"]:
        """The photo halved `number` times (or as often as it can be)."""
        while len(self._levels) <= number and min(self._levels[-1].shape[:2]) > 1:
            last = self._levels[-1]
            size = (max(1, last.shape[1] // 2), max(1, last.shape[0] // 2))
            self._levels.append(cv2.resize(last, size, interpolation=cv2.INTER_AREA))
        return self._levels[min(number, len(self._levels) - 1)]


def extract_crop(
    pyramid: Pyramid, lattice: Lattice, offset: tuple[float, float] = (0.0, 0.0)
) -> UInt8[np.ndarray, "crop_height crop_width 3"]:
    """The padded box resampled to 16 px per cell; `offset` (x, y) crop pixels move the view left and up."""
    height, width = lattice.shape.crop_size
    cell_width, cell_height = lattice.cell_size
    shrink = min(cell_width, cell_height) / STRIDE  # photo pixels per crop pixel
    level = pyramid.level(max(0, int(np.log2(max(shrink, 1.0)))))
    full = pyramid.level(0)
    factor_x, factor_y = level.shape[1] / full.shape[1], level.shape[0] / full.shape[0]
    left, top, _, _ = lattice.padded_box
    step_x, step_y = cell_width / STRIDE * factor_x, cell_height / STRIDE * factor_y
    # Pixel centres are at +0.5 in our coordinates and at integers in OpenCV's.
    start_x = left * factor_x + (0.5 - offset[0]) * step_x - 0.5
    start_y = top * factor_y + (0.5 - offset[1]) * step_y - 0.5
    matrix = np.array([[step_x, 0, start_x], [0, step_y, start_y]], np.float64)
    crop = cv2.warpAffine(
        level,
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=_OUTSIDE,
    )
    return cv2.cvtColor(crop, cv2.COLOR_RGBA2RGB)


def crop_seen_right(
    pyramid: Pyramid, lattice: Lattice, offset: float, *, mirror: bool = False
) -> UInt8[np.ndarray, "crop_height crop_width 3"]:
    """The crop moved by `offset` pixels both ways, so that receptive fields lie over their cells; mirrored or not."""
    if not mirror:
        return extract_crop(pyramid, lattice, (offset, offset))
    # In the mirrored crop receptive fields still lie to the right, which is left in the photo.
    return np.ascontiguousarray(extract_crop(pyramid, lattice, (-offset, offset))[:, ::-1])
