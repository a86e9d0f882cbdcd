"""The real samples of COCOA and KITTI: nothing is reported broken, and their order gives their own visible masks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from amodal.data.clusters import complete_order, contradictions, modal_masks, numbered
from amodal.data.formats import open_source
from amodal.data.truth import read_truth
from amodal.survey.check import check
from amodal.survey.labels import check_labels
from amodal.survey.statistics import statistics_of, survey

DATA = Path(os.environ.get("AMODAL_RESEARCH_DATA", Path(__file__).parents[3] / "shared" / "data"))
COCOA, KITTI = DATA / "amodal" / "annotations.json", DATA / "kitti"
pytestmark = pytest.mark.skipif(not COCOA.exists(), reason="no research data (AMODAL_RESEARCH_DATA)")


def test_nothing_is_wrong_with_them() -> None:
    assert check(COCOA).problems == ()
    assert check_labels(KITTI).problems == ()


def test_whole_masks_and_order_give_the_visible_masks_that_were_drawn() -> None:
    for truth in read_truth(COCOA):
        scene = truth.scene
        seen = modal_masks({one.id: one.amodal for one in scene.instances}, complete_order(scene))
        assert all(seen[one.id] == one.modal for one in scene.instances)
        assert not contradictions(scene.instances, numbered(scene))


def test_shapes_and_occlusion_are_near_those_printed_for_the_whole_set() -> None:
    found = statistics_of(survey(open_source(COCOA)))
    assert found.modal_shapes is not None and found.amodal_shapes is not None
    # Table 2 of the paper of KINS, COCO-A: .746, .856 and .658, .685; here are five photos of it.
    assert found.modal_shapes.convexity == pytest.approx(0.746, abs=0.1)
    assert found.amodal_shapes.convexity == pytest.approx(0.856, abs=0.1)
    assert found.modal_shapes.simplicity == pytest.approx(0.658, abs=0.1)
    assert found.amodal_shapes.simplicity == pytest.approx(0.685, abs=0.1)
