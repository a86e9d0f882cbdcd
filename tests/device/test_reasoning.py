"""Reasoning on a device against the same in numpy, which is tested against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from amodal.device import appearance as device
from amodal.device.regions import directed_between, rectangles_of
from amodal.device.stacks import gains_of_others, labels, rests, scores_of, values
from amodal.reasoning.appearance import log_ratio
from amodal.reasoning.cluster import objective_of
from amodal.reasoning.labels import best_labels
from amodal.reasoning.layers import frame_of, layer_of, thin
from amodal.reasoning.objective import Objective
from helpers.on_device import WIRE, Drawn, drawn, evidences_of, maps_of, ranks

SCENES = [(0, 2, 60), (1, 3, 60), (2, 5, 60), (3, 9, 40), (4, 14, 40)]


def one_cluster(seed: int, count: int, side: int) -> Drawn:
    """The first of such scenes whose objects all hang together."""
    found = (drawn(1000 * more + seed, count, side=side) for more in itertools.count())
    return next(one for one in found if len(one.layout.clusters) == 1 and len(one.layout.clusters[0].members) == count)


def objective(scene: Drawn) -> Objective:
    count = len(scene.evidences)
    pairs = [(int(i), int(j)) for i, j in scene.layout.pairs]
    return objective_of(range(count), scene.evidences, pairs, 4096)[0]


def test_every_point_under_a_window_is_in_one_rectangle_with_all_windows_over_it() -> None:
    random = np.random.default_rng(0)
    count = 70
    corners = random.integers(0, 30, (count, 2))
    windows = np.concatenate([corners, corners + random.integers(0, 12, (count, 2))], 1)  # some are empty
    seen = np.zeros((count, 60, 60), int)
    rectangles = rectangles_of(windows)
    for (x0, y0, x1, y1), under in zip(rectangles.box, rectangles.under, strict=True):
        seen[under, y0:y1, x0:x1] += 1
    expected = np.zeros_like(seen)
    for n, (x0, y0, x1, y1) in enumerate(windows):
        expected[n, y0:y1, x0:x1] = 1
    np.testing.assert_array_equal(seen, expected)
    assert rectangles.shared() == (expected.sum(0) > 1).sum()


@pytest.mark.parametrize("scene", SCENES)
def test_samples_count_as_much_as_on_the_host(scene: tuple[int, int, int]) -> None:
    own = one_cluster(*scene)
    assert own.layout.scale[0] == pytest.approx(objective(own).scale)


@pytest.mark.parametrize("scene", SCENES)
def test_J_of_an_order_is_that_of_the_host(scene: tuple[int, int, int]) -> None:
    own = one_cluster(*scene)
    host, random = objective(own), np.random.default_rng(scene[0])
    orders = [random.permutation(scene[1]) for _ in range(3)]
    rank = torch.stack([ranks(order, scene[1]) for order in orders])
    found = values(own.sampled, own.maps, rank, 1)[:, 0] + rests(own.sampled, own.maps, 1)
    np.testing.assert_allclose(host.scale * found.numpy(), [host.value(order) for order in orders], rtol=1e-5)


@pytest.mark.parametrize("scene", SCENES)
def test_labels_are_those_of_the_host(scene: tuple[int, int, int]) -> None:
    own = one_cluster(*scene)
    order = np.random.default_rng(scene[0]).permutation(scene[1])
    found, hides = labels(own.labelled, own.maps, ranks(order, scene[1]))
    expected = best_labels(own.evidences, order.tolist())
    for row, name in enumerate(("modal", "amodal", "explained")):
        flat = np.concatenate([getattr(one, name).ravel(order="F") for one in expected])
        np.testing.assert_array_equal(found[row, :-1].numpy(), flat)
    assert hides[:-1].tolist() == [one.is_hidden for one in expected]


@pytest.mark.parametrize("scene", SCENES)
def test_what_new_maps_of_one_object_gain_is_what_the_host_calculates(scene: tuple[int, int, int]) -> None:
    own = one_cluster(*scene)
    host, random = objective(own), np.random.default_rng(scene[0])
    order = random.permutation(scene[1]).tolist()
    others = evidences_of(own.layout, random)
    found = gains_of_others(own.sampled, own.maps, maps_of(others), ranks(order, scene[1]))
    frame = frame_of(own.evidences)
    step = round(host.scale**0.5 * np.mean([one.cell_area for one in own.evidences]) ** 0.5)
    for n, other in enumerate(others):
        layer = thin(layer_of(other, frame), step)
        expected = host.value_inside(n, order, layer) - host.value_inside(n, order, host.layers[n])
        assert host.scale * float(found[n]) == pytest.approx(expected, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("scene", SCENES)
def test_what_a_pair_says_among_others_is_what_the_host_calculates(scene: tuple[int, int, int]) -> None:
    own = one_cluster(*scene)
    host, count = objective(own), scene[1]
    order = np.random.default_rng(scene[0]).permutation(count).tolist()
    tables = device.Tables.of(own.layout, WIRE)
    found = device._flipped(own.sampled, own.maps, tables, ranks(order, count))
    gains = host.flip_gains(order)
    for (i, j), says in zip(own.layout.pairs.tolist(), found.tolist(), strict=True):
        sign, pair = (1, (i, j)) if (i, j) in gains else (-1, (j, i))
        assert says == pytest.approx(sign * log_ratio(gains[pair], host.scale), abs=1e-4)


@pytest.mark.parametrize("scene", SCENES)
def test_moves_gain_what_J_says(scene: tuple[int, int, int]) -> None:
    """An object that passes all between it and another, and that too, gains the difference of two orders."""
    own = one_cluster(*scene)
    host, count = objective(own), scene[1]
    order = np.random.default_rng(scene[0]).permutation(count).tolist()
    passing = torch.zeros(1, 2 * len(own.layout.pairs) + 1, dtype=torch.float64)
    for stack in own.sampled:
        permutation = stack.permutation(ranks(order, count)[None])
        gains = device._gains_of_passing(scores_of(stack, own.maps, permutation)).sum(2, dtype=torch.float64)
        passing.scatter_add_(1, stack.directed_in(permutation).flatten(1), gains.flatten(1))
    (table,) = directed_between(np.arange(count)[None], own.layout.pairs, count)
    passing[0, -1] = 0  # of pairs that do not overlap
    for start, end in itertools.permutations(range(count), 2):
        way = range(start + 1, end + 1) if start < end else range(end, start)
        gained = sum(float(passing[0, table[order[start], order[place]]]) for place in way)
        moved = [n for n in order if n != order[start]]
        moved.insert(end, order[start])
        assert host.scale * gained == pytest.approx(host.value(moved) - host.value(order), abs=2e-3)


@pytest.mark.parametrize("count", [3, 5, 6])
@pytest.mark.parametrize("seed", range(5))
def test_no_order_is_liked_better_than_the_one_that_is_found(seed: int, count: int) -> None:
    own = one_cluster(50 + seed, count, 60)
    host, tables = objective(own), device.Tables.of(own.layout, WIRE)
    rank = device.appearance(own.sampled, own.maps, tables, count)[1]
    assert rank is not None
    best = max(host.value(order) for order in itertools.permutations(range(count)))
    assert host.value(rank[:-1].argsort().tolist()) == pytest.approx(best, rel=1e-6)
