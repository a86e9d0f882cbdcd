"""Samples with all that lies above each other there, front to back: what labels, pairs and J are calculated on.

With g and d of `reasoning/layers.py` a candidate owner scores g plus the d of all in front of it, nobody scores 0. All
functions work on [orders, blocks, BLOCK, depth]: several orders of the same objects may be looked at together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from amodal.device.pixels import NEVER, Maps
from amodal.device.regions import Regions
from amodal.device.wire import Wire

BLOCK = 64
"""Samples of one rectangle that are summed up before anything is added to a table."""

_MOST = 1 << 25  # numbers of one array: samples × depth² of two orders


@dataclass(frozen=True, eq=False)
class Stack:
    """Blocks of samples under at most `depth` windows.

    Attributes:
        place: of each sample under each window among all pixels, the last one where there is none.
        under: whose windows these are, the number of objects for nobody.
        directed: of each two of them, see `directed_between`.
        cluster: whose samples these are.
    """

    place: Int64[Tensor, "blocks block depth"]
    under: Int64[Tensor, "blocks depth"]
    directed: Int64[Tensor, "blocks depth depth"]
    cluster: Int64[Tensor, " blocks"]

    @property
    def depth(self) -> int:
        """How many windows."""
        return self.under.shape[1]

    def permutation(self, rank: Int64[Tensor, "orders things_1"]) -> Int64[Tensor, "orders blocks depth"]:
        """Which of its windows comes first, second, ...; nobody's come last."""
        return rank[:, self.under].argsort(stable=True, dim=-1)

    def laid(
        self, values: Float[Tensor, " pixels_1"], permutation: Tensor
    ) -> Float[Tensor, "orders blocks block depth"]:
        """Values of pixels on the samples, front to back."""
        return in_order(values[self.place], permutation)

    def directed_in(self, permutation: Tensor) -> Int64[Tensor, "orders blocks depth depth"]:
        """`directed`, front to back both ways."""
        own = self.directed.expand(len(permutation), -1, -1, -1)
        rows = own.gather(2, permutation[..., None].expand_as(own))
        return rows.gather(3, permutation[:, :, None].expand_as(rows))


def stacks_of(
    by_depth: dict[int, Regions],
    windows: Int64[np.ndarray, "things 4"],
    first: Int64[np.ndarray, " things"],
    wire: Wire,
) -> list[Stack]:
    """The samples of all regions; `first` is where each window's pixels begin."""
    sides = windows[:, 2:] - windows[:, :2]
    nowhere = int(sides.prod(1).sum())
    # Of nobody all is 0, but for where its pixels begin.
    table = np.concatenate([windows[:, :2], sides[:, 1:], first[:, None]], 1)
    things = wire.up(np.concatenate([table, [[0, 0, 0, nowhere]]]))
    found = []
    for depth, regions in by_depth.items():
        blocks = -(-regions.box[:, 2:].prod(1) // BLOCK)
        most = max(1, _MOST // (2 * BLOCK * depth**2))
        owner = np.repeat(np.arange(len(blocks)), blocks)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(blocks) - blocks, blocks)
        for part in (slice(start, start + most) for start in range(0, len(owner), most)):
            found.append(_stack(regions, owner[part], within[part], things, nowhere, wire))
    return found


def _stack(regions: Regions, owner: np.ndarray, within: np.ndarray, things: Tensor, nowhere: int, wire: Wire) -> Stack:
    region = np.concatenate([regions.box, regions.grid], 1)[owner]
    left, top, _, rows, step, x0, y0 = (column[:, None] for column in wire.up(region.T))
    number = wire.up(within)[:, None] * BLOCK + torch.arange(BLOCK, device=wire.device)
    across = number // rows
    x = (left + across) * step + x0
    y = (top + number - across * rows) * step + y0
    under = wire.up(regions.under[owner])
    begin_x, begin_y, height, first = things[under].unbind(-1)
    place = (x[..., None] - begin_x[:, None]) * height[:, None] + y[..., None] - begin_y[:, None] + first[:, None]
    beyond = number >= wire.up(region[:, 2] * region[:, 3])[:, None]
    nobody = (under == len(things) - 1)[:, None]
    place = torch.where(beyond[..., None] | nobody, nowhere, place)
    return Stack(place, under, wire.up(regions.directed[owner]), wire.up(regions.cluster[owner]))


@dataclass(frozen=True, eq=False)
class Scores:
    """Of samples in an order, front to back.

    Attributes:
        gain, price: g and d.
        paid: what those in front pay.
        own: g + paid, what each scores as owner.
        best: of all of them and nobody.
    """

    gain: Tensor
    price: Tensor
    paid: Tensor
    own: Tensor
    best: Tensor

    @property
    def before(self) -> Tensor:
        """The best of those in front of each."""
        return _shifted(self.own.cummax(-1).values, 1)

    @property
    def behind(self) -> Tensor:
        """The best of those behind each."""
        return _shifted(self.own.flip(-1).cummax(-1).values, 1).flip(-1)


def scores_of(stack: Stack, maps: Maps, permutation: Tensor) -> Scores:
    """The scores of a stack's samples."""
    return scores_in(permutation, maps.gain[stack.place], maps.price[stack.place])


def scores_in(
    permutation: Tensor, gain: Float[Tensor, "blocks block depth"], price: Float[Tensor, "blocks block depth"]
) -> Scores:
    """The scores of samples whose g and d are laid out."""
    gain, price = in_order(gain, permutation), in_order(price, permutation)
    paid = price.cumsum(-1) - price
    own = gain + paid
    return Scores(gain, price, paid, own, own.amax(-1).clamp_min(0))


def in_order(values: Float[Tensor, "blocks block depth"], permutation: Tensor) -> Tensor:
    """What lies on samples, front to back; [orders, blocks, block, depth]."""
    own = values.expand(len(permutation), -1, -1, -1)
    return own.gather(-1, permutation[:, :, None].expand_as(own))


def labels(
    stacks: list[Stack], maps: Maps, rank: Int64[Tensor, " things_1"]
) -> tuple[Bool[Tensor, "3 pixels_1"], Bool[Tensor, " things_1"]]:
    """Of every pixel of every window: owned, there (visible or hidden), and to be explained by the object's own model.

    And of each object whether another in front covers a part of it. The rules are those of `reasoning/labels.py`.
    """
    found = torch.zeros((3, len(maps.gain)), dtype=torch.bool, device=rank.device)
    hides = torch.zeros_like(rank, dtype=torch.bool)
    for stack in stacks:
        permutation = stack.permutation(rank[None])
        scores = scores_of(stack, maps, permutation)
        number = torch.arange(1, stack.depth + 1, device=rank.device)
        # Who scores more than nobody and all in front takes the sample; the last to take it owns it.
        takes = scores.own > scores.before.clamp_min(0)
        owner = (takes * number).amax(-1, keepdim=True)
        owns = owner == number
        absent = (scores.price >= 0) | (owner > number)
        covered = (owner < number) & (owner > 0)
        place = stack.place[None].gather(-1, permutation[:, :, None].expand_as(owns)).flatten()
        kinds = torch.stack([owns, owns | ~absent, owns | (absent & ~covered)])
        found.scatter_(1, place.expand(3, -1), kinds.flatten(1))
        under = stack.under[None].gather(-1, permutation)
        nobody = len(rank) - 1
        hidden = (covered & ~absent).any(2)
        hides.scatter_(0, torch.where(hidden, under, nobody).flatten(), True)
    return found, hides


def values(
    stacks: list[Stack], maps: Maps, rank: Int64[Tensor, "orders things_1"], clusters: int
) -> Float[Tensor, "orders clusters"]:
    """What is gained beside Σ rest, in each order, by each cluster."""
    found = torch.zeros((len(rank), clusters), dtype=torch.float64, device=rank.device)
    for stack in stacks:
        best = scores_of(stack, maps, stack.permutation(rank)).best
        found.index_add_(1, stack.cluster, best.sum(-1, dtype=torch.float64))
    return found


def gains_of_others(
    stacks: list[Stack], maps: Maps, proposed: Maps, rank: Int64[Tensor, " things_1"]
) -> Float[Tensor, " things_1"]:
    """What J gains by each object's proposed maps, if it alone had them."""
    found = torch.zeros(len(rank), dtype=torch.float64, device=rank.device)
    for stack in stacks:
        permutation = stack.permutation(rank[None])
        scores = scores_of(stack, maps, permutation)
        gain, price, rest = (stack.laid(part, permutation) for part in (proposed.gain, proposed.price, proposed.rest))
        others = torch.maximum(scores.before, scores.behind - scores.price + price)
        best = torch.maximum(gain + scores.paid, others).clamp_min(0)
        more = best - scores.best[..., None] + rest - stack.laid(maps.rest, permutation)
        under = stack.under[None].gather(-1, permutation)
        found.index_add_(0, under.flatten(), more.sum(2, dtype=torch.float64).flatten())
    return found


def rests(stacks: list[Stack], maps: Maps, clusters: int) -> Float[Tensor, " clusters"]:
    """Σ rest of each cluster: the part of J that no order changes."""
    found = torch.zeros(clusters, dtype=torch.float64, device=maps.rest.device)
    for stack in stacks:
        found.index_add_(0, stack.cluster, maps.rest[stack.place].sum((1, 2), dtype=torch.float64))
    return found


def quarrelled(stacks: list[Stack]) -> Iterator[Stack]:
    """Those under two windows or more: only these feel an order."""
    return (stack for stack in stacks if stack.depth > 1)


def _shifted(values: Tensor, by: int) -> Tensor:
    return torch.nn.functional.pad(values[..., :-by], (by, 0), value=NEVER)
