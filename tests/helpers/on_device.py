"""Objects with random evidence, as reasoning on the host takes them and as it lies on a device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from amodal.device.layout import Layout, lay_out
from amodal.device.pixels import NEVER, Maps, first_pixels
from amodal.device.stacks import Stack, stacks_of
from amodal.device.wire import Wire
from amodal.reasoning import Evidence

WIRE = Wire(torch.device("cpu"))


@dataclass(frozen=True, eq=False)
class Drawn:
    """The objects of one photo, numbered as in the layout."""

    layout: Layout
    evidences: list[Evidence]

    @property
    def labelled(self) -> list[Stack]:
        return self._stacks(self.layout.labelled)

    @property
    def sampled(self) -> list[Stack]:
        return self._stacks(self.layout.sampled)

    @property
    def maps(self) -> Maps:
        return maps_of(self.evidences)

    def _stacks(self, regions) -> list[Stack]:
        windows = self.layout.windows
        return stacks_of(regions, windows, first_pixels(windows), WIRE)


def drawn(seed: int, count: int, *, side: int = 60, size: tuple[int, int] = (80, 120)) -> Drawn:
    """So many boxes that all lie near the middle of a photo."""
    random = np.random.default_rng(seed)
    height, width = size
    corner = random.uniform([0, 0], [width - side, height - side], (count, 2)).round(1)
    boxes = np.concatenate([corner, corner + random.uniform(side / 3, side, (count, 2)).round(1)], 1)
    layout = lay_out([size], [boxes], [[None] * count])
    return Drawn(layout, evidences_of(layout, random))


def evidences_of(layout: Layout, random: np.random.Generator) -> list[Evidence]:
    """Evidence that changes slowly from pixel to pixel."""
    found = []
    for thing in layout.things:
        x0, y0, x1, y1 = thing.window
        noise = gaussian_filter(random.normal(size=(3, y1 - y0, x1 - x0)), (0, 4, 4), mode="nearest")
        maps = (30 * noise).astype(np.float32)
        found.append(Evidence(thing.window, *maps, thing.lattice.box, thing.lattice.cell_area))
    return found


def maps_of(evidences: list[Evidence]) -> Maps:
    """The same as a device has it: windows one behind the other, down their columns, then no pixel."""
    parts = {
        name: np.concatenate([*(getattr(one, name).ravel(order="F") for one in evidences), [nothing]])
        for name, nothing in (("gain", NEVER), ("price", 0.0), ("rest", 0.0))
    }
    return Maps(**{name: torch.from_numpy(values.astype(np.float32)) for name, values in parts.items()})


def ranks(order, count: int) -> torch.Tensor:
    """The place of each object of an order, front to back, and of nobody."""
    rank = torch.full((count + 1,), count + 1)
    rank[list(order)] = torch.arange(len(order))
    return rank
