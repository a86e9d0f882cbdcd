"""Cityscapes' instance pictures, broken one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from amodal.data.convert import convert
from amodal.data.formats import open_source
from amodal.errors import InputError
from amodal.survey.instance_pictures import check_pictures
from helpers.amodal_files import write_cocoa, write_json


def drawn(folder: Path, **objects: int) -> Path:
    """A picture of 30 × 20 px for each name, with one object of the value."""
    town = folder / "gtFine" / "val" / "town"
    town.mkdir(parents=True, exist_ok=True)
    for name, value in objects.items():
        picture = np.zeros((20, 30), np.uint16)
        picture[2:8, 3:9] = value
        Image.fromarray(picture).save(town / f"{name}_gtFine_instanceIds.png")
    return folder / "gtFine"


def photographed(folder: Path, name: str, size: tuple[int, int] = (30, 20)) -> None:
    town = folder / "leftImg8bit" / "val" / "town"
    town.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(town / f"{name}_leftImg8bit.png")


def kinds(folder: Path, images: Path | None = None) -> list[tuple[str, str, str]]:
    return [(one.severity, one.kind, one.photo[:1]) for one in check_pictures(folder, images).problems]


def test_sound_pictures_with_their_photos_have_no_problem(tmp_path: Path) -> None:
    folder = drawn(tmp_path, a=26000, b=24003)
    for name in "ab":
        photographed(tmp_path, name)
    found = check_pictures(folder)
    assert found.problems == ()
    assert (found.layout, found.photos, found.annotations) == ("cityscapes", 2, 2)


def test_pictures_of_8_bits_and_such_that_are_none_are_broken_and_refused_by_the_reader(tmp_path: Path) -> None:
    folder = drawn(tmp_path, a=26000, b=26000, c=26000)
    first, second, _ = sorted(folder.rglob("*.png"))
    Image.new("L", (30, 20), 26).save(first)
    second.write_bytes(second.read_bytes()[:60])
    assert kinds(folder) == [("broken", "no 16-bit picture", "a"), ("broken", "no 16-bit picture", "b")]
    for number in (0, 1):
        with pytest.raises(InputError, match="expected a 16-bit PNG"):
            open_source(folder)[number]


def test_objects_of_a_class_without_a_name_are_broken_each(tmp_path: Path) -> None:
    folder = drawn(tmp_path, a=50001, b=26001, c=51000)
    assert kinds(folder) == [("broken", "class unknown", "a"), ("broken", "class unknown", "c")]
    write_json(folder / "classes.json", {"50": "boat", "26": "car", "51": "buoy"})
    assert kinds(folder) == []


def test_a_list_of_classes_that_cannot_be_read_is_broken(tmp_path: Path) -> None:
    folder = drawn(tmp_path, a=26001)
    write_json(folder / "classes.json", {"boat": 50})
    (found,) = check_pictures(folder).problems
    assert (found.severity, found.kind) == ("broken", "classes unreadable")
    assert "classes.json" in found.field


def test_a_photo_that_is_missing_or_of_another_size_is_broken(tmp_path: Path) -> None:
    folder = drawn(tmp_path, a=26000, b=26000, c=26000)
    photographed(tmp_path, "a")
    photographed(tmp_path, "c", (40, 20))
    assert kinds(folder) == [("broken", "photo missing", "b"), ("broken", "photo size", "c")]


def test_photos_count_as_missing_only_where_some_are_found_or_their_folder_is_named(tmp_path: Path) -> None:
    folder = drawn(tmp_path, a=26000)
    assert kinds(folder) == []
    assert kinds(folder, tmp_path) == [("broken", "photo missing", "a")]


def test_a_picture_without_objects_is_doubtful(tmp_path: Path) -> None:
    assert kinds(drawn(tmp_path, a=7)) == [("doubtful", "empty list", "a")]


def test_what_convert_writes_is_not_broken(tmp_path: Path) -> None:
    convert(open_source(write_cocoa(tmp_path / "in")), "cityscapes", tmp_path / "out")
    assert check_pictures(tmp_path / "out").broken == 0
