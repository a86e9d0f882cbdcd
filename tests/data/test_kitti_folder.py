"""A folder of KITTI's labels is the same data set from above, from within and by any name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from amodal.data.formats import open_source
from amodal.data.truth import read_truth
from amodal.errors import InputError
from amodal.survey.labels import check_labels, write_repaired_labels
from helpers.amodal_files import write_kitti
from helpers.command_line import contents


@pytest.fixture
def above(tmp_path: Path) -> Path:
    return write_kitti(tmp_path / "kitti")


def test_the_folder_of_labels_is_read_with_the_photos_beside_it(above: Path) -> None:
    source = open_source(above / "label_2")
    assert [source[k].truth for k in range(2)] == read_truth(above) == read_truth(above / "label_2")


def test_a_folder_of_labels_may_have_any_name_where_the_photos_are_named(above: Path) -> None:
    plain = (above / "label_2").rename(above.parent / "mine")
    assert open_source(plain, images=above / "image_2").head.format == "kitti"
    assert read_truth(plain, images=above / "image_2")[0].scene.instances


def test_text_files_without_labels_are_no_folder_of_kitti(tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("What this is.\n")
    with pytest.raises(InputError, match="is of no format we know"):
        open_source(tmp_path)


def test_check_finds_the_photos_beside_the_labels(above: Path) -> None:
    (above / "image_2" / "000001.png").unlink()
    (found,) = check_labels(above / "label_2").problems
    assert found.kind == "photo missing"


@pytest.mark.parametrize("inside", ["", "label_2"])
def test_a_repaired_copy_has_the_folders_of_what_was_read(inside: str, above: Path, tmp_path: Path) -> None:
    with (above / "label_2" / "000000.txt").open("a") as stream:
        stream.write("Car 0 0\n")
    folder, out = above / inside, tmp_path / "out"
    write_repaired_labels(folder, check_labels(folder), out)
    shutil.copytree(above / "image_2", out / "image_2")
    assert [one.name for one in out.iterdir() if one.is_dir()].count("label_2") == (inside == "")
    assert len(read_truth(out)) == 2
    assert check_labels(out).broken == 0


def test_a_repaired_copy_does_not_replace_what_was_checked(above: Path) -> None:
    before = contents(above)
    for folder, out in ((above, above), (above / "label_2", above / "label_2")):
        with pytest.raises(InputError, match="is the folder that was checked"):
            write_repaired_labels(folder, check_labels(folder), out)
    assert contents(above) == before
