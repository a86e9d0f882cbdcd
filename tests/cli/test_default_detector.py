"""`amodal predict` without boxes: the shipped detector, a network's own boxes, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from amodal.data.results import read_scenes
from amodal.networks import detector, segmenter
from helpers.command_line import Amodal
from helpers.family import save_network


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_network(tmp_path_factory.mktemp("networks") / "detector.safetensors", sure=True)


@pytest.fixture
def ships(monkeypatch: pytest.MonkeyPatch, network: Path) -> None:
    """A package with a detector: a tiny one."""
    for module in (detector, segmenter):
        monkeypatch.setattr(module, "shipped", lambda name: network if name == "detector" else Path(name))


@pytest.fixture
def ships_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in (detector, segmenter):
        monkeypatch.setattr(module, "shipped", lambda name: tmp_path / f"{name}.safetensors")


@pytest.mark.usefixtures("stub", "ships")
def test_without_boxes_the_shipped_detector_finds_whole_objects_and_says_so(
    amodal: Amodal, photo: Path, tmp_path: Path
) -> None:
    outcome = amodal("predict", photo, "--out", tmp_path, "--no-pictures")
    assert outcome.code == 0, outcome.err
    assert "no boxes given: the shipped detector, amodal-mask-rcnn (car, person), finds" in outcome.err
    assert "boxes of whole objects" in outcome.err
    (scene,) = read_scenes(tmp_path / "scenes.json")
    assert len(scene) and scene.boxes_are == "amodal"


@pytest.mark.usefixtures("stub", "ships")
def test_a_photo_that_is_not_there_is_all_that_is_said(amodal: Amodal, tmp_path: Path) -> None:
    outcome = amodal("predict", tmp_path / "nowhere.jpg", "--out", tmp_path / "out")
    assert outcome.code == 2 and "no such file" in outcome.err
    assert outcome.err.count("\n") == 1 and not (tmp_path / "out").exists()


@pytest.mark.usefixtures("stub", "ships")
def test_the_shipped_detector_can_be_asked_for_and_its_boxes_called_visible(
    amodal: Amodal, photo: Path, tmp_path: Path
) -> None:
    arguments = ("--detector", "default", "--boxes-are", "visible", "--out", tmp_path, "--no-pictures")
    outcome = amodal("predict", photo, *arguments)
    assert outcome.code == 0 and "no boxes given" not in outcome.err
    assert read_scenes(tmp_path / "scenes.json")[0].boxes_are == "visible"


@pytest.mark.usefixtures("stub")
def test_the_file_of_an_amodal_network_is_a_detector(
    amodal: Amodal, photo: Path, tmp_path: Path, network: Path
) -> None:
    outcome = amodal("predict", photo, "--detector", network, "--out", tmp_path, "--no-pictures")
    assert outcome.code == 0, outcome.err
    assert {one.label for one in read_scenes(tmp_path / "scenes.json")[0].instances} == {"car"}


@pytest.mark.usefixtures("stub", "ships")
def test_the_least_score_holds_for_the_shipped_detector_too(amodal: Amodal, photo: Path, tmp_path: Path) -> None:
    amodal("predict", photo, "--least-score", "1", "--out", tmp_path, "--no-pictures")
    assert len(read_scenes(tmp_path / "scenes.json")[0]) == 0


@pytest.mark.usefixtures("stub", "ships_none")
@pytest.mark.parametrize(("more", "said"), [((), "found none"), (("--detector", "default"), "this package ships none")])
def test_a_package_without_a_detector_says_what_else_to_give(
    amodal: Amodal, photo: Path, tmp_path: Path, more: tuple[str, ...], said: str
) -> None:
    outcome = amodal("predict", photo, *more, "--out", tmp_path / "out")
    assert outcome.code == 2 and said in outcome.err and "--boxes" in outcome.err
    assert not (tmp_path / "out").exists()


def test_an_amodal_network_finds_its_objects_itself_and_orders_them(
    amodal: Amodal, photo: Path, tmp_path: Path, network: Path
) -> None:
    arguments = ("--method", "amodal-mask-rcnn", "--model", network, "--out", tmp_path, "--no-pictures")
    outcome = amodal("predict", photo, *arguments)
    assert outcome.code == 0, outcome.err
    assert "no boxes given: amodal-mask-rcnn finds the objects itself" in outcome.err
    (scene,) = read_scenes(tmp_path / "scenes.json")
    assert scene.method == "amodal-mask-rcnn" and len(scene) > 1
    assert all(0 <= one.meta["occluded"] <= 1 for one in scene.instances)


def test_an_amodal_network_takes_given_boxes(
    amodal: Amodal, photo: Path, boxes: Path, tmp_path: Path, network: Path
) -> None:
    common = ("predict", photo, "--boxes", boxes, "--method", "detector", "--model", network, "--no-pictures")
    outcome = amodal(*common, "--out", tmp_path, "--reasoning", "none")
    assert outcome.code == 0, outcome.err
    (scene,) = read_scenes(tmp_path / "scenes.json")
    assert [one.label for one in scene.instances] == ["car", "car"] and not scene.order.edges


def test_another_networks_file_is_refused_clearly(amodal: Amodal, photo: Path, tmp_path: Path, network: Path) -> None:
    outcome = amodal("predict", photo, "--method", "asn", "--model", network, "--out", tmp_path / "out")
    assert outcome.code == 2
    assert "name: is 'amodal-mask-rcnn', expected 'asn', the network asked for" in outcome.err
