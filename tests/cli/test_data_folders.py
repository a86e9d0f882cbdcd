"""amodal data over folders: KITTI's labels, Cityscapes' pictures, KINS as it is downloaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.amodal_files import write_json, write_kitti
from helpers.command_line import Amodal, contents


@pytest.fixture
def above(tmp_path: Path) -> Path:
    return write_kitti(tmp_path / "kitti")


@pytest.mark.parametrize("command", ["info", "stats", "check"])
@pytest.mark.parametrize("inside", ["", "label_2"])
def test_every_command_takes_the_folder_above_and_the_labels_themselves(
    command: str, inside: str, amodal: Amodal, above: Path
) -> None:
    assert amodal("data", command, above / inside).code == 0


def test_convert_takes_the_labels_themselves(amodal: Amodal, above: Path, tmp_path: Path) -> None:
    assert amodal("data", "convert", above / "label_2", tmp_path / "out", "--to", "kitti").code == 0
    assert contents(tmp_path / "out" / "label_2") == contents(above / "label_2")


def test_check_knows_folders_of_pictures_and_says_that_it_cannot_repair_them(amodal: Amodal, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(np.full((4, 6), 50001, np.uint16)).save(folder / "a_instanceIds.png")
    outcome = amodal("data", "check", folder)
    assert outcome.code == 1
    assert "broken: annotation 50001: a_instanceIds.png: value 50001: is of class 50" in outcome.out
    refused = amodal("data", "check", folder, "--repair", tmp_path / "out")
    assert refused.code == 2
    assert "--repair: cannot mend the pictures of cityscapes" in refused.err
    assert not (tmp_path / "out").exists()


def test_check_names_the_files_of_a_folder_of_kins(amodal: Amodal, tmp_path: Path) -> None:
    write_json(tmp_path / "update_test_2020.json", {})
    outcome = amodal("data", "check", tmp_path)
    assert outcome.code == 2
    assert "update_test_2020.json" in outcome.err


def test_check_says_what_to_do_with_a_folder_of_parts(amodal: Amodal, above: Path, tmp_path: Path) -> None:
    assert amodal("data", "convert", above, tmp_path / "parts", "--to", "parts").code == 0
    refused = amodal("data", "check", tmp_path / "parts")
    assert refused.code == 2
    assert "holds parts of results" in refused.err and "amodal data convert" in refused.err
