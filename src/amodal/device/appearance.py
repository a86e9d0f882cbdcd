"""What pixels say of each pair's order: `reasoning/appearance.py` for all pairs of a batch at once.

The mean of two witnesses: the pair as if it were alone, and the pair among all others, in the order that J likes best.
That order is searched for by single moves of objects from two starts, so many at most, since nobody waits to hear
whether one more would help; after a correction, by a few more from where it was. The search on the host goes on until
no move helps, anew after each correction, and tries every order of up to six objects; where the two end in different
orders, what pixels say of some pair may differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from amodal.device.layout import Layout
from amodal.device.pixels import NEVER, Maps
from amodal.device.regions import directed_between
from amodal.device.stacks import Scores, Stack, quarrelled, scores_in, scores_of, values
from amodal.device.wire import Wire
from amodal.reasoning.appearance import PSEUDO_CELLS

MOVES, MOVES_AGAIN = 8, 3
LEAST_GAIN = 1e-4
"""In cells' log-evidence: sums of float32 differ by rounding; a move has to gain more than that."""


@dataclass(frozen=True, eq=False)
class Tables:
    """What belongs to a batch's pairs and clusters, on the device.

    Attributes:
        pairs: objects i < j; [pairs, 2].
        scale_of_pair, scale: of samples, by pair and by cluster.
        members: of each cluster with three objects or more, ascending, then the number of objects; [crowds, most].
        directed: of each two of them, see `directed_between`; [crowds, most, most].
        crowd: the number of each such cluster among all; [crowds].
        in_crowd: of each pair, whether there is a third object.
    """

    pairs: Int64[Tensor, "pairs 2"]
    scale_of_pair: Float[Tensor, " pairs"]
    scale: Float[Tensor, " clusters"]
    members: Int64[Tensor, "crowds most"]
    directed: Int64[Tensor, "crowds most most"]
    crowd: Int64[Tensor, " crowds"]
    in_crowd: Tensor

    @classmethod
    def of(cls, layout: Layout, wire: Wire) -> Tables:
        """Those of a layout."""
        crowds = [cluster for cluster in layout.clusters if len(cluster.members) > 2]
        most = max((len(cluster.members) for cluster in crowds), default=0)
        members = np.full((len(crowds), most), len(layout.things), np.int64)
        for row, cluster in enumerate(crowds):
            members[row, : len(cluster.members)] = cluster.members
        numbers = np.array([cluster.number for cluster in crowds], np.int64)
        return cls(
            pairs=wire.up(layout.pairs),
            scale_of_pair=wire.up(layout.scale[layout.cluster_of_pair]),
            scale=wire.up(layout.scale),
            members=wire.up(members),
            directed=wire.up(directed_between(members, layout.pairs, len(layout.things))),
            crowd=wire.up(numbers),
            in_crowd=wire.up(np.isin(layout.cluster_of_pair, numbers)),
        )


def appearance(
    stacks: list[Stack], maps: Maps, tables: Tables, things: int, before: Int64[Tensor, " things_1"] | None = None
) -> tuple[Float[Tensor, " pairs"], Int64[Tensor, " things_1"] | None]:
    """Log ratio of the evidence for i in front of j to the evidence against it, of every pair.

    And the order that J likes best; `before` is the one of earlier maps. None where no cluster has a third object.
    """
    shared = list(quarrelled(stacks))
    alone, votes = _alone(shared, maps, tables)
    if not len(tables.crowd):
        return alone, None
    if before is None:
        starts = torch.stack([_wishes(votes, tables, things), _strengths(stacks, maps, things)])
        rank = _ranked(starts[:, tables.members].argsort(stable=True, dim=-1, descending=True), tables, things)
        liked = _better_of(shared, maps, tables, _climbed(shared, maps, tables, rank, MOVES))
    else:
        liked = _climbed(shared, maps, tables, before[None], MOVES_AGAIN)[0]
    among = _flipped(shared, maps, tables, liked)
    return torch.where(tables.in_crowd, 0.5 * (alone + among), alone), liked


def _alone(stacks: list[Stack], maps: Maps, tables: Tables) -> tuple[Float[Tensor, " pairs"], Float[Tensor, " pairs"]]:
    """The first witness; and its bare sum, as a vote from -1 to 1."""
    favour, total = _table(tables), _table(tables)
    for stack in stacks:
        gain, price = maps.gain[stack.place], maps.price[stack.place]
        one, other = gain[..., :, None], gain[..., None, :]
        first = torch.maximum(one, other + price[..., :, None]).clamp_min(0)
        second = torch.maximum(other, one + price[..., None, :]).clamp_min(0)
        _add(favour, total, stack.directed[None], (first - second)[None])
    ratio = _log_ratios(favour[0], total[0], tables.scale_of_pair)
    return ratio, torch.tanh(tables.scale_of_pair * total[0, :-1].view(-1, 2)[:, 0] / 2)


def _flipped(
    stacks: list[Stack], maps: Maps, tables: Tables, rank: Int64[Tensor, " things_1"]
) -> Float[Tensor, " pairs"]:
    """The second witness: what would be lost if the two were exchanged and all other relations stayed."""
    favour, total = _table(tables), _table(tables)
    for stack in stacks:
        permutation = stack.permutation(rank[None])
        scores = scores_of(stack, maps, permutation)
        front, behind = scores.own[..., :, None], scores.own[..., None, :]
        others = _best_without(scores.own)
        now = torch.maximum(torch.maximum(front, behind), others)
        front = front + scores.price[..., None, :]
        behind = behind - scores.price[..., :, None]
        gains = now - torch.maximum(torch.maximum(front, behind), others)
        in_order = torch.ones(stack.depth, stack.depth, dtype=torch.bool, device=rank.device).triu(1)
        nobody = torch.full((), 2 * len(tables.pairs), device=rank.device)
        _add(favour, total, torch.where(in_order, stack.directed_in(permutation), nobody), gains)
    in_front, behind_it = favour[0, :-1].view(-1, 2).unbind(1), total[0, :-1].view(-1, 2).unbind(1)
    says = [_log_ratio(one, whole, tables.scale_of_pair) for one, whole in zip(in_front, behind_it, strict=True)]
    return says[0] - says[1]  # one of the two has no samples, and says nothing


def _best_without(own: Tensor) -> Tensor:
    """Of every two of a stack: the best score of the others and of nobody."""
    depth = own.shape[-1]
    place = torch.arange(depth, device=own.device)
    top = own.topk(min(3, depth), -1)
    found = torch.zeros((), device=own.device)
    for number in range(top.values.shape[-1]):  # from the best on: the first that is neither of the two
        whose = top.indices[..., number, None, None]
        is_one = (whose == place[:, None]) | (whose == place)
        value = torch.where(is_one, torch.full((), NEVER, device=own.device), top.values[..., number, None, None])
        found = torch.maximum(found, value)
    return found


def _climbed(
    stacks: list[Stack], maps: Maps, tables: Tables, rank: Int64[Tensor, "orders things_1"], moves: int
) -> Int64[Tensor, "orders things_1"]:
    """Where so many moves lead, at most."""
    filled = [(stack, maps.gain[stack.place], maps.price[stack.place]) for stack in stacks]
    for _ in range(min(moves, tables.members.shape[1])):
        rank = _moved(filled, tables, rank)
    return rank


def _better_of(
    stacks: list[Stack], maps: Maps, tables: Tables, rank: Int64[Tensor, "two things_1"]
) -> Int64[Tensor, " things_1"]:
    """Of two orders of every cluster the one with the larger J."""
    value = tables.scale * values(stacks, maps, rank, len(tables.scale))
    second = value[1] > value[0] + 1e-6 * (1 + value[0].abs())
    of_thing = torch.zeros_like(rank[0], dtype=torch.bool)
    of_thing.scatter_(0, tables.members.flatten(), second[tables.crowd][:, None].expand_as(tables.members).flatten())
    return torch.where(of_thing, rank[1], rank[0])


def _moved(
    filled: Sequence[tuple[Stack, Tensor, Tensor]], tables: Tables, rank: Int64[Tensor, "orders things_1"]
) -> Int64[Tensor, "orders things_1"]:
    """In each cluster and order the one move of one object that raises J most."""
    passing = _table(tables, len(rank))
    for stack, gain, price in filled:
        permutation = stack.permutation(rank)
        gains = _gains_of_passing(scores_in(permutation, gain, price)).sum(2, dtype=torch.float64)
        passing.scatter_add_(1, stack.directed_in(permutation).flatten(1), gains.flatten(1))
    passing[:, -1] = 0
    most = tables.members.shape[1]
    order = rank[:, tables.members].argsort(stable=True, dim=-1)  # place in the order -> place among members
    by_member = passing[:, tables.directed]
    rows = by_member.gather(2, order[..., None].expand_as(by_member))
    by_place = rows.gather(3, order[:, :, None].expand_as(rows))
    # To come to a place, an object passes all on the way.
    gain = by_place.triu(1).cumsum(-1) + by_place.tril(-1).flip(-1).cumsum(-1).flip(-1)
    best, where = (tables.scale[tables.crowd][:, None] * gain.flatten(2)).max(-1)
    start, end = where[..., None] // most, where[..., None] % most
    place = torch.arange(most, device=rank.device)
    later = ((place >= start) & (place < end)).long() - ((place > end) & (place <= start)).long()
    source = torch.where(place == end, start, place + later)
    source = torch.where((best > LEAST_GAIN)[..., None], source, place)
    return _ranked(order.gather(-1, source), tables, rank.shape[1] - 1)


def _gains_of_passing(scores: Scores) -> Float[Tensor, "orders blocks block depth depth"]:
    """[a, b]: what a gains by passing b, after it has passed all between them."""
    depth = scores.own.shape[-1]
    place = torch.arange(depth, device=scores.own.device)
    nothing = torch.full((), NEVER, device=scores.own.device)
    # ranges[i, j]: the best from i to j
    ranges = torch.where(place >= place[:, None], scores.own[..., None, :], nothing).cummax(-1).values
    before, behind = scores.before, scores.behind
    price, gain = scores.price[..., :, None], scores.gain[..., :, None]
    # a comes to stand before b: those from b on pay for it
    between = functional.pad(ranges.transpose(-1, -2)[..., :-1, :], (0, 0, 1, 0), value=NEVER)
    earlier = torch.maximum(gain + scores.paid[..., None, :], between + price)
    earlier = torch.maximum(torch.maximum(earlier, before[..., None, :]), behind[..., :, None])
    # a comes to stand behind b: those up to b no longer pay
    between = functional.pad(ranges[..., 1:, :], (0, 0, 0, 1), value=NEVER)
    later = torch.maximum(gain + (scores.paid + scores.price)[..., None, :] - price, between - price)
    later = torch.maximum(torch.maximum(later, before[..., :, None]), behind[..., None, :])
    moved = torch.where(place < place[:, None], earlier, later).clamp_min(0)
    moved = torch.where(place == place[:, None], scores.best[..., None, None], moved)
    forward = functional.pad(moved[..., 1:] - moved[..., :-1], (1, 0))
    backward = functional.pad(moved[..., :-1] - moved[..., 1:], (0, 1))
    return torch.where(place > place[:, None], forward, torch.where(place < place[:, None], backward, 0.0))


def _ranked(
    order: Int64[Tensor, "orders crowds most"], tables: Tables, things: int
) -> Int64[Tensor, "orders things_1"]:
    """The place of every object in the order of its cluster; nobody comes last."""
    who = tables.members.expand(len(order), -1, -1).gather(-1, order).flatten(1)
    place = torch.arange(order.shape[-1], device=order.device).expand_as(order).flatten(1)
    rank = torch.zeros((len(order), things + 1), dtype=torch.int64, device=order.device).scatter_(1, who, place)
    rank[:, -1] = things + 1
    return rank


def _wishes(votes: Float[Tensor, " pairs"], tables: Tables, things: int) -> Float[Tensor, " things_1"]:
    wish = torch.zeros(things + 1, dtype=torch.float64, device=votes.device)
    wish.index_add_(0, tables.pairs[:, 0], votes).index_add_(0, tables.pairs[:, 1], -votes)
    return _nobody_last(wish)


def _strengths(stacks: list[Stack], maps: Maps, things: int) -> Float[Tensor, " things_1"]:
    strength = torch.zeros(things + 1, dtype=torch.float64, device=maps.gain.device)
    for stack in stacks:
        own = maps.gain[stack.place].clamp_min(0).sum(1, dtype=torch.float64)
        strength.index_add_(0, stack.under.flatten(), own.flatten())
    return _nobody_last(strength)


def _nobody_last(score: Tensor) -> Tensor:
    score[-1] = -torch.inf
    return score


def _table(tables: Tables, orders: int = 1) -> Float[Tensor, "orders directed_1"]:
    return torch.zeros((orders, 2 * len(tables.pairs) + 1), dtype=torch.float64, device=tables.pairs.device)


def _add(favour: Tensor, total: Tensor, directed: Tensor, gains: Tensor) -> None:
    """Sums over samples, positive ones and all, into the tables."""
    where = directed.flatten(1)
    favour.scatter_add_(1, where, gains.clamp_min(0).sum(2, dtype=torch.float64).flatten(1))
    total.scatter_add_(1, where, gains.sum(2, dtype=torch.float64).flatten(1))


def _log_ratios(favour: Tensor, total: Tensor, scale: Tensor) -> Float[Tensor, " pairs"]:
    """Of (i, j), i < j."""
    return _log_ratio(favour[:-1].view(-1, 2)[:, 0], total[:-1].view(-1, 2)[:, 0], scale)


def _log_ratio(favour: Tensor, total: Tensor, scale: Tensor) -> Float[Tensor, " pairs"]:
    against = (scale * (favour - total)).clamp_min(0)
    return torch.log((scale * favour + PSEUDO_CELLS) / (against + PSEUDO_CELLS))
