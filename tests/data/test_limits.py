"""Sizes and coordinates beyond any photo are refused with file, field, and what is allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from amodal.data.truth import read_truth
from amodal.errors import InputError
from helpers.amodal_files import write_cocoa, write_json, write_kins

WRITERS = {"kins": write_kins, "cocoa": write_cocoa}


@pytest.fixture(params=WRITERS)
def content(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(WRITERS[request.param](tmp_path / "sound").read_text())
    return loaded


@pytest.mark.parametrize("side", [0, -3, 65536])
def test_the_sides_of_a_photo_have_a_sensible_limit(side: int, content: dict[str, Any], tmp_path: Path) -> None:
    content["images"][0]["width"] = side
    with pytest.raises(InputError, match=rf"images\[0\].width: is {side}, expected a number from 1 to 65535$"):
        read_truth(write_json(tmp_path / "in.json", content))


def test_a_photo_of_too_many_pixels_is_refused_by_its_place(content: dict[str, Any], tmp_path: Path) -> None:
    content["images"][0].update(width=60_000, height=60_000)
    with pytest.raises(InputError, match=r"in.json: images\[0\]: is 60000 × 60000 px"):
        read_truth(write_json(tmp_path / "in.json", content))


def test_a_coordinate_that_is_too_large_is_called_so_with_its_field(content: dict[str, Any], tmp_path: Path) -> None:
    key = "a_segm" if "a_segm" in content["annotations"][0] else "segmentation"
    content["annotations"][0][key] = [[0, 0, 1e12, 0, 4, 4]]
    said = rf"in.json: annotations\[0\].{key}: polygon 0: found the coordinate 1e\+12, expected at most 1e\+09 px"
    with pytest.raises(InputError, match=said):
        read_truth(write_json(tmp_path / "in.json", content))
