"""Crops of all objects of a batch, cut on the device: the same view of the photo as `features/cutting.py` has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64, UInt8
from torch import Tensor

from amodal.device.layout import Thing
from amodal.device.wire import Wire
from amodal.features.cutting import OUTSIDE, level_sizes, view_of
from amodal.features.lattice import Shape


class Photos:
    """The photos of a batch on the device, with as many halvings of each as its objects ask for.

    All levels of all photos lie one behind the other, [pixels, 3], so that crops of any of them are one call.
    """

    def __init__(
        self, photos: Sequence[UInt8[np.ndarray, "h w 3"]], things: Sequence[Thing], offset: float, wire: Wire
    ) -> None:
        self._wire = wire
        sizes = [level_sizes(*photo.shape[:2]) for photo in photos]
        self._views = [view_of(sizes[thing.photo], thing.lattice, (offset, offset)) for thing in things]
        whole = wire.up(np.concatenate([photo.reshape(-1, 3) for photo in photos]))
        parts, first, end = [whole], {}, 0
        smallest = []  # of each photo, the last level made so far
        for photo, own in enumerate(sizes):
            first[photo, 0] = end
            end += own[0][0] * own[0][1]
            smallest.append(whole[first[photo, 0] : end].view(*own[0], 3))
        taken = zip(things, self._views, strict=True)
        needed = {(thing.photo, number) for thing, view in taken for number in range(1, view.level + 1)}
        for photo, number in sorted(needed):
            smallest[photo] = self._halved(smallest[photo], sizes[photo][number])
            parts.append(smallest[photo].reshape(-1, 3))
            first[photo, number] = end
            end += len(parts[-1])
        self._pixels = torch.cat(parts) if needed else whole
        self._rows = np.array([
            (first[thing.photo, view.level], *sizes[thing.photo][view.level])
            for thing, view in zip(things, self._views, strict=True)
        ])  # fmt: skip

    def crops(self, numbers: Sequence[int], shape: Shape) -> UInt8[Tensor, "n crop_height crop_width 3"]:
        """The crops of these objects, all of one shape."""
        height, width = shape.crop_size
        views = [self._views[n] for n in numbers]
        first, rows, cols = self._wire.up(self._rows[list(numbers)].T)[:, :, None, None]
        x, x_next = self._taps([view.x for view in views], width)
        y, y_next = self._taps([view.y for view in views], height)
        found = torch.zeros((), device=self._wire.device)
        for row, down in (y, y_next):
            for column, across in (x, x_next):
                at_row, at_column = row[:, :, None], column[:, None]
                inside = (at_row >= 0) & (at_row < rows) & (at_column >= 0) & (at_column < cols)
                place = first + at_row * cols + at_column
                colour = self._pixels[torch.where(inside, place, 0)].float()
                colour = torch.where(inside[..., None], colour, float(OUTSIDE))
                found = found + (down[:, :, None] * across[:, None])[..., None] * colour
        return (found + 0.5).to(torch.uint8)

    def _taps(
        self, lines: Sequence[tuple[float, float]], count: int
    ) -> tuple[tuple[Int64[Tensor, "n count"], Float[Tensor, "n count"]], ...]:
        """Of each crop's columns (or rows) the two of the photo between which they lie, and their weights."""
        # On the host, in double precision: it is little, and a photo may be wide.
        start, step = np.array(lines, np.float64).T[:, :, None]
        position = start + step * np.arange(count)
        before = np.floor(position)
        beyond = self._wire.up((position - before).astype(np.float32))
        place = self._wire.up(before.astype(np.int64))
        return (place, 1 - beyond), (place + 1, beyond)

    def _halved(self, level: UInt8[Tensor, "h w 3"], size: tuple[int, int]) -> UInt8[Tensor, "half_h half_w 3"]:
        rows, down = (self._wire.up(taps) for taps in area_taps(level.shape[0], size[0]))
        columns, across = (self._wire.up(taps) for taps in area_taps(level.shape[1], size[1]))
        fewer_rows = (level[rows] * down[..., None, None]).sum(0)
        mean: Tensor = (fewer_rows[:, columns] * across[..., None]).sum(1)
        return (mean + 0.5).to(torch.uint8)


def area_taps(count: int, fewer: int) -> tuple[Int64[np.ndarray, "4 fewer"], Float32[np.ndarray, "4 fewer"]]:
    """Each of `fewer` as the mean of what it covers of `count`, at most three times as many: which, and their weights.

    An odd count leaves pieces of pixels.
    """
    side = count / fewer
    begin = np.arange(fewer) * side
    index = np.floor(begin) + np.arange(4)[:, None]
    covered = np.minimum(begin + side, index + 1) - np.maximum(begin, index)
    weights = np.maximum(covered, 0) / side
    return np.minimum(index, count - 1).astype(np.int64), weights.astype(np.float32)
