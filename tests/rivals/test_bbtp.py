"""BBTP's losses against plain loops, and what they must be at masks that are known to be right or wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from amodal.rivals.bbtp import ENLARGED, bag_loss, enlarged_rois, lines_inside, smoothness

Lines = tuple[list[bool], list[bool]]


def plain_bag_loss(logits: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> float:
    """As the paper says it, one line after the other."""
    chance = 1 / (1 + np.exp(-logits.astype(np.float64)))
    losses = []
    for own, own_rows, own_columns in zip(chance, rows, columns, strict=True):
        for number, crosses in enumerate(own_rows):
            bag = [p for p, within in zip(own[number], own_columns, strict=True) if within]
            losses.append(-math.log(max(bag)) if crosses else -math.log(1 - own[number].max()))
        for number, crosses in enumerate(own_columns):
            bag = [p for p, within in zip(own[:, number], own_rows, strict=True) if within]
            losses.append(-math.log(max(bag)) if crosses else -math.log(1 - own[:, number].max()))
    return sum(losses) / len(losses)


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits of a few objects, and boxes that begin and end somewhere in them."""
    count, rows, columns = draw(st.integers(1, 3)), draw(st.integers(1, 6)), draw(st.integers(1, 6))
    logits = draw(hnp.arrays(np.float32, (count, rows, columns), elements=st.floats(-8, 8, width=32)))
    inside = []
    for side in (rows, columns):
        crossing = np.zeros((count, side), bool)
        for own in crossing:
            start = draw(st.integers(0, side - 1))
            own[start : draw(st.integers(start + 1, side))] = True
        inside.append(crossing)
    return logits, *inside


@settings(max_examples=80, deadline=None)
@given(cases())
def test_bag_loss_is_that_of_plain_loops(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    found = bag_loss(*(torch.from_numpy(part) for part in case))
    assert float(found) == pytest.approx(plain_bag_loss(*case), rel=1e-4, abs=1e-6)


def in_box(side: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    crossing = torch.zeros(1, side, dtype=torch.bool)
    crossing[:, 2:6] = True
    return crossing, crossing


def test_bag_loss_vanishes_for_a_mask_that_touches_all_sides_of_its_box() -> None:
    logits = torch.full((1, 8, 8), -30.0)
    logits[0, range(2, 6), range(2, 6)] = 30.0  # a diagonal meets every row and column
    assert float(bag_loss(logits, *in_box())) < 1e-6


@pytest.mark.parametrize("wrong", [(0, 0), (2, 7), (7, 3)])
def test_bag_loss_counts_two_lines_for_a_pixel_outside_the_box(wrong: tuple[int, int]) -> None:
    logits = torch.full((1, 8, 8), -30.0)
    logits[0, 2:6, 2:6] = 30.0
    logits[0][wrong] = 4.0
    outside = sum(line < 2 or line > 5 for line in wrong)
    assert float(bag_loss(logits, *in_box())) == pytest.approx(outside * math.log1p(math.exp(4)) / 16, rel=1e-4)


def test_bag_loss_teaches_a_mask_that_is_wrong_and_sure() -> None:
    logits = torch.full((1, 8, 8), -40.0, requires_grad=True)
    bag_loss(logits, *in_box()).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None and float(logits.grad.abs().sum()) > 0.1


def test_bag_loss_of_no_object_is_zero() -> None:
    none = torch.zeros(0, 8, dtype=torch.bool)
    assert float(bag_loss(torch.zeros(0, 8, 8), none, none)) == 0


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.float32, (2, 4, 5), elements=st.floats(0, 1, width=32)))
def test_smoothness_is_half_the_sum_of_squares_between_neighbours(masks: np.ndarray) -> None:
    pairs = 0.0
    for own in masks.astype(np.float64):
        for y, x in np.ndindex(own.shape):
            pairs += (own[y, x] - own[y + 1, x]) ** 2 if y + 1 < own.shape[0] else 0
            pairs += (own[y, x] - own[y, x + 1]) ** 2 if x + 1 < own.shape[1] else 0
    assert float(smoothness(torch.from_numpy(masks))) == pytest.approx(pairs / 2 / len(masks), rel=1e-4, abs=1e-6)


def test_smoothness_of_an_even_mask_is_zero() -> None:
    assert float(smoothness(torch.full((3, 5, 5), 0.7))) == 0


def test_lines_cross_the_box_where_their_centres_lie_in_it() -> None:
    rows, columns = lines_inside(torch.tensor([[10.0, 20, 30, 40]]), torch.tensor([[0.0, 10, 40, 50]]), side=4)
    assert rows.tolist() == [[False, True, True, False]]
    assert columns.tolist() == [[False, True, True, False]]


def test_every_roi_has_lines_on_all_four_sides_of_its_box() -> None:
    torch.manual_seed(0)
    boxes = torch.tensor([[5.0, 5, 25, 65]]).repeat(50, 1)
    for crossing in lines_inside(boxes, enlarged_rois(boxes)):
        assert not crossing[:, 0].any() and not crossing[:, -1].any()
        share = crossing.float().mean(dim=1)
        assert torch.allclose(share, torch.full((50,), 1 / ENLARGED), atol=0.05)
