"""Mask voting against loops over cells."""

from __future__ import annotations

import math

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import box_iou

from amodal.networks.parts.boxes import Detections
from amodal.networks.parts.voting import moved, voted

SIDE = 5


def some_boxes(count: int, seed: int) -> torch.Tensor:
    chance = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=chance) * 20
    return torch.cat([corner, corner + 20 + torch.rand(count, 2, generator=chance) * 30], 1)


def value_at(grid: np.ndarray, frame: np.ndarray, x: float, y: float) -> float:
    """Bilinear between the middles of cells, level beyond the outer ones, 0 outside the frame."""
    if not (frame[0] <= x <= frame[2] and frame[1] <= y <= frame[3]):
        return 0.0
    column = min(max((x - frame[0]) / (frame[2] - frame[0]) * SIDE - 0.5, 0), SIDE - 1)
    row = min(max((y - frame[1]) / (frame[3] - frame[1]) * SIDE - 0.5, 0), SIDE - 1)
    total = 0.0
    for near_row in range(SIDE):
        for near_column in range(SIDE):
            weight = max(0, 1 - abs(row - near_row)) * max(0, 1 - abs(column - near_column))
            total += weight * grid[near_row, near_column]
    return total


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_a_mask_is_the_mean_of_what_its_voters_say_weighed_by_their_chance(seed):
    chance = torch.Generator().manual_seed(seed)
    frames, boxes = some_boxes(6, seed), some_boxes(6 * 3, seed + 1).view(6, 3, 4)
    masks = torch.rand(6, 3, SIDE, SIDE, generator=chance)
    chances = torch.rand(6, 3, generator=chance)
    labels, rows = torch.tensor([1, 2]), torch.tensor([4, 0])
    kept = Detections(boxes[rows, labels], labels, chances[rows, labels], rows)
    found = voted(kept, chances, boxes, frames, masks)
    for number, (label, row) in enumerate(zip(labels.tolist(), rows.tolist(), strict=True)):
        voters = torch.where(box_iou(boxes[row, label][None], boxes[:, label])[0] > 0.5)[0].tolist()
        assert row in voters
        x0, y0, x1, y1 = frames[row].tolist()
        for place in range(SIDE * SIDE):
            y, x = (y0 + (place // SIDE + 0.5) / SIDE * (y1 - y0)), (x0 + (place % SIDE + 0.5) / SIDE * (x1 - x0))
            said = sum(
                float(chances[voter, label]) * value_at(masks[voter, label].numpy(), frames[voter].numpy(), x, y)
                for voter in voters
            )
            expected = said / sum(float(chances[voter, label]) for voter in voters)
            assert math.isclose(float(found[number, place // SIDE, place % SIDE]), expected, abs_tol=1e-4)


def test_on_its_own_frame_a_grid_stays_as_it_is():
    grids, frames = torch.rand(3, 7, 7), some_boxes(3, 0)
    for grid, frame in zip(grids, frames, strict=True):
        torch.testing.assert_close(moved(grid[None], frame[None], frame)[0], grid, atol=1e-4, rtol=0)


def test_nothing_kept_gives_no_masks():
    none = torch.zeros(0, dtype=torch.int64)
    kept = Detections(torch.zeros(0, 4), none, torch.zeros(0), none)
    found = voted(kept, torch.rand(3, 2), torch.rand(3, 2, 4), some_boxes(3, 0), torch.rand(3, 2, SIDE, SIDE))
    assert found.shape == (0, SIDE, SIDE)
