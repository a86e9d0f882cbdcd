from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from amodal.data.truth import Truth
from amodal.evaluation.calibration import Calibration, edge_calibration, occlusion_calibration, posterior_calibration
from amodal.evaluation.order import order_scores
from amodal.masks import CropMask
from amodal.scene import Instance, OrderEdge, OrderGraph, Posterior, Scene
from helpers.drawn_scenes import two_squares

ALL = frozenset({"modal", "amodal", "order", "boxes"})
H, W = 30, 40


def scene_of(modal: np.ndarray, amodal: np.ndarray, posterior: Posterior | None) -> Scene:
    masks = CropMask.from_dense(modal), CropMask.from_dense(amodal)
    return Scene(H, W, (Instance(1, "car", (0, 0, W, H), 1.0, *masks, posterior),))


def states(modal: np.ndarray, amodal: np.ndarray) -> np.ndarray:
    """Visible, context, occluded as one-hot maps."""
    return np.stack((modal, ~amodal, amodal & ~modal)).astype(np.float32)


def halves() -> tuple[np.ndarray, np.ndarray]:
    amodal = np.zeros((H, W), bool)
    amodal[5:25, 8:32] = True
    modal = amodal.copy()
    modal[:, 20:] = False
    return modal, amodal


def judged(maps: np.ndarray, box: tuple[float, float, float, float] = (0, 0, W, H)) -> Calibration:
    modal, amodal = halves()
    truth = Truth(scene_of(modal, amodal, None), None, ALL)
    return posterior_calibration([truth], [scene_of(modal, amodal, Posterior(box, maps))])


def test_who_is_sure_and_right_is_calibrated() -> None:
    assert judged(states(*halves())).ece == 0


def test_who_is_sure_and_wrong_is_not() -> None:
    assert judged(states(*halves())[[1, 2, 0]]).ece == 100


def test_who_is_as_often_right_as_sure_is_calibrated() -> None:
    modal, amodal = halves()
    counts = [state.sum() for state in states(modal, amodal)]  # context has most pixels
    share = max(counts) / (H * W)
    maps = np.full((3, H, W), (1 - share) / 2, np.float32)
    maps[1] = share
    assert judged(maps).ece == pytest.approx(0, abs=1e-4)


def test_error_is_that_of_a_plain_loop_over_pixels() -> None:
    chance = np.random.default_rng(0)
    maps = chance.dirichlet((1, 2, 1), (7, 9)).transpose(2, 0, 1).astype(np.float32)
    box = (-6.3, 3.2, 33.1, 41.7)  # leaves the photo on two sides
    true = states(*halves()).argmax(axis=0)
    bins: dict[int, list[tuple[float, bool]]] = {}
    for y in range(H):
        for x in range(W):
            u, v = (x + 0.5 - box[0]) / (box[2] - box[0]) * 9, (y + 0.5 - box[1]) / (box[3] - box[1]) * 7
            if 0 <= u < 9 and 0 <= v < 7:
                cell = maps[:, int(v), int(u)]
                bins.setdefault(int(cell.max() * 15), []).append((float(cell.max()), cell.argmax() == true[y, x]))
    total = sum(map(len, bins.values()))
    expected = sum(
        abs(np.sum([sure for sure, _ in own]) - np.sum([right for _, right in own])) for own in bins.values()
    )
    assert judged(maps, box).ece == pytest.approx(100 * expected / total, abs=1e-4)


def test_without_posteriors_or_outside_the_photo_nothing_is_judged() -> None:
    truth = Truth(two_squares(), None, ALL)
    scene = two_squares()
    without = scene.with_instances([replace(one, posterior=None) for one in scene.instances])
    assert posterior_calibration([truth], [without]).count == 0
    outside = judged(states(*halves()), (100, 100, 140, 130))
    assert outside.count == 0
    assert np.isnan(outside.ece)


def test_edges_are_calibrated_by_how_often_they_are_right() -> None:
    scene = two_squares()
    truths = [Truth(replace(scene, image=str(n)), None, ALL) for n in range(10)]
    edges = [OrderEdge(1, 2, 0.8)] * 8 + [OrderEdge(2, 1, 0.8)] * 2
    scenes = [replace(scene, image=str(n), order=OrderGraph((edge,))) for n, edge in enumerate(edges)]
    assert edge_calibration(order_scores(truths, scenes)).ece == pytest.approx(0, abs=1e-9)
    sure = [replace(s, order=OrderGraph((replace(s.order.edges[0], probability=1.0),))) for s in scenes]
    found = edge_calibration(order_scores(truths, sure))
    assert (found.ece, found.count) == (pytest.approx(20), 10)
    assert found.weights.sum() == pytest.approx(1)


def _said(front: object, behind: object) -> Scene:
    """Two squares, the second hidden by a sixth, with what is said of their being occluded."""
    said = zip(two_squares().instances, (front, behind), strict=True)
    return two_squares().with_instances([replace(one, meta={"occluded": chance}) for one, chance in said])


def test_chances_of_being_occluded_are_compared_with_how_often_objects_are() -> None:
    truth = Truth(two_squares(), None, ALL)
    assert occlusion_calibration([truth], [_said(0.0, 1.0)]).ece == pytest.approx(0)
    assert occlusion_calibration([truth], [_said(1.0, 0.0)]).ece == pytest.approx(100)
    assert occlusion_calibration([truth], [_said(0.5, 0.5)]).ece == pytest.approx(0)
    assert occlusion_calibration([truth], [_said(0.8, 0.8)]).ece == pytest.approx(30)


def test_what_is_no_chance_of_being_occluded_is_passed_over() -> None:
    truth = Truth(two_squares(), None, ALL)
    assert occlusion_calibration([truth], [two_squares()]).count == 0
    assert occlusion_calibration([truth], [_said(True, "much")]).count == 0
    assert occlusion_calibration([replace(truth, knows=frozenset({"modal"}))], [_said(0.1, 0.9)]).count == 0
