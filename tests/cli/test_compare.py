"""`amodal compare` from truth on disk to tables and page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.amodal_files import write_cocoa, write_kins, write_kitti
from helpers.command_line import Amodal


@pytest.mark.usefixtures("stub")
@pytest.mark.parametrize("layout", ["2019", "2020"])
def test_one_command_runs_the_first_table_on_kins(layout: str, amodal: Amodal, tmp_path: Path) -> None:
    data = write_kins(tmp_path / "kins", layout)
    out = tmp_path / "out"
    done = amodal("compare", data, "--methods", "box,orm", "--published", "kins", "--out", out)
    assert done.code == 0, done.err
    assert "Whole masks (amodal)" in done.out
    assert "Published, KINS (Table 1)" in done.out
    said = json.loads((out / "comparison.json").read_text())
    assert [method["name"] for method in said["methods"]] == ["box", "orm"]
    assert said["data"] == {
        "photos": 2,
        "objects": 5,
        "scored": 5,
        "classes": {"car": 2, "pedestrian": 3},
        "knows": ["amodal", "boxes", "modal", "order"],
    }
    assert (out / "index.html").is_file()
    assert (out / "predictions" / "orm.json").is_file()


@pytest.mark.usefixtures("stub")
def test_cocoa_and_kitti_folders_are_compared_by_what_they_know(amodal: Amodal, tmp_path: Path) -> None:
    cocoa = amodal("compare", write_cocoa(tmp_path / "c"), "--methods", "orm", "--out", tmp_path / "co", "--json")
    assert cocoa.code == 0, cocoa.err
    assert json.loads(cocoa.out)["data"]["scored"] == 4
    kitti = amodal("compare", write_kitti(tmp_path / "k"), "--methods", "orm", "--out", tmp_path / "ko", "--json")
    assert kitti.code == 0, kitti.err
    (method,) = json.loads(kitti.out)["methods"]
    assert "masks" not in method
    assert method["order"]["all"]["pairs"] == 2


@pytest.mark.usefixtures("stub")
def test_classes_that_are_not_asked_for_are_given_but_not_scored(amodal: Amodal, tmp_path: Path) -> None:
    data = write_kins(tmp_path / "kins")
    done = amodal("compare", data, "--methods", "orm", "--classes", "car", "--out", tmp_path / "o", "--json")
    said = json.loads(done.out)
    assert (said["data"]["objects"], said["data"]["scored"]) == (5, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--methods", "magic"), "'magic' is no method"),
        (("--methods", "box", "--classes", "tiger"), "--classes: found 'tiger'"),
        (("--methods", "box", "--split", "val"), "have no splits"),
        (("--methods", "box", "--images", "nowhere"), "no such file"),
        (("--methods", "box:rounds=1"), "rounds: is no setting of method 'box'"),
    ],
)
def test_wrong_use_is_refused(arguments: tuple[str, ...], message: str, amodal: Amodal, tmp_path: Path) -> None:
    done = amodal("compare", write_kins(tmp_path / "kins"), *arguments, "--out", tmp_path / "out")
    assert done.code == 2
    assert message in done.err
