"""amodal data: each command over drawn files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from amodal.cli.data import COMMANDS
from amodal.data.results import read_scenes, write_scenes
from helpers.amodal_files import write_cocoa, write_kins, write_kitti
from helpers.command_line import Amodal
from helpers.drawn_scenes import two_squares

MINE = ("info", "stats", "check", "consistency", "order")


def test_help_lists_every_command(amodal: Amodal) -> None:
    outcome = amodal("data", "--help")
    assert outcome.code == 0
    for name in COMMANDS:
        assert f"amodal data {name}" in outcome.out


@pytest.mark.parametrize("name", MINE)
def test_every_command_has_help_with_an_example(amodal: Amodal, name: str) -> None:
    outcome = amodal("data", name, "--help")
    assert outcome.code == 0
    assert f"Example: amodal data {name}" in outcome.out


def test_an_unknown_command_is_exit_code_2(amodal: Amodal) -> None:
    outcome = amodal("data", "magic")
    assert outcome.code == 2
    assert "'magic'" in outcome.err


@pytest.mark.parametrize("name", MINE)
def test_a_missing_file_is_exit_code_2(amodal: Amodal, name: str, tmp_path: Path) -> None:
    files = [tmp_path / "none.json"] * (1 if name != "consistency" else 0) or [tmp_path / "a.json", tmp_path / "b.json"]
    outcome = amodal("data", name, *files)
    assert outcome.code == 2
    assert "does not exist" in outcome.err


def test_info_says_what_is_in_a_file(amodal: Amodal, tmp_path: Path) -> None:
    outcome = amodal("data", "info", write_kins(tmp_path, "2020"), "--json")
    found = json.loads(outcome.out)
    assert (found["format"], found["photos"], found["objects"], found["missing"]) == ("kins-2020", 2, 5, 0)
    assert found["classes"]["pedestrian"] == 3
    assert found["classes"]["tram"] == 0
    assert found["edges"] == 2
    assert found["fields"]["ico_id"] == 5
    assert "pedestrian (3)" in amodal("data", "info", tmp_path / "update_test_2020.json").out


def test_stats_prints_the_tables_and_json(amodal: Amodal, tmp_path: Path) -> None:
    path = write_kins(tmp_path, "2019")
    text = amodal("data", "stats", path)
    assert text.code == 0
    for line in ("people", "inmodal", "occlusion level", "max match number", "points per polygon"):
        assert line in text.out
    found = json.loads(amodal("data", "stats", path, "--json", "--out", tmp_path / "stats.json").out)
    assert found == json.loads((tmp_path / "stats.json").read_text())
    assert found["points_per_polygon"] == 4
    assert found["occluded_share"] == 0.4


def test_stats_compares_with_kitti_labels(amodal: Amodal, tmp_path: Path) -> None:
    folder = write_kitti(tmp_path / "kitti")
    found = json.loads(amodal("data", "stats", write_kins(tmp_path / "k"), "--kitti", folder, "--json").out)
    assert found["kitti_boxes"]["photos"] == 2
    assert found["kitti_boxes"]["unpaired"] == 0


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_stats_draws_plots(amodal: Amodal, tmp_path: Path, kind: str) -> None:
    pytest.importorskip("matplotlib", reason="plots are an extra")
    outcome = amodal("data", "stats", write_kins(tmp_path), "--plots", tmp_path / "plots", "--plots-as", kind)
    assert outcome.code == 0
    names = sorted(path.name for path in (tmp_path / "plots").iterdir())
    expected = ["classes", "clusters", "objects-per-photo", "occlusion-levels", "shapes"]
    assert names == [f"{name}.{kind}" for name in expected]
    if kind == "svg":
        assert ElementTree.parse(tmp_path / "plots" / "classes.svg").getroot().tag.endswith("svg")


def test_plots_without_matplotlib_say_what_to_install(tmp_path: Path) -> None:
    write_kins(tmp_path)
    program = (
        "import sys; sys.modules['matplotlib'] = None; from amodal.cli.main import main; "
        f"sys.exit(main(['data', 'stats', {str(tmp_path / 'instances_val.json')!r}, '--plots', 'plots']))"
    )
    outcome = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, cwd=tmp_path)
    assert outcome.returncode == 2
    assert "amodal[plots]" in outcome.stderr
    assert not (tmp_path / "plots").exists()


def test_check_finds_nothing_in_a_sound_file(amodal: Amodal, tmp_path: Path) -> None:
    outcome = amodal("data", "check", write_cocoa(tmp_path))
    assert outcome.code == 0
    assert "0 broken, 0 doubtful" in outcome.out


def test_check_lists_all_and_writes_a_repaired_copy(amodal: Amodal, tmp_path: Path) -> None:
    path = write_kins(tmp_path, "2020")
    content = json.loads(path.read_text())
    content["annotations"][0]["a_segm"] = [[1, 2, 3]]
    content["annotations"][2]["category_id"] = 99
    path.write_text(json.dumps(content))
    outcome = amodal("data", "check", path, "--repair", tmp_path / "mended.json", "--out", tmp_path / "found.json")
    assert outcome.code == 1
    assert "annotation 1: annotations[0].a_segm[0]: has 3 coordinates" in outcome.out
    assert "annotation 3: annotations[2].category_id: is 99" in outcome.out
    assert "2 of 5 annotations taken out (they are under 'removed_by_repair'): 1; 3" in outcome.err
    assert json.loads((tmp_path / "found.json").read_text())["kinds"]["class unknown"] == 1
    assert amodal("data", "check", tmp_path / "mended.json").code == 0


def test_check_never_writes_over_what_it_reads(amodal: Amodal, tmp_path: Path) -> None:
    path = write_kins(tmp_path)
    before = path.read_bytes()
    assert amodal("data", "check", path, "--repair", path).code == 2
    assert path.read_bytes() == before


def test_check_reads_our_scenes_and_their_order(amodal: Amodal, tmp_path: Path) -> None:
    write_scenes([two_squares()], tmp_path / "scenes.json")
    assert amodal("data", "check", tmp_path).code == 0
    content = json.loads((tmp_path / "scenes.json").read_text())
    content["order"] += [{"image_id": 1, "front": 2, "behind": 1, "probability": 1}, {"front": 1, "behind": 7}]
    (tmp_path / "scenes.json").write_text(json.dumps(content))
    outcome = amodal("data", "check", tmp_path, "--repair", tmp_path / "mended.json")
    assert outcome.code == 1
    assert "after the other way round" in outcome.out
    assert "names annotation 7" in outcome.out
    assert len(read_scenes(tmp_path / "mended.json")[0].order.edges) == 1


def test_check_lists_broken_lines_of_kitti_labels(amodal: Amodal, tmp_path: Path) -> None:
    folder = write_kitti(tmp_path / "kitti")
    label = folder / "label_2" / "000000.txt"
    lines = label.read_text().splitlines()
    label.write_text("\n".join([lines[0].replace("0.00", "zero"), "Car 0 0", *lines, lines[0].replace("Car", "Cat")]))
    (folder / "image_2" / "000001.png").unlink()
    outcome = amodal("data", "check", folder, "--repair", tmp_path / "mended", "--json")
    found = json.loads(outcome.out)
    assert outcome.code == 1
    assert found["kinds"] == {"no number": 1, "wrong columns": 1, "class unknown": 1, "photo missing": 1}
    mended = tmp_path / "mended" / "label_2" / "000000.txt"
    assert mended.read_text().splitlines() == label.read_text().splitlines()[2:]


def test_consistency_prints_the_matrix_and_writes_the_vote(amodal: Amodal, tmp_path: Path) -> None:
    files = [write_kins(tmp_path / name) for name in ("ann", "ben", "eva")]
    outcome = amodal("data", "consistency", *files, "--vote", tmp_path / "votes.json")
    assert outcome.code == 0
    assert "majority vote" in outcome.out and "ann/instances_val" in outcome.out
    votes = read_scenes(tmp_path / "votes.json")
    assert [len(scene) for scene in votes] == [2, 3]
    again = amodal("data", "consistency", *files[:2], "--again", files[2], "--json")
    assert json.loads(again.out)["matrix"] == [[1, 1, 1]]


@pytest.mark.parametrize("count", [1, 2])
def test_consistency_needs_different_files(amodal: Amodal, tmp_path: Path, count: int) -> None:
    assert amodal("data", "consistency", *[write_kins(tmp_path)] * count).code == 2


def test_order_prints_clusters_and_derives_visible_masks(amodal: Amodal, tmp_path: Path) -> None:
    path = write_kins(tmp_path, "2020")
    outcome = amodal("data", "order", path, "--json", "--inmodal", tmp_path / "scenes.json")
    photos = json.loads(outcome.out)
    assert photos[1]["clusters"] == [
        {"cluster": 0, "objects": [{"id": 3, "number": 1}, {"id": 4, "number": 0}]},
        {"cluster": 1, "objects": [{"id": 5, "number": 0}]},
    ]
    assert "4:0  3:1" in amodal("data", "order", path, "--from-masks").out
    assert all(
        one.modal != one.amodal for one in (scene.instances[0] for scene in read_scenes(tmp_path / "scenes.json"))
    )


def test_order_lists_cycles_and_leaves_such_photos_out(amodal: Amodal, tmp_path: Path) -> None:
    write_scenes([two_squares()], tmp_path / "scenes.json")
    content = json.loads((tmp_path / "scenes.json").read_text())
    third = {**content["annotations"][0], "id": 3, "instance_id": 3}
    frame = content["images"][0]["height"], content["images"][0]["width"]
    third["visible_segmentation"] = {"size": list(frame), "counts": [frame[0] * frame[1]]}
    third["segmentation"] = {"size": list(frame), "counts": [0, frame[0] * frame[1]]}
    content["annotations"].append(third)
    edges = ((1, 2), (2, 3), (3, 1))
    content["order"] = [{"image_id": 1, "front": a, "behind": b, "probability": 1.0} for a, b in edges]
    (tmp_path / "scenes.json").write_text(json.dumps(content))
    outcome = amodal("data", "order", tmp_path / "scenes.json", "--inmodal", tmp_path / "out.json")
    assert "cycle: hide each other in a circle: 1 -> 2 -> 3 -> 1" in outcome.out
    assert "left out: street.jpg" in outcome.err
    assert read_scenes(tmp_path / "out.json") == []


def test_order_refuses_files_without_whole_masks(amodal: Amodal, tmp_path: Path) -> None:
    outcome = amodal("data", "order", write_kitti(tmp_path / "kitti"))
    assert outcome.code == 2
    assert "expected whole masks" in outcome.err
