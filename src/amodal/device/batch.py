"""One batch on the device, from crops to labels: reads from top to bottom.

With two rounds of self-correction the host waits four times at most: for what pixels say of pairs, for the same after
each round, and for the masks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64, UInt8
from torch import Tensor

from amodal.device.appearance import Tables, appearance
from amodal.device.layout import Layout
from amodal.device.looked import DeviceModel, Reading
from amodal.device.orders import Orders
from amodal.device.pixels import Maps, Pixels, first_pixels, pixels_of
from amodal.device.stacks import Stack, gains_of_others, labels, rests, stacks_of, values
from amodal.device.wire import Wire

VISIBLE, WHOLE, CLAIMED = 1, 2, 4
"""Bits of what is said of a pixel: owned, there, and what the object would own if it were alone."""

Decide = Callable[[Float64[np.ndarray, " pairs"], Sequence[Reading]], Orders]
"""What pixels say of pairs, and what every object was first taken for: the orders that follow."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came back from the device.

    Attributes:
        bits: of every pixel of every window, windows one behind the other, each down its columns.
        readings: what every object is taken for, and how sure its class is.
        orders: of all clusters.
    """

    bits: UInt8[np.ndarray, " pixels"]
    readings: tuple[tuple[Reading, float], ...]
    orders: Orders


@dataclass(frozen=True, eq=False)
class _State:
    """What is believed of the objects at present: what they are taken for, how surely, and the maps that follow."""

    reading: Int64[Tensor, " things"]
    sure: Float[Tensor, " things"]
    maps: Maps


@torch.inference_mode()
def run_batch(
    model: DeviceModel,
    photos: Sequence[UInt8[np.ndarray, "h w 3"]],
    layout: Layout,
    decide: Decide,
    rounds: int,
    wire: Wire,
) -> Outcome:
    """Look at all objects, find order and labels, correct them in at most so many rounds."""
    scene = _Scene(model, photos, layout, wire)
    first = state = scene.look()
    claimed = state.maps.gain > 0
    says, liked = appearance(scene.sampled, state.maps, scene.tables, scene.count)
    heard, readings = wire.down(says, state.reading)
    orders = decide(heard, scene.names(readings))
    rank = wire.up(orders.rank)
    found, hides = labels(scene.labelled, state.maps, rank)
    corrections: list[tuple[Orders, Tensor]] = []
    for _ in range(rounds if layout.clusters else 0):
        state, changed = scene.corrected(state, first, found[2], hides, rank)
        says, liked = appearance(scene.sampled, state.maps, scene.tables, scene.count, liked)
        heard, anything = wire.down(says, changed.any())
        if not anything:
            break
        following = decide(heard, scene.names(readings))
        rank, better = scene.better_order(state.maps, rank, wire.up(following.rank), changed)
        corrections.append((following, better))
        found, hides = labels(scene.labelled, state.maps, rank)
    bits = found[0] * VISIBLE + found[1] * WHOLE + claimed * CLAIMED
    pixels, final, sure, *were_better = wire.down(
        bits[:-1].to(torch.uint8), state.reading, state.sure, *(better for _, better in corrections)
    )
    for (following, _), taken in zip(corrections, were_better, strict=True):
        orders = orders.where(taken, following, layout)
    taken_for = zip(scene.names(final), sure.tolist(), strict=True)
    return Outcome(pixels, tuple(taken_for), orders)


class _Scene:
    """What does not change while a batch is reasoned about."""

    def __init__(
        self, model: DeviceModel, photos: Sequence[UInt8[np.ndarray, "h w 3"]], layout: Layout, wire: Wire
    ) -> None:
        windows = layout.windows
        first = first_pixels(windows)
        self._temperature = model.model.temperature
        self._looked = model.look(photos, layout.things)
        first_cell, cells = np.zeros(len(windows), np.int64), 0
        for group in self._looked:
            own = group.inside.shape[1]
            first_cell[list(group.numbers)] = cells + own * np.arange(len(group.numbers))
            cells += own * len(group.numbers)
        self._pixels: Pixels = pixels_of(layout.things, first_cell, cells, wire)
        self.labelled: list[Stack] = stacks_of(layout.labelled, windows, first, wire)
        self.sampled: list[Stack] = stacks_of(layout.sampled, windows, first, wire)
        self.tables = Tables.of(layout, wire)
        self.count = len(layout.things)
        cluster_of = np.full(self.count + 1, len(layout.clusters), np.int64)
        for cluster in layout.clusters:
            cluster_of[cluster.members] = cluster.number
        self._cluster_of = wire.up(cluster_of)
        self._clusters = len(layout.clusters)

    def names(self, reading: Int64[np.ndarray, " things"]) -> list[Reading]:
        """What the objects' readings are called."""
        found = {n: group.readings[reading[n]] for group in self._looked for n in group.numbers}
        return [found[n] for n in range(self.count)]

    def look(self) -> _State:
        """What each object is taken for by itself."""
        return self._read(*self._chosen([group.inside for group in self._looked]))

    def corrected(
        self, state: _State, first: _State, explained: Tensor, hides: Tensor, rank: Int64[Tensor, " things_1"]
    ) -> tuple[_State, Bool[Tensor, " things"]]:
        """One round of self-correction, and for which objects it changes anything.

        Every object that is partly hidden is scored again on what its own model has to explain. On the host its new
        maps are tried one object after the other; here all at once, each beside the others' old ones. Where J of a
        cluster would then fall, only that object is corrected there that gains most.
        """
        reading, sure = self._rescored(first, explained)
        wanted = hides[:-1] & (reading != state.reading)
        proposed = self._read(torch.where(wanted, reading, state.reading), torch.where(wanted, sure, state.sure))
        gain = gains_of_others(self.sampled, state.maps, proposed.maps, rank)[:-1]
        taken = wanted & (gain >= 0)
        fell = self._value(self._mixed(state, proposed, taken).maps, rank) < self._value(state.maps, rank)
        cluster = self._cluster_of[:-1]
        most = torch.full((self._clusters + 1,), -torch.inf, dtype=gain.dtype, device=gain.device)
        most.scatter_reduce_(0, cluster, torch.where(taken, gain, -torch.inf), "amax")
        taken &= ~fell[cluster] | (gain == most[cluster])
        return self._mixed(state, proposed, taken), taken

    def better_order(
        self,
        maps: Maps,
        old: Int64[Tensor, " things_1"],
        new: Int64[Tensor, " things_1"],
        changed: Bool[Tensor, " things"],
    ) -> tuple[Int64[Tensor, " things_1"], Bool[Tensor, " clusters"]]:
        """The new order of those clusters where J, over the same samples, does not fall by it; and which these are.

        Where no object has changed the old order stays, so that a photo's scene is not another in other company.
        """
        before, after = values(self.sampled, maps, torch.stack([old, new]), self._clusters)
        touched = torch.zeros(self._clusters + 1, dtype=torch.bool, device=changed.device)
        touched.scatter_(0, torch.where(changed, self._cluster_of[:-1], self._clusters), True)
        better = (after >= before) & touched[:-1]
        return torch.where(torch.nn.functional.pad(better, (0, 1))[self._cluster_of], new, old), better

    def _rescored(self, first: _State, explained: Tensor) -> tuple[Tensor, Tensor]:
        """The best reading on what is to be explained; where that is less than a cell, what was thought at first."""
        share = self._pixels.share_of_cells(explained[:-1])
        weights, enough, begin = [], torch.zeros_like(first.reading, dtype=torch.bool), 0
        for group in self._looked:
            weight = group.inside * share[begin : begin + group.inside.numel()].view_as(group.inside)
            begin += group.inside.numel()
            weights.append(weight)
            enough.index_copy_(0, group.objects, weight.sum(1) >= 1)
        reading, sure = self._chosen(weights)
        return torch.where(enough, reading, first.reading), torch.where(enough, sure, first.sure)

    def _chosen(self, weights: Sequence[Float[Tensor, "n cells"]]) -> tuple[Tensor, Tensor]:
        device = self._pixels.owner.device
        reading = torch.zeros(self.count, dtype=torch.int64, device=device)
        sure = torch.zeros(self.count, device=device)
        for group, weight in zip(self._looked, weights, strict=True):
            own, confidence = group.choose(weight)
            reading.index_copy_(0, group.objects, own)
            sure.index_copy_(0, group.objects, confidence)
        return reading, sure

    def _read(self, reading: Tensor, sure: Tensor) -> _State:
        cells = [group.posteriors(reading[group.objects], self._temperature) for group in self._looked]
        return _State(reading, sure, self._pixels.maps(torch.cat(cells)))

    def _mixed(self, state: _State, proposed: _State, taken: Bool[Tensor, " things"]) -> _State:
        of_pixel = torch.nn.functional.pad(taken, (0, 1))[self._pixels.owner]
        return replace(
            state,
            reading=torch.where(taken, proposed.reading, state.reading),
            sure=torch.where(taken, proposed.sure, state.sure),
            maps=state.maps.where(of_pixel, proposed.maps),
        )

    def _value(self, maps: Maps, rank: Tensor) -> Float[Tensor, " clusters_1"]:
        """J of each cluster; the last place is that of objects alone."""
        found = values(self.sampled, maps, rank[None], self._clusters)[0] + rests(self.sampled, maps, self._clusters)
        return torch.nn.functional.pad(found, (0, 1))
