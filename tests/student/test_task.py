"""Targets on a lattice and the loss: exact averages, sums to one, bounded overlap, what is unsure does not count."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from amodal.features.lattice import Lattice
from amodal.student.lessons import Target
from amodal.student.task import Group, StudentTask, on_lattice


def target_of(seed: int, height: int = 30, width: int = 40, *, weighted: bool = False) -> Target:
    rng = np.random.default_rng(seed)
    whole = rng.random((height, width)) < 0.6
    seen = whole & (rng.random((height, width)) < 0.5)
    weight = rng.random((height, width), dtype=np.float32) if weighted else None
    return Target((10, 20, 10 + width, 20 + height), seen, whole, weight)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 8), st.floats(0, 8), st.integers(1, 4))
def test_targets_are_the_averages_of_a_much_finer_picture(seed: int, x: float, y: float, fine: int) -> None:
    target, oversampling = target_of(seed), 40
    lattice = Lattice.of_box((10 + x, 20 + y, 48.0, 49.0))
    found, weight = on_lattice(target, lattice, fine)
    rows, cols = (fine * side for side in lattice.shape.padded)
    left, top, right, bottom = lattice.padded_box
    xs = left + (right - left) * (np.arange(cols * oversampling) + 0.5) / (cols * oversampling)
    ys = top + (bottom - top) * (np.arange(rows * oversampling) + 0.5) / (rows * oversampling)
    frame = np.zeros((200, 200), np.float32)
    frame[60 + 20 : 60 + 50, 60 + 10 : 60 + 50] = target.seen  # room for what the lattice pads
    picture = frame[np.floor(ys).astype(int)[:, None] + 60, np.floor(xs).astype(int) + 60]
    brute = picture.reshape(rows, oversampling, cols, oversampling).mean((1, 3))
    np.testing.assert_allclose(found[0], brute, atol=0.06)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)
    np.testing.assert_allclose(weight, 1, atol=1e-6)


def test_outside_the_window_the_object_is_surely_absent() -> None:
    lattice = Lattice.of_box((10.0, 20.0, 50.0, 50.0))
    found, weight = on_lattice(target_of(0, weighted=True), lattice, 2)
    assert found[2, 0].tolist() == pytest.approx([1] * found.shape[2])
    assert weight[0].tolist() == pytest.approx([1] * found.shape[2])


def group_of(target: torch.Tensor, weight: torch.Tensor) -> Group:
    nothing = torch.zeros(len(target))
    return Group(nothing, (), nothing, nothing, target, torch.ones_like(weight), weight)


class Says(torch.nn.Module):
    """A network that says the same whatever it is shown."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, *_inputs: object) -> torch.Tensor:
        return self.logits


def losses(logits: torch.Tensor, group: Group) -> dict[str, float]:
    task = StudentTask(None, None)  # type: ignore[arg-type]
    return {name: float(value) for name, value in task.loss(Says(logits), [group]).items()}


def one_hot(seed: int) -> torch.Tensor:
    labels = torch.from_numpy(np.random.default_rng(seed).integers(0, 3, (2, 8, 8)))
    return torch.nn.functional.one_hot(labels, 3).permute(0, 3, 1, 2).float()


@given(st.integers(0, 1000), st.floats(0.1, 9))
def test_overlap_lies_between_zero_and_one_whatever_positions_count(seed: int, heavy: float) -> None:
    rng = torch.Generator().manual_seed(seed)
    weight = 0.5 + heavy * torch.rand(2, 8, 8, generator=rng)
    found = losses(4 * torch.randn(2, 3, 8, 8, generator=rng), group_of(one_hot(seed), weight))
    assert 0 <= found["overlap"] <= 0.5
    assert found["entropy"] >= 0


def test_who_is_right_and_sure_loses_nothing() -> None:
    target = one_hot(5)
    found = losses(40 * target, group_of(target, 3 * torch.ones(2, 8, 8)))
    assert found["entropy"] == pytest.approx(0, abs=1e-4)
    assert found["overlap"] == pytest.approx(0, abs=1e-4)


def test_positions_without_weight_do_not_count() -> None:
    target, weight = one_hot(6), torch.ones(2, 8, 8)
    weight[:, :4] = 0
    wrong = 40 * target
    wrong[:, :, :4] = 40 * one_hot(7)[:, :, :4]
    assert losses(wrong, group_of(target, weight))["entropy"] == pytest.approx(0, abs=1e-4)
