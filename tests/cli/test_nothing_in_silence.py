"""What is asked for and is not there, or cannot go along, is said in words that help."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from amodal.compnet.model import load_model
from amodal.errors import InputError
from amodal.training.files import write_network
from helpers.amodal_files import write_json, write_kins, write_kitti
from helpers.command_line import Amodal


def lost(amodal: Amodal, tmp_path: Path, target: str) -> dict[str, int]:
    report = tmp_path / "report.json"
    assert (
        amodal("data", "convert", write_kins(tmp_path), tmp_path / "out", "--to", target, "--report", report).code == 0
    )
    return {loss["what"]: loss["count"] for loss in json.loads(report.read_text())["not_said"]}


@pytest.mark.parametrize("target", ["kitti", "cityscapes"])
def test_ids_of_photos_that_do_not_go_along_are_listed(target: str, amodal: Amodal, tmp_path: Path) -> None:
    assert lost(amodal, tmp_path, target)["the ids of photos, which are known by name alone"] == 2


@pytest.mark.parametrize("target", ["kitti", "cityscapes", "cocoa-regions"])
def test_ids_of_objects_that_are_made_anew_are_listed(target: str, amodal: Amodal, tmp_path: Path) -> None:
    before = [one["id"] for one in json.loads(write_kins(tmp_path).read_text())["annotations"]]
    count = lost(amodal, tmp_path, target)["the ids of objects, which are made anew"]
    assert 0 < count <= len(before)


def test_a_class_that_is_not_there_is_not_renamed_in_silence(amodal: Amodal, tmp_path: Path) -> None:
    outcome = amodal(
        "data", "convert", write_kins(tmp_path), tmp_path / "out.json", "--to", "coco", "--classes", "foo=a"
    )
    assert outcome.code == 2
    assert "--classes: foo: is no class of the data, expected some of: car, " in outcome.err
    assert not (tmp_path / "out.json").exists()


def test_classes_of_folders_that_list_none_are_those_of_the_objects(amodal: Amodal, tmp_path: Path) -> None:
    folder = write_kitti(tmp_path / "kitti")
    assert amodal("data", "convert", folder, tmp_path / "a.json", "--to", "coco", "--classes", "car=vehicle").code == 0
    assert amodal("data", "convert", folder, tmp_path / "b.json", "--to", "coco", "--classes", "foo=vehicle").code == 2


def test_a_map_of_classes_in_a_file_may_be_meant_for_several_data_sets(amodal: Amodal, tmp_path: Path) -> None:
    names = write_json(tmp_path / "map.json", {"foo": "a", "car": "vehicle"})
    source, out = write_kins(tmp_path / "in"), tmp_path / "out.json"
    outcome = amodal("data", "convert", source, out, "--to", "coco", "--classes", names)
    assert outcome.code == 0
    assert "warning: --classes: foo: is no class of the data" in outcome.err
    assert "vehicle" in {one["name"] for one in json.loads(out.read_text())["categories"]}


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    path = write_kins(tmp_path / "kins")
    return write_json(path, {**json.loads(path.read_text()), "annotations": []})


def test_order_of_a_file_without_annotations_says_so(amodal: Amodal, empty: Path) -> None:
    outcome = amodal("data", "order", empty)
    assert outcome.code == 2
    assert "annotations: are none" in outcome.err


def test_train_on_a_file_without_annotations_says_so(amodal: Amodal, empty: Path, tmp_path: Path) -> None:
    outcome = amodal("train", "asn", "--data", empty, "--out", tmp_path / "model.safetensors")
    assert outcome.code == 2
    assert "no annotations in 2 photos" in outcome.err


def test_a_model_of_another_method_says_which(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "asn.safetensors"
    write_network(path, torch.nn.Linear(2, 2), {"name": "asn"})
    with pytest.raises(InputError, match="it is the model of method asn, ask for --method asn"):
        load_model(path)


def test_boxes_beside_kittis_need_visible_masks(amodal: Amodal, tmp_path: Path) -> None:
    folder = write_kitti(tmp_path / "kitti")
    outcome = amodal("data", "stats", folder, "--kitti", folder / "label_2")
    assert outcome.code == 2
    assert "visible masks: are not known" in outcome.err
