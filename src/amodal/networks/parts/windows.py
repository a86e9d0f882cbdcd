"""Windows of AmodalMask: squares around an object as the network is shown it, and those that slide over a photo."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

CONTEXT = 1.75
"""Side of a window over the longer side of its object's box: 224 to 128 as published."""
STEP = 1.7
"""Between sizes of sliding windows."""
PLACES = 6
"""Sliding windows along a window's side."""
_SHIFT = 1 / (2 * PLACES)  # in sides: half way to the next window
_SCALE = math.log2(STEP) / 2


def around(boxes: Float[Tensor, "n 4"]) -> Float[Tensor, "n 4"]:
    """The window of each box: its object in the middle, as large as the network expects it."""
    return _squares((boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).amax(1) * CONTEXT)


def shaken(windows: Float[Tensor, "n 4"], chance: torch.Generator) -> Float[Tensor, "n 4"]:
    """Windows as a sliding one might meet their objects: moved and scaled by up to half of the way to the next."""
    side = windows[:, 2] - windows[:, 0]
    random = torch.rand(len(windows), 3, generator=chance).to(windows) * 2 - 1
    middle = (windows[:, :2] + windows[:, 2:]) / 2 + random[:, :2] * _SHIFT * side[:, None]
    return _squares(middle, side * 2 ** (random[:, 2] * _SCALE))


def sliding(size: tuple[int, int], smallest_px: float) -> Float[Tensor, "n 4"]:
    """Windows of every size over a picture (height, width), their middles in it."""
    height, width = size
    windows, side = [], smallest_px
    while True:
        rows, columns = (max(1, round(length * PLACES / side)) for length in (height, width))
        y, x = ((torch.arange(count) + 0.5) * length / count for count, length in ((rows, height), (columns, width)))
        middles = torch.stack([x.repeat(rows), y.repeat_interleave(columns)], 1)
        windows.append(_squares(middles, torch.full((len(middles),), side)))
        if side >= CONTEXT * max(size):
            return torch.cat(windows)
        side *= STEP


def strangers(windows: Float[Tensor, "k 4"], objects: Float[Tensor, "n 4"]) -> Bool[Tensor, " k"]:
    """Which windows show none of the objects as the network expects one, and not nearly so.

    `objects`: their windows. Nearly: moved or scaled by up to twice what counts as meeting it.
    """
    side, own = windows[:, None, 2] - windows[:, None, 0], objects[None, :, 2] - objects[None, :, 0]
    middle, wanted = ((box[:, :2] + box[:, 2:]) / 2 for box in (windows, objects))
    shift = (middle[:, None] - wanted[None]).abs().amax(2) / torch.minimum(side, own)
    scale = (side / own).log2().abs()
    return ((shift > 2 * _SHIFT) | (scale > 2 * _SCALE)).all(1)


def boxes_of(masks: Float[Tensor, "n side side"], windows: Float[Tensor, "n 4"]) -> Float[Tensor, "n 4"]:
    """The tight box of each mask (probabilities) on its window; where it is empty, of the object a window expects."""
    side = masks.shape[-1]
    cell = ((windows[:, 2:] - windows[:, :2]) / side).repeat(1, 2)
    inside = masks > 0.5
    places = torch.arange(side, device=masks.device)
    bounds = []
    for along in (inside.any(1), inside.any(2)):  # columns, rows
        first = torch.where(along, places, side).amin(1)
        last = torch.where(along, places, -1).amax(1) + 1
        bounds += [first, last]
    found = torch.stack([bounds[0], bounds[2], bounds[1], bounds[3]], 1).to(windows)
    expected = side * torch.tensor([1 - 1 / CONTEXT, 1 + 1 / CONTEXT]).to(windows).repeat_interleave(2) / 2
    found = torch.where(inside.flatten(1).any(1)[:, None], found, expected)
    return windows[:, :2].repeat(1, 2) + found * cell


def _squares(middles: Float[Tensor, "n 2"], sides: Float[Tensor, " n"]) -> Float[Tensor, "n 4"]:
    half = sides[:, None] / 2
    return torch.cat([middles - half, middles + half], 1)
