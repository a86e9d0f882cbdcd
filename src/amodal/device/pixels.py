"""Between cells and pixels, of all objects of a batch at once: `methods/pixels.py` for a device.

The pixels of all windows lie one behind the other, each window down its columns (as run lengths go). One place more,
the last, stands for no pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from amodal.device.layout import Thing
from amodal.device.wire import Wire
from amodal.methods.pixels import LEAST_PROBABILITY

NEVER = -1e9
"""What nobody's pixel gains: so little that whoever is real is better, and still a number to calculate with."""


@dataclass(frozen=True, eq=False)
class Maps:
    """What order and labels depend on (`reasoning/layers.py`), of every pixel and of no pixel.

    Attributes:
        gain: g = f − h, what owning the pixel adds.
        price: d = c − h, what being absent costs that would rather be called hidden.
        rest: h, the better of hidden and absent.
    """

    gain: Float[Tensor, " pixels_1"]
    price: Float[Tensor, " pixels_1"]
    rest: Float[Tensor, " pixels_1"]

    def where(self, taken: Bool[Tensor, " pixels_1"], other: Maps) -> Maps:
        """The other's where it is taken."""
        return Maps(
            torch.where(taken, other.gain, self.gain),
            torch.where(taken, other.price, self.price),
            torch.where(taken, other.rest, self.rest),
        )


@dataclass(frozen=True, eq=False)
class Pixels:
    """Where every pixel lies among the cells of its object.

    Attributes:
        owner: whose window it is of; the number of objects for no pixel. [pixels + 1].
        corner: place of the cell up and left of it among all cells; [pixels].
        below: of the cell below that; [pixels].
        across, down: how far it lies towards the next cell, 0 to 1; [pixels].
        covered: how much of each cell its object's window covers, in pixels; [cells].
    """

    owner: Int64[Tensor, " pixels_1"]
    corner: Int64[Tensor, " pixels"]
    below: Int64[Tensor, " pixels"]
    across: Float[Tensor, " pixels"]
    down: Float[Tensor, " pixels"]
    covered: Float[Tensor, " cells"]

    def maps(self, posteriors: Float[Tensor, "cells 3"]) -> Maps:
        """Posteriors of F, O and C on cells, bilinearly on pixels, as logs."""
        across, down = self.across[:, None], self.down[:, None]
        above = torch.lerp(posteriors[self.corner], posteriors[self.corner + 1], across)
        below = torch.lerp(posteriors[self.below], posteriors[self.below + 1], across)
        logs = torch.lerp(above, below, down).clamp_min_(LEAST_PROBABILITY).log_()
        foreground, occluded, context = logs.unbind(1)
        rest = torch.maximum(occluded, context)
        return Maps(
            torch.nn.functional.pad(foreground - rest, (0, 1), value=NEVER),
            torch.nn.functional.pad(context - rest, (0, 1)),
            torch.nn.functional.pad(rest, (0, 1)),
        )

    def share_of_cells(self, visible: Bool[Tensor, " pixels"]) -> Float[Tensor, " cells"]:
        """How much of each cell is visible; surroundings beyond the box count as visible."""
        hidden = self._on_cells((~visible).float())
        return 1 - hidden / self.covered.clamp_min(1e-6)

    def _on_cells(self, weight: Float[Tensor, " pixels"]) -> Float[Tensor, " cells"]:
        return spread(weight, self.corner, self.below, self.across, self.down, len(self.covered))


def pixels_of(things: Sequence[Thing], first_cell: Int64[np.ndarray, " things"], cells: int, wire: Wire) -> Pixels:
    """The pixels of all windows; an object's cells begin at `first_cell`."""
    windows = np.array([thing.window for thing in things], np.int64)
    sides = windows[:, 2:] - windows[:, :2]
    count = sides.prod(1)
    total = int(count.sum())
    shapes = np.array([thing.lattice.shape.padded for thing in things], np.int64)
    whole = wire.up(np.stack([first_pixels(windows), sides[:, 1], first_cell, *shapes.T, count]))
    first_pixel, height, cell, rows, cols, repeats = whole
    start_x, step_x, start_y, step_y = wire.up(np.array([_positions(thing) for thing in things], np.float32).T)
    device = wire.device
    owner = torch.repeat_interleave(torch.arange(len(things), device=device), repeats, output_size=total)
    number = torch.arange(total, device=device) - first_pixel[owner]
    column = number // height[owner]
    row = number - column * height[owner]
    left, across = _between(start_x[owner] + step_x[owner] * column, cols[owner])
    top, down = _between(start_y[owner] + step_y[owner] * row, rows[owner])
    corner = cell[owner] + top * cols[owner] + left
    below = corner + cols[owner]
    covered = spread(torch.ones_like(across), corner, below, across, down, cells)
    return Pixels(torch.nn.functional.pad(owner, (0, 1), value=len(things)), corner, below, across, down, covered)


def first_pixels(windows: Int64[np.ndarray, "things 4"]) -> Int64[np.ndarray, " things"]:
    """Where each window's pixels begin."""
    count = (windows[:, 2:] - windows[:, :2]).prod(1)
    first: Int64[np.ndarray, " things"] = np.cumsum(count) - count
    return first


def spread(
    weight: Float[Tensor, " pixels"],
    corner: Int64[Tensor, " pixels"],
    below: Int64[Tensor, " pixels"],
    across: Float[Tensor, " pixels"],
    down: Float[Tensor, " pixels"],
    cells: int,
) -> Float[Tensor, " cells"]:
    """Carries pixels to the four cells around them, by the weights of `Pixels.maps`."""
    found = torch.zeros(cells, device=weight.device)
    upper, lower = weight * (1 - down), weight * down
    found.index_add_(0, corner, upper * (1 - across))
    found.index_add_(0, corner + 1, upper * across)
    found.index_add_(0, below, lower * (1 - across))
    return found.index_add_(0, below + 1, lower * across)


def _positions(thing: Thing) -> tuple[float, float, float, float]:
    """Where the window's first pixel lies among cell centres, and how far it is to the next: x, then y."""
    left, top, _, _ = thing.lattice.padded_box
    width, height = thing.lattice.cell_size
    x0, y0, _, _ = thing.window
    return (x0 + 0.5 - left) / width - 0.5, 1 / width, (y0 + 0.5 - top) / height - 0.5, 1 / height


def _between(
    position: Float[Tensor, " pixels"], cells: Int64[Tensor, " pixels"]
) -> tuple[Int64[Tensor, " pixels"], Float[Tensor, " pixels"]]:
    """The cell before a position and how far it lies beyond its centre; the end cell is held."""
    held = torch.minimum(position.clamp_min(0), (cells - 1).float())
    before = torch.minimum(held.floor().long(), cells - 2)
    return before, held - before
