"""Tracks: given ones kept, others linked; sheets hold every whole object once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from amodal.data.formats import open_source
from amodal.data.results import write_scenes
from amodal.data.tracks import AMODAL, MODAL, STACK, TRACKS_FILE, TrackLinker, stacked, write_tracks
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import Instance, OrderEdge, OrderGraph, Scene
from helpers.generated_scenes import generated

SIZE = (40, 60)


def thing(id: int, x: int, label: str = "car", track: object = None) -> Instance:
    mask = CropMask.from_box((x, 10, x + 12, 22), *SIZE)
    meta = {} if track is None else {"track": track}
    return Instance(id, label, (x, 10, x + 12, 22), 1.0, mask, mask, meta=meta)


def scene(*things: Instance, image: str = "0.png") -> Scene:
    return Scene(*SIZE, things, image=image, exclusive=False)


def test_objects_are_linked_by_the_largest_overlap_of_one_class() -> None:
    linker = TrackLinker(0.3)
    assert linker.tracks(scene(thing(1, 0), thing(2, 20))) == {1: 1, 2: 2}
    # 7 overlaps track 2 more than 5 does; 6 is of another class; 8 is where nothing was.
    after = scene(thing(5, 25), thing(7, 21), thing(6, 0, "van"), thing(8, 45), thing(9, 2))
    assert linker.tracks(after) == {5: 3, 7: 2, 6: 4, 8: 5, 9: 1}


def test_tracks_that_are_given_are_kept() -> None:
    linker = TrackLinker()
    assert linker.tracks(scene(thing(1, 0, track=70), thing(2, 20, track=9))) == {1: 70, 2: 9}


@pytest.mark.parametrize(
    ("things", "said"),
    [
        ((thing(1, 0, track=3), thing(2, 20)), "object 2: meta.track: is None"),
        ((thing(1, 0, track=3), thing(2, 20, track=3)), "object 2: meta.track: is 3, as object 1 has"),
        ((thing(1, 0, track=70_000),), "object 1: meta.track: is 70000"),
        ((thing(1, 0, track="a"),), "object 1: meta.track: is 'a'"),
    ],
)
def test_tracks_that_cannot_be_are_refused(things: tuple[Instance, ...], said: str) -> None:
    with pytest.raises(InputError, match=r"0\.png") as error:
        TrackLinker().tracks(scene(*things))
    assert said in str(error.value)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_no_two_objects_meet_on_a_sheet_and_all_are_on_one(seed: int) -> None:
    for one in generated(2, 5, np.random.default_rng(seed))[1]:
        sheets = stacked(one)
        assert sorted(thing.id for sheet in sheets for thing in sheet) == sorted(thing.id for thing in one.instances)
        for sheet in sheets:
            assert sum(thing.amodal.to_dense().astype(int) for thing in sheet).max() <= 1
    assert stacked(Scene(4, 4)) == []


def test_pictures_hold_the_ids_of_tracks(tmp_path: Path) -> None:
    front, behind = thing(1, 10, track=300), thing(2, 16, track=5)
    behind = replace(behind, modal=behind.amodal.subtract(front.amodal))
    frames = [
        replace(scene(front, behind, image=f"f/{n:06d}_10.png"), order=OrderGraph((OrderEdge(1, 2),))) for n in (0, 1)
    ]
    write_scenes(frames, tmp_path / "scenes.json")
    counts = write_tracks(open_source(tmp_path / "scenes.json"), tmp_path / "out")
    assert counts == {"frames": 2, "tracks": 2, "sheets": 4}

    def picture(folder: str, name: str) -> np.ndarray:
        image = Image.open(tmp_path / "out" / folder / name)
        assert image.mode == "I;16"
        return np.asarray(image)

    seen = np.where(front.modal.to_dense(), 300, np.where(behind.modal.to_dense(), 5, 0))
    np.testing.assert_array_equal(picture(MODAL, "000000_10.png"), seen)
    np.testing.assert_array_equal(picture(AMODAL, "000001_10.png"), seen)
    np.testing.assert_array_equal(picture(STACK, "000000_10_00.png"), front.amodal.to_dense() * 300)
    np.testing.assert_array_equal(picture(STACK, "000000_10_01.png"), behind.amodal.to_dense() * 5)
    said = json.loads((tmp_path / "out" / TRACKS_FILE).read_text())
    assert said["classes"] == {"5": "car", "300": "car"}
    assert said["frames"][0]["order"] == [[300, 5]]


def test_nothing_is_left_of_frames_that_cannot_be_written(tmp_path: Path) -> None:
    write_scenes([scene(thing(1, 0)), scene(thing(1, 0))], tmp_path / "scenes.json")
    with pytest.raises(InputError, match="two frames of this name"):
        write_tracks(open_source(tmp_path / "scenes.json"), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["scenes.json"]
