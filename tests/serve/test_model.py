"""What the model's thread does with jobs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")

import amodal
from amodal.errors import InputError
from amodal.images import read_photo
from amodal.methods.detect import Detections
from amodal.scene import Scene
from amodal.serve.line import Job
from amodal.serve.model import Finder, Served, load_served
from helpers.fussy_segmenter import Calls, Fussy
from helpers.served import job, picture, stub_served

DEMO = Path(amodal.__file__).parent / "demo"


@pytest.fixture(scope="module")
def demo_jobs() -> list[Job]:
    """Photos of several sizes with their boxes."""
    entries = json.loads((DEMO / "boxes.json").read_text())[1:5]
    return [
        Job(
            read_photo(DEMO / "photos" / entry["file"]),
            np.array([one["box"] for one in entry["boxes"]], float),
            tuple(one["class"] for one in entry["boxes"]),
        )
        for entry in entries
    ]


def test_a_photo_in_a_batch_gets_the_scene_that_it_gets_alone(demo_jobs: list[Job]) -> None:
    served = load_served(detector="none")
    together = served.scenes(demo_jobs[::-1])[::-1]
    for one, scene in zip(demo_jobs, together, strict=True):
        (alone,) = served.scenes([one])
        assert isinstance(alone, Scene)
        assert isinstance(scene, Scene)
        assert [(edge.front, edge.behind) for edge in scene.order.edges] == [
            (edge.front, edge.behind) for edge in alone.order.edges
        ]
        chances = [edge.probability for edge in scene.order.edges]
        # bfloat16 sums differ in their last places with the batch, on some processors.
        assert chances == pytest.approx([edge.probability for edge in alone.order.edges], abs=1e-3)
        for a, b in zip(scene.instances, alone.instances, strict=True):
            assert a.amodal.iou(b.amodal) >= 0.995
            assert a.modal.iou(b.modal) >= 0.995 or a.modal.is_empty is b.modal.is_empty is True


def test_a_photo_that_the_model_cannot_do_does_not_harm_its_neighbours() -> None:
    answers = stub_served(Fussy([], fails_on=lambda objects: objects == 3)).scenes([job(1), job(3), job(2)])
    assert [type(answer).__name__ for answer in answers] == ["Scene", "RuntimeError", "Scene"]


def test_answers_come_in_the_order_of_the_jobs_whatever_their_boxes_hold() -> None:
    jobs = [job(n, boxes_are=kind) for n, kind in ((1, "amodal"), (2, "visible"), (3, "amodal"), (0, "visible"))]
    answers = stub_served().scenes(jobs)
    assert [(len(scene), scene.boxes_are) for scene in answers if isinstance(scene, Scene)] == [
        (1, "amodal"),
        (2, "visible"),
        (3, "amodal"),
        (0, "visible"),
    ]


def test_without_boxes_the_detector_finds_the_objects_and_scores_them() -> None:
    found = Detections(
        np.array([[2.0, 3.0, 30.0, 40.0], [20.0, 5.0, 60.0, 30.0]]), ("car", "person"), np.array([1, 0.25])
    )
    served = Served(stub_served().segmenter, "stub", Finder("eye", lambda _photo, _least: found, "visible"))
    (scene,) = served.scenes([Job(picture(), None)])
    assert isinstance(scene, Scene)
    assert [(one.label, one.score) for one in scene.instances] == [("car", 1.0), ("person", 0.25)]
    assert scene.boxes_are == "visible"


def test_without_boxes_and_detector_the_boxes_are_missed() -> None:
    (answer,) = stub_served().scenes([Job(picture(), None)])
    assert isinstance(answer, InputError)
    assert "no detector" in str(answer)


def test_photos_whose_objects_do_not_fit_into_the_memory_together_go_one_after_the_other() -> None:
    calls: Calls = []
    served = Served(Fussy(calls), "stub", max_object_megapixels=3.5 * 28 * 37 / 1e6)
    answers = served.scenes([job(1), job(2), job(1), job(3), job(0)])
    assert [len(scene) for scene in answers if isinstance(scene, Scene)] == [1, 2, 1, 3, 0]
    assert [objects for _, (objects, _) in calls] == [[1, 2], [1], [3, 0]]


def test_boxes_that_cover_more_than_the_memory_allows_are_refused() -> None:
    served = Served(stub_served().segmenter, "stub", max_object_megapixels=2.5 * 28 * 37 / 1e6)
    fine, too_much = served.scenes([job(2), job(3)])
    assert isinstance(fine, Scene)
    assert "boxes: cover 0.00311 megapixels" in str(too_much)
