"""Scenes in parts: what is written comes back, others can read the masks, what is broken is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools import mask as pycoco

from amodal.data.entries import Entry, Head
from amodal.data.fields import Field
from amodal.data.formats import open_source, write_as
from amodal.data.part_rows import row_of, scene_of_row
from amodal.data.parts import Kind, read_parts, read_rows, write_rows
from amodal.data.truth import Truth
from amodal.errors import InputError
from amodal.scene import Scene
from helpers.generated_scenes import generated

QUICK = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def drawn(seed: int, least: int = 0) -> Scene:
    """Random blobs, with all that a row can hold."""
    chance = np.random.default_rng(seed)
    scene = next(scene for _ in range(100) if len(scene := generated(1, 4, chance)[1][0]) >= least)
    return scene.with_instances(
        [replace(one, claimed=one.modal, meta={"said": ["ü", one.id]} if one.id % 2 else {}) for one in scene.instances]
    )


scenes = st.lists(st.integers(0, 10_000).map(drawn), min_size=1, max_size=3)


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@QUICK
@given(some=scenes)
def test_a_part_gives_back_the_scenes_that_were_written(kind: Kind, some: list[Scene], tmp_path: Path) -> None:
    rows = [row_of(scene, number, f"key {number}") for number, scene in enumerate(some)]
    write_rows(rows, tmp_path / "part", kind)
    assert [scene_of_row(row) for row in read_rows(tmp_path / "part", kind)] == some


@QUICK
@given(some=scenes)
def test_pycocotools_reads_a_mask_in_the_frame_of_its_box(some: list[Scene]) -> None:
    for scene in some:
        for one, said in zip(scene.instances, row_of(scene, 0, "key")["objects"], strict=True):
            x0, y0, x1, y1 = said["amodal"]["box"]
            dense = np.zeros((scene.height, scene.width), bool)
            if x1 > x0:
                size = [y1 - y0, x1 - x0]
                dense[y0:y1, x0:x1] = pycoco.decode({"size": size, "counts": said["amodal"]["counts"].encode()})
            assert (dense == one.amodal.to_dense()).all()


def written(scene: Scene, folder: Path) -> Path:
    knows = frozenset({"modal", "amodal", "order", "boxes"})
    write_as("parts", [Entry(Truth(scene, None, knows))], Head("amodal"), folder)
    return folder


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("height", "tall", "height"),
        ("objects", 5, "objects"),
        ("boxes_are", "round", "boxes_are"),
        ("order", [{"front": 0, "behind": 0, "probability": 2}], "row 0"),
    ],
)
def test_a_broken_row_is_named_by_file_and_field(field: str, value: object, named: str, tmp_path: Path) -> None:
    row = row_of(drawn(3, 1), 0, "key") | {field: value}
    with pytest.raises(InputError, match=f"part-0: row 0.*{named}|part-0: {named}"):
        scene_of_row(Field("part-0", None, "row 0", row))


def test_a_mask_that_does_not_fill_its_box_is_refused(tmp_path: Path) -> None:
    row = row_of(drawn(3, 1), 0, "key")
    row["objects"][0]["amodal"]["box"][2] += 1
    with pytest.raises(InputError, match=r"objects\[0\]\.amodal"):
        scene_of_row(Field("part-0", None, "row 0", row))


def test_an_index_cannot_name_a_part_outside_its_folder(tmp_path: Path) -> None:
    folder = written(drawn(3, 1), tmp_path / "out")
    index = json.loads((folder / "index.json").read_text())
    index["parts"][0]["file"] = "../../secret.jsonl"
    (folder / "index.json").write_text(json.dumps(index))
    with pytest.raises(InputError, match="plain file name"):
        list(read_parts(folder))


def test_parts_that_were_converted_to_are_read_as_parts(tmp_path: Path) -> None:
    scene = drawn(4, 1)
    assert list(read_parts(written(scene, tmp_path / "out"))) == [scene]
    assert open_source(tmp_path / "out")[0].scene == scene
