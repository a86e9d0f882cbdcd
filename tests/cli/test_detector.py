"""`amodal predict --detector`, with a detector that always finds the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from amodal.data.results import read_scenes
from amodal.errors import AmodalError
from amodal.methods import detect
from helpers.command_line import Amodal, save_boxes

pytestmark = pytest.mark.usefixtures("stub")

Asked = list[tuple[str, float]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Which detector was loaded, and with which least score it was asked."""
    seen: Asked = []

    def load_detector(name: str) -> object:
        def find(photo: np.ndarray, least_score: float) -> detect.Detections:
            seen.append((name, least_score))
            boxes = np.array([[4.5, 6, 40, 36], [20, 10, 60, 44]])
            return detect.Detections(boxes, ("car", "person"), np.array([0.9, 0.8]))

        return find

    monkeypatch.setattr(detect, "load_detector", load_detector)
    return seen


def test_detected_objects_are_segmented_and_their_boxes_count_as_visible(
    amodal: Amodal, photo: Path, tmp_path: Path, asked: Asked
) -> None:
    arguments = ("--detector", "some_network", "--least-score", "0.7", "--out", tmp_path, "--no-pictures")
    outcome = amodal("predict", photo, *arguments)
    assert outcome.code == 0, outcome.err
    (scene,) = read_scenes(tmp_path / "scenes.json")
    assert [instance.label for instance in scene.instances] == ["car", "person"]
    assert scene.instances[0].box == (4.5, 6, 40, 36)
    assert scene.boxes_are == "visible"
    assert asked == [("some_network", 0.7)]


def test_detected_objects_carry_the_score_of_the_detector(
    amodal: Amodal, photo: Path, tmp_path: Path, asked: Asked
) -> None:
    amodal("predict", photo, "--detector", "some_network", "--out", tmp_path, "--no-pictures")
    (scene,) = read_scenes(tmp_path / "scenes.json")
    assert [one.score for one in scene.instances] == pytest.approx([0.9, 0.8])  # the segmenter's own: 0.9 for both


def test_what_its_boxes_hold_can_be_overruled(amodal: Amodal, photo: Path, tmp_path: Path, asked: Asked) -> None:
    arguments = ("--detector", "some_network", "--boxes-are", "amodal", "--out", tmp_path, "--no-pictures")
    amodal("predict", photo, *arguments)
    assert read_scenes(tmp_path / "scenes.json")[0].boxes_are == "amodal"


def test_finds_of_which_hardly_anything_would_be_seen_are_left_out_with_their_order(
    amodal: Amodal, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first leaves of the second one column of twenty, of the fourth four of five; the third stands alone.
    boxes = np.array([[10, 6, 30, 30], [9, 10, 29, 26], [40, 6, 50, 20], [6, 20, 11, 29]], float)

    def load_detector(name: str) -> object:
        return lambda photo, least_score: detect.Detections(
            boxes, ("car", "car", "car", "person"), np.array([0.9, 0.8, 0.7, 0.6])
        )

    monkeypatch.setattr(detect, "load_detector", load_detector)
    outcome = amodal("predict", photo, "--detector", "some_network", "--out", tmp_path, "--no-pictures")
    (scene,) = read_scenes(tmp_path / "scenes.json")
    assert [(one.id, one.score) for one in scene.instances] == [(0, 0.9), (2, 0.7), (3, 0.6)]
    assert [(edge.front, edge.behind) for edge in scene.order.edges] == [(0, 3)]
    assert "1 of the detector's 4 finds left out" in scene.warnings[-1]
    assert "1 of the detector's 4 finds left out" in outcome.err


def test_given_boxes_are_kept_however_little_of_them_is_seen(amodal: Amodal, photo: Path, tmp_path: Path) -> None:
    boxes = save_boxes(tmp_path / "boxes.json", {"street.jpg": [[10, 6, 30, 30], [9, 10, 29, 26]]})
    amodal("predict", photo, "--boxes", boxes, "--out", tmp_path / "out", "--no-pictures")
    (scene,) = read_scenes(tmp_path / "out" / "scenes.json")
    assert len(scene) == 2 and scene.order.edges and not scene.warnings


def test_weights_that_cannot_be_fetched_are_one_line_and_exit_code_2(
    amodal: Amodal, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(name: str) -> object:
        raise AmodalError(f"--detector {name}: its weights\ncannot be fetched")

    monkeypatch.setattr(detect, "load_detector", offline)
    outcome = amodal("predict", photo, "--detector", "some_network", "--out", tmp_path / "out")
    assert outcome.code == 2
    assert outcome.err == "amodal: error: --detector some_network: its weights cannot be fetched\n"
    assert not (tmp_path / "out").exists()
