"""Every bad input: one clear line that names file and field, exit code 2, and nothing written over."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import amodal as package
from helpers.command_line import (
    Amodal,
    Outcome,
    contents,
    save_boxes,
    save_huge_png,
    save_photo,
    save_truncated_jpeg,
)

SHIPPED_MODEL = Path(package.__file__).parent / "models" / "default.safetensors"
NAN = float("nan")


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A folder that holds an earlier run's results."""
    folder = tmp_path / "out"
    (folder / "pictures").mkdir(parents=True)
    for name in ("scenes.json", "index.html", "refused.json", "pictures/street-masks.jpg"):
        (folder / name).write_text(f"earlier {name}")
    return folder


def assert_refused(outcome: Outcome, *said: str) -> None:
    """One line on stderr that says all of `said`, no traceback, exit code 2."""
    assert outcome.code == 2
    assert outcome.out == ""
    lines = [line for line in outcome.err.splitlines() if not line.startswith("amodal: photos:")]
    assert len(lines) == 1, outcome.err
    assert lines[0].startswith("amodal: error: ")
    for part in said:
        assert part in lines[0]


def save_text(path: Path) -> Path:
    path.write_text("no picture")
    return path


def save_nothing(path: Path) -> Path:
    path.touch()
    return path


Photo = Callable[[Path], Path]
BAD_PHOTOS: dict[str, tuple[str, Photo, tuple[str, ...]]] = {
    "missing": ("nowhere.jpg", lambda path: path, ("no such file",)),
    "truncated JPEG": ("half.jpg", save_truncated_jpeg, ("decoded",)),
    "400 megapixels": ("huge.png", save_huge_png, ("20000 × 20000", "100,000,000")),
    "not a picture": (
        "notes.jpg",
        save_text,
        ("not a picture",),
    ),
    "empty file": ("empty.png", save_nothing, ("not a picture",)),
}


@pytest.mark.usefixtures("stub")
@pytest.mark.parametrize("kind", BAD_PHOTOS)
def test_a_bad_photo_is_refused_by_name(amodal: Amodal, tmp_path: Path, earlier: Path, kind: str) -> None:
    name, make, said = BAD_PHOTOS[kind]
    photo = make(tmp_path / name)
    boxes = save_boxes(tmp_path / "boxes.json", {name: [[1, 1, 9, 9]]})
    before = contents(earlier)
    assert_refused(amodal("predict", photo, "--boxes", boxes, "--out", earlier), str(photo), *said)
    assert contents(earlier) == before


BAD_BOXES: dict[str, tuple[Any, str]] = {
    "NaN": ([NAN, 1, 9, 9], "NaN"),
    "infinite": ([1, 1, float("inf"), 9], "inf"),
    "zero area": ([5, 1, 5, 9], "no area"),
    "reversed corners": ([9, 9, 1, 1], "reversed"),
    "wholly outside": ([70, 1, 90, 9], "outside"),
    "outside on the left": ([-9, 1, -1, 9], "outside"),
    "three numbers": ([1, 2, 3], "3 numbers"),
    "a text": ("1 2 3 4", "a string"),
}


@pytest.mark.usefixtures("stub")
@pytest.mark.parametrize("kind", BAD_BOXES)
def test_a_bad_box_is_refused_by_its_number(
    amodal: Amodal, photo: Path, tmp_path: Path, earlier: Path, kind: str
) -> None:
    box, said = BAD_BOXES[kind]
    boxes = save_boxes(tmp_path / "bad.json", {"street.jpg": [[1, 1, 9, 9], box]})
    before = contents(earlier)
    outcome = amodal("predict", photo, "--boxes", boxes, "--out", earlier)
    assert_refused(outcome, "boxes[1]")
    assert said.lower() in outcome.err.lower()
    assert "bad.json" in outcome.err or "street.jpg" in outcome.err
    assert contents(earlier) == before


BAD_JSON: dict[str, tuple[str, str]] = {
    "not JSON": ("{", "is not JSON"),
    "a number": ("3", "a number"),
    "an object of other things": ('{"cars": []}', "cars"),
    "an entry without boxes": ('[{"file": "street.jpg"}]', "boxes"),
    "boxes that are no list": ('[{"file": "street.jpg", "boxes": 3}]', "boxes"),
    "a box without its numbers": ('[{"file": "street.jpg", "boxes": [{"class": "car"}]}]', "box"),
    "a class that is a number": (
        '[{"file": "street.jpg", "boxes": [{"class": 3, "box": [1,1,9,9]}]}]',
        "class",
    ),
    "COCO without images": ('{"annotations": [], "categories": []}', "images"),
    "COCO with a bare annotation": (
        '{"images": [{"id": 1, "file_name": "street.jpg"}], "annotations": [{"id": 1}], "categories": []}',
        "annotation",
    ),
    "not text": ("\x00\x01\udcff", "is not JSON"),
}


@pytest.mark.usefixtures("stub")
@pytest.mark.parametrize("kind", BAD_JSON)
def test_boxes_of_the_wrong_shape_are_refused_by_field(
    amodal: Amodal, photo: Path, tmp_path: Path, earlier: Path, kind: str
) -> None:
    text, said = BAD_JSON[kind]
    boxes = tmp_path / "bad.json"
    boxes.write_bytes(text.encode("utf-8", "surrogateescape"))
    before = contents(earlier)
    outcome = amodal("predict", photo, "--boxes", boxes, "--out", earlier)
    assert_refused(outcome, "bad.json", said)
    assert contents(earlier) == before


@pytest.mark.usefixtures("stub")
def test_missing_boxes_are_refused(amodal: Amodal, photo: Path, tmp_path: Path, earlier: Path) -> None:
    before = contents(earlier)
    outcome = amodal("predict", photo, "--boxes", tmp_path / "nowhere.json", "--out", earlier)
    assert_refused(outcome, str(tmp_path / "nowhere.json"), "does not exist")
    assert contents(earlier) == before


@pytest.mark.usefixtures("stub")
def test_an_output_folder_below_a_file_is_refused_before_any_work(
    amodal: Amodal, photo: Path, boxes: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    outcome = amodal("predict", photo, "--boxes", boxes, "--out", tmp_path / "file" / "out")
    assert_refused(outcome, str(tmp_path / "file" / "out"), "cannot be written")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.usefixtures("stub")
def test_an_output_folder_that_is_a_file_is_refused(amodal: Amodal, photo: Path, boxes: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert_refused(amodal("predict", photo, "--boxes", boxes, "--out", tmp_path / "file"), "cannot be written")
    assert (tmp_path / "file").read_text() == "mine"


WRONG_USE: dict[str, tuple[tuple[str, ...], str]] = {
    "boxes and a detector": (("{photo}", "--boxes", "{boxes}", "--detector", "x"), "--detector"),
    "no photo": (("--boxes", "{boxes}"), "PHOTOS"),
    "a folder without photos": (("{empty}", "--boxes", "{boxes}"), "holds no photo"),
    "an unknown method": (("{photo}", "--boxes", "{boxes}", "--method", "magic"), "magic"),
    "an unknown model": (("{photo}", "--boxes", "{boxes}", "--model", "nowhere"), "nowhere"),
    "negative rounds": (("{photo}", "--boxes", "{boxes}", "--rounds", "-1"), "--rounds"),
    "an unknown detector": (("{photo}", "--detector", "magic"), "magic"),
}


@pytest.mark.usefixtures("stub")
@pytest.mark.parametrize("kind", WRONG_USE)
def test_wrong_use_is_refused_by_argument(
    amodal: Amodal, photo: Path, boxes: Path, tmp_path: Path, earlier: Path, kind: str
) -> None:
    arguments, said = WRONG_USE[kind]
    (tmp_path / "empty").mkdir()
    places = {"photo": photo, "boxes": boxes, "empty": tmp_path / "empty"}
    before = contents(earlier)
    outcome = amodal("predict", *(part.format(**places) for part in arguments), "--out", earlier)
    assert_refused(outcome, said)
    assert contents(earlier) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "x.jpg", "--bxes", "y"),
        ("predict", "x.jpg", "--boxes-are", "big"),
        ("predict", "--rounds", "two"),
    ],
)
def test_arguments_that_do_not_exist_are_exit_code_2(amodal: Amodal, arguments: tuple[str, ...]) -> None:
    outcome = amodal(*arguments)
    assert outcome.code == 2
    assert outcome.err


def truncated(path: Path) -> None:
    path.write_bytes(SHIPPED_MODEL.read_bytes()[: SHIPPED_MODEL.stat().st_size // 2])


def of_another_version(path: Path) -> None:
    with safe_open(SHIPPED_MODEL, framework="np") as file:
        metadata = dict(file.metadata())
    versions = {key: "999" for key in metadata if "version" in key.lower()}
    assert versions, "the model's metadata name its version"
    save_file(load_file(SHIPPED_MODEL), path, metadata | versions)


def of_another_program(path: Path) -> None:
    tensors = load_file(SHIPPED_MODEL)
    name = min(tensors)
    save_file({name: tensors[name]}, path)


def not_safetensors(path: Path) -> None:
    path.write_bytes(b"\x80\x04cos\nsystem\n" * 100)


@pytest.mark.parametrize("damage", [truncated, of_another_version, of_another_program, not_safetensors])
def test_a_bad_model_is_refused_by_name(
    amodal: Amodal, photo: Path, boxes: Path, tmp_path: Path, earlier: Path, damage: Callable[[Path], None]
) -> None:
    model = tmp_path / "bad.safetensors"
    damage(model)
    before = contents(earlier)
    outcome = amodal("predict", photo, "--boxes", boxes, "--model", model, "--out", earlier)
    assert_refused(outcome, "bad.safetensors")
    assert contents(earlier) == before


def test_a_model_that_does_not_exist_is_refused_by_name(
    amodal: Amodal, photo: Path, boxes: Path, tmp_path: Path
) -> None:
    outcome = amodal("predict", photo, "--boxes", boxes, "--model", tmp_path / "no.safetensors", "--out", tmp_path)
    assert_refused(outcome, "no.safetensors")


def test_the_program_itself_ends_with_exit_code_2_and_one_line(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "street.jpg")
    (tmp_path / "bad.json").write_text(json.dumps({"cars": []}))
    command = [sys.executable, "-m", "amodal", "predict", photo, "--boxes", tmp_path / "bad.json"]
    ended = subprocess.run(
        [*map(str, command), "--out", str(tmp_path / "out")], capture_output=True, text=True, check=False
    )
    assert_refused(Outcome(ended.returncode, ended.stdout, ended.stderr), "bad.json")
    assert not (tmp_path / "out").exists()
