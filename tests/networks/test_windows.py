"""Windows of AmodalMask: around objects, sliding over photos, and the boxes of masks in them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import box_iou

from amodal.networks.amodalmask import AmodalMaskSettings, sampled_windows
from amodal.networks.parts.windows import CONTEXT, around, boxes_of, shaken, sliding, strangers
from helpers.family_batch import nothing, seen_alone, two_rectangles

SIZES = st.tuples(st.integers(40, 200), st.integers(40, 200))


def objects(size: tuple[int, int], count: int, seed: int) -> torch.Tensor:
    """Boxes inside the photo, from small to large."""
    chance = torch.Generator().manual_seed(seed)
    frame = torch.tensor([size[1], size[0]])
    sides = frame * (0.2 + 0.8 * torch.rand(count, 2, generator=chance)).clamp(max=1)
    corner = (frame - sides) * torch.rand(count, 2, generator=chance)
    return torch.cat([corner, corner + sides], 1)


def test_a_window_is_a_square_with_its_object_in_the_middle() -> None:
    window = around(torch.tensor([[10.0, 20, 50, 30]]))
    half = 40 * CONTEXT / 2
    torch.testing.assert_close(window, torch.tensor([[30 - half, 25 - half, 30 + half, 25 + half]]))


@settings(deadline=None, max_examples=30)
@given(SIZES, st.integers(0, 10**6))
def test_some_sliding_window_meets_every_object_that_is_not_too_small(size: tuple[int, int], seed: int) -> None:
    wanted = around(objects(size, 5, seed))
    windows = sliding(size, smallest_px=20)
    for one in wanted:
        alone = one[None]
        assert not strangers(windows, alone).all()


@settings(deadline=None, max_examples=30)
@given(SIZES, st.integers(0, 10**6))
def test_shaken_windows_still_meet_their_objects(size: tuple[int, int], seed: int) -> None:
    wanted = around(objects(size, 5, seed))
    moved = shaken(wanted, torch.Generator().manual_seed(seed))
    for one, own in zip(moved, wanted, strict=True):
        assert not strangers(one[None], own[None]).any()


def test_windows_elsewhere_or_of_another_size_are_strangers() -> None:
    own = torch.tensor([[0.0, 0, 60, 60]])
    cases = torch.tensor([[0.0, 0, 60, 60], [15, 0, 75, 60], [30, 0, 90, 60], [-60, -60, 120, 120], [25, 25, 35, 35]])
    assert strangers(cases, own).tolist() == [False, True, True, True, True]


def test_every_window_is_a_stranger_where_there_are_no_objects() -> None:
    assert strangers(sliding((100, 80), 40), torch.zeros(0, 4)).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.floats(0.0, 0.3))
def test_the_box_of_a_mask_is_that_of_its_cells(seed: int, share: float) -> None:
    chance = torch.Generator().manual_seed(seed)
    masks = (torch.rand(4, 8, 8, generator=chance) < share).float()
    windows = around(objects((100, 120), 4, seed))
    found = boxes_of(masks, windows)
    for mask, window, box in zip(masks.numpy(), windows.tolist(), found.tolist(), strict=True):
        rows, columns = np.nonzero(mask)
        cell = (window[2] - window[0]) / 8
        if len(rows):
            expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        else:
            low, high = 4 - 4 / CONTEXT, 4 + 4 / CONTEXT
            expected = [low, low, high, high]
        corner = [window[0], window[1]] * 2
        sides = [start + place * cell for start, place in zip(corner, expected, strict=True)]
        assert box == pytest.approx(sides, abs=1e-3)


def test_half_of_the_wrong_windows_shown_are_near_misses() -> None:
    target, settings = two_rectangles(), AmodalMaskSettings(proposals=40, foreground=8)
    rois = sampled_windows(target, (96, 128), settings)
    own = around(target.boxes)
    meeting, beside = rois.boxes[:8], rois.boxes[8:]
    assert rois.labels.tolist() == [*target.labels[rois.objects[:8]].tolist(), *[0] * 32]
    assert not strangers(meeting, own).any() and strangers(beside, own).all()
    assert (box_iou(beside, own).amax(1) > 0.3).sum() == 16


def test_in_an_incomplete_picture_no_window_is_said_to_be_wrong() -> None:
    rois = sampled_windows(seen_alone(), (96, 128), AmodalMaskSettings())
    assert len(rois.boxes) == 8 and (rois.labels > 0).all()  # four copies of two objects


def test_where_nothing_is_all_windows_shown_are_wrong() -> None:
    rois = sampled_windows(nothing(), (96, 128), AmodalMaskSettings(proposals=40))
    assert len(rois.boxes) == 40 and not rois.labels.any()
