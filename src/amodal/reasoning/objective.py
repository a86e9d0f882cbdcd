"""J, the joint objective of an order of the objects of one cluster, and how it changes when one is moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, UInt

from amodal.reasoning.layers import Layer
from amodal.reasoning.windows import shared_crops


@dataclass(frozen=True, eq=False)
class Objective:
    """J over a fixed set of samples. Objects are 0..N-1; an order lists them front to back.

    Attributes:
        layers: one per object, on a common canvas.
        neighbours: per object the objects whose windows overlap its own, sorted.
        scale: what one sample's log-evidence counts (samples of one feature cell are one observation).
    """

    layers: tuple[Layer, ...]
    neighbours: tuple[tuple[int, ...], ...]
    scale: float

    @property
    def count(self) -> int:
        """Number of objects."""
        return len(self.layers)

    def pairs(self) -> list[tuple[int, int]]:
        """Overlapping pairs (i, j), i < j."""
        return [(i, j) for i, near in enumerate(self.neighbours) for j in near if i < j]

    def value(self, order: Sequence[int]) -> float:
        """J of an order, with the best labels."""
        best = winning_scores(self.layers, order)
        rest = sum(float(layer.rest.sum(dtype=np.float64)) for layer in self.layers)
        return self.scale * (rest + float(best.sum(dtype=np.float64)))

    def values_of_slots(self, moved: int, near: Sequence[int]) -> Float64[np.ndarray, " slots"]:
        """J, up to a constant, of putting `moved` before near[0], before near[1], …, behind the last.

        `near` are all neighbours of `moved`, front to back. Only samples in the moved window are looked at.
        """
        values: Float64[np.ndarray, " slots"] = self.scale * self._gain_of_slots(moved, near)
        return values

    def value_inside(self, n: int, order: Sequence[int], layer: Layer) -> float:
        """The part of J that depends on object n's evidence, if that evidence were `layer`."""
        best, paid = np.zeros_like(layer.gain), np.zeros_like(layer.gain)
        for m in sorted((n, *self.neighbours[n]), key=order.index):
            other = layer if m == n else self.layers[m]
            here, there = shared_crops(layer.window, other.window)
            np.maximum(best[here], other.gain[there] + paid[here], out=best[here])
            paid[here] += other.price[there]
        return self.scale * float(best.sum(dtype=np.float64) + layer.rest.sum(dtype=np.float64))

    def gains_alone(self, i: int, j: int) -> Float32[np.ndarray, "h w"]:
        """What each common sample adds to J with i in front rather than j, when there are no other objects."""
        a, b = self.layers[i], self.layers[j]
        in_a, in_b = shared_crops(a.window, b.window)
        i_first = np.maximum(np.maximum(a.gain[in_a], b.gain[in_b] + a.price[in_a]), 0)
        j_first = np.maximum(np.maximum(b.gain[in_b], a.gain[in_a] + b.price[in_b]), 0)
        gains: Float32[np.ndarray, "h w"] = i_first - j_first
        return gains

    def with_layer(self, n: int, layer: Layer) -> Objective:
        """The objective with other evidence of object n."""
        return replace(self, layers=(*self.layers[:n], layer, *self.layers[n + 1 :]))

    def flip_gains(self, order: Sequence[int]) -> dict[tuple[int, int], Float32[np.ndarray, "h w"]]:
        """Per overlapping pair (front, behind): what each common sample would lose if the two were exchanged.

        All other relations stay, so this is the pair's own evidence for the order it has.
        """
        scores, tops = _scores_and_tops(self.layers, order)
        rank = {n: k for k, n in enumerate(order)}
        gains = {}
        for pair in self.pairs():
            i, j = sorted(pair, key=rank.__getitem__)
            first, second = self.layers[i], self.layers[j]
            in_i, in_j = shared_crops(first.window, second.window)
            others = tops.best_without(i, j, shared_canvas(first, second))
            now = np.maximum(np.maximum(scores[i][in_i], scores[j][in_j]), others)
            flipped_i = scores[i][in_i] + second.price[in_j]
            flipped_j = scores[j][in_j] - first.price[in_i]
            gains[i, j] = now - np.maximum(np.maximum(flipped_i, flipped_j), others)
        return gains

    def _gain_of_slots(self, moved: int, near: Sequence[int]) -> Float64[np.ndarray, " slots"]:
        layer = self.layers[moved]
        slots = len(near) + 1
        # Loops over slots, not accumulate(axis=0): that walks the wrong way through memory, ten times slower.
        best = np.empty((slots, *layer.gain.shape), np.float32)  # by whoever stands before the slot
        paid = np.empty_like(best)  # likewise
        best[0], paid[0] = 0, 0
        scores = []
        for k, n in enumerate(near):
            here, there = shared_crops(layer.window, self.layers[n].window)
            scores.append((here, self.layers[n].gain[there] + paid[k][here]))
            best[k + 1], paid[k + 1] = best[k], paid[k]
            np.maximum(best[k + 1][here], scores[k][1], out=best[k + 1][here])
            paid[k + 1][here] += self.layers[n].price[there]
        paid += layer.gain
        np.maximum(best, paid, out=best)
        behind = np.full(layer.gain.shape, -np.inf, np.float32)
        for k in reversed(range(len(near))):
            here, score = scores[k]
            np.maximum(behind[here], score + layer.price[here], out=behind[here])
            np.maximum(best[k], behind, out=best[k])
        sums: Float64[np.ndarray, " slots"] = best.reshape(slots, -1).sum(axis=1, dtype=np.float64)
        return sums


def winning_scores(layers: Sequence[Layer], order: Sequence[int]) -> Float32[np.ndarray, "h w"]:
    """Per canvas point the score of the best owner, 0 where nobody owns it."""
    best = np.zeros(_canvas_shape(layers), np.float32)
    paid = np.zeros_like(best)
    for n in order:
        crop = canvas_crop(layers[n])
        np.maximum(best[crop], layers[n].gain + paid[crop], out=best[crop])
        paid[crop] += layers[n].price
    return best


def winners(layers: Sequence[Layer], order: Sequence[int]) -> UInt[np.ndarray, "h w"]:
    """Per canvas point the best owner's number in the order, from 1; 0 where nobody owns it."""
    best = np.zeros(_canvas_shape(layers), np.float32)
    paid = np.zeros_like(best)
    winner = np.zeros(best.shape, np.min_scalar_type(len(order)))  # one byte per pixel as a rule
    for number, n in enumerate(order, start=1):
        crop = canvas_crop(layers[n])
        score = layers[n].gain + paid[crop]
        # Numbers grow, so the latest winner is the largest: much faster than a copy under a mask.
        np.maximum(winner[crop], (score > best[crop]) * winner.dtype.type(number), out=winner[crop])
        np.maximum(best[crop], score, out=best[crop])
        paid[crop] += layers[n].price
    return winner


def canvas_crop(layer: Layer) -> tuple[slice, slice]:
    """Where the layer lies on the canvas, as (rows, columns)."""
    x0, y0, x1, y1 = layer.window
    return slice(y0, y1), slice(x0, x1)


def shared_canvas(a: Layer, b: Layer) -> tuple[slice, slice]:
    """Where two layers overlap on the canvas, as (rows, columns)."""
    x0, y0 = max(a.window[0], b.window[0]), max(a.window[1], b.window[1])
    x1, y1 = min(a.window[2], b.window[2]), min(a.window[3], b.window[3])
    return slice(y0, max(y0, y1)), slice(x0, max(x0, x1))


@dataclass(frozen=True, eq=False)
class _Tops:
    """The three best scores of every canvas point ("nobody" scores 0) and whose the first two are."""

    first: Float32[np.ndarray, "h w"]
    second: Float32[np.ndarray, "h w"]
    third: Float32[np.ndarray, "h w"]
    whose_first: Int32[np.ndarray, "h w"]
    whose_second: Int32[np.ndarray, "h w"]

    def best_without(self, i: int, j: int, crop: tuple[slice, slice]) -> Float32[np.ndarray, "h w"]:
        """The best score when objects i and j do not take part."""
        is_first = _either(self.whose_first[crop], i, j)
        is_second = _either(self.whose_second[crop], i, j)
        runner_up = np.where(is_second, self.third[crop], self.second[crop])
        return np.where(is_first, runner_up, self.first[crop])


def _scores_and_tops(layers: Sequence[Layer], order: Sequence[int]) -> tuple[list[Float32[np.ndarray, "h w"]], _Tops]:
    shape = _canvas_shape(layers)
    nothing = np.full(shape, -np.inf, np.float32)
    nobody = np.full(shape, -1, np.int32)
    tops = _Tops(np.zeros(shape, np.float32), nothing, nothing.copy(), nobody, nobody.copy())
    scores: list[Float32[np.ndarray, "h w"]] = [np.zeros((0, 0), np.float32)] * len(layers)
    paid = np.zeros(shape, np.float32)
    for n in order:
        crop = canvas_crop(layers[n])
        scores[n] = score = layers[n].gain + paid[crop]
        paid[crop] += layers[n].price
        first, second, third = tops.first[crop], tops.second[crop], tops.third[crop]
        is_first, is_second = score > first, score > second
        third[...] = np.where(is_second, second, np.maximum(third, score))
        second[...] = np.where(is_first, first, np.maximum(second, score))
        np.copyto(tops.whose_second[crop], n, where=is_second)
        np.copyto(tops.whose_second[crop], tops.whose_first[crop], where=is_first)
        np.copyto(first, score, where=is_first)
        np.copyto(tops.whose_first[crop], n, where=is_first)
    return scores, tops


def _either(whose: Int32[np.ndarray, "h w"], i: int, j: int) -> Bool[np.ndarray, "h w"]:
    either: Bool[np.ndarray, "h w"] = (whose == i) | (whose == j)
    return either


def _canvas_shape(layers: Sequence[Layer]) -> tuple[int, int]:
    width = max((layer.window[2] for layer in layers), default=0)
    height = max((layer.window[3] for layer in layers), default=0)
    return height, width
