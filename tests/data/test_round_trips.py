"""What was read is written back without loss; between formats, what is lost is listed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amodal.data.convert import convert
from amodal.data.entries import Entry, Source, entries_of
from amodal.data.formats import FORMATS, open_source
from amodal.data.results import read_scenes, write_scenes
from amodal.scene import Instance
from helpers.drawn_files import CLASSES, HEIGHT, WIDTH, Photo, Thing, content_of
from helpers.generated_scenes import generated

JSON_FORMATS = ("kins-2019", "kins-2020", "coco", "cocoa", "cocoa-regions", "d2sa")
QUICK = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
extras = st.dictionaries(st.text(min_size=1, max_size=6).map(lambda key: f"x {key}"), plain, max_size=3)


@st.composite
def things(draw: st.DrawFn) -> Thing:
    """May be hidden wholly by others."""
    x0, y0 = draw(st.integers(0, WIDTH - 4)), draw(st.integers(0, HEIGHT - 4))
    box = (x0, y0, draw(st.integers(x0 + 1, WIDTH)), draw(st.integers(y0 + 1, HEIGHT)))
    return Thing(box, draw(st.sampled_from(sorted(CLASSES))), draw(extras))


photos = st.lists(
    st.builds(Photo, st.lists(things(), max_size=4), st.none() | st.just((2, 3, 9, 8)), extras),
    min_size=1,
    max_size=3,
)


@pytest.mark.parametrize("format", JSON_FORMATS)
@QUICK
@given(drawn=photos, head=extras)
def test_what_was_read_is_written_back_as_it_was(
    format: str, drawn: list[Photo], head: dict[str, Any], tmp_path: Path
) -> None:
    content = content_of(format, drawn, {"info": {"year": 2019}, "licenses": [{"id": 1, "name": "free"}], **head})
    source = opened(tmp_path / "in.json", content, format)
    done = convert(source, format, tmp_path / "out.json")
    assert by_id(json.loads((tmp_path / "out.json").read_text())) == by_id(content)
    assert not done.losses.counts


@pytest.mark.parametrize("format", JSON_FORMATS)
@settings(QUICK, max_examples=3)
@given(drawn=photos)
def test_what_does_not_come_back_from_another_format_is_listed(
    format: str, drawn: list[Photo], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("formats")
    source = opened(folder / "in.json", content_of(format, drawn), format)
    befores = list(entries_of(source))
    for target in FORMATS:
        out = folder / target
        losses = " / ".join(convert(source, target, out).losses.counts)
        afters = list(entries_of(opened_again(out, target, befores)))
        assert len(afters) == len(befores)
        for before, after in zip(befores, afters, strict=True):
            for what in differences(before, after):
                assert what in losses, (target, what, losses)


@pytest.mark.parametrize("target", [name for name in JSON_FORMATS if name != "cocoa-regions"] + ["amodal"])
@QUICK
@given(drawn=photos)
def test_unknown_fields_polygons_and_ids_go_along_to_other_json_and_back(
    target: str, drawn: list[Photo], tmp_path: Path
) -> None:
    content = content_of("kins-2019", drawn, {"info": {"by": "us"}})
    convert(opened(tmp_path / "in.json", content, "kins-2019"), target, tmp_path / "there.json")
    convert(open_source(tmp_path / "there.json", format=target), "kins-2019", tmp_path / "back.json")
    back = json.loads((tmp_path / "back.json").read_text())
    there = {one["id"]: one for one in back["annotations"]}
    for before in content["annotations"]:
        after = there.get(before["id"])
        if after is None:  # nothing of it is seen, or a region to ignore: some formats cannot say that
            assert before["iscrowd"] or not before["inmodal_area"]
        elif not before["iscrowd"]:
            unknown = {key for key in before if key.startswith("x ")}
            assert {key: after[key] for key in unknown} == {key: before[key] for key in unknown}
            if target in ("kins-2020", "d2sa", "cocoa"):
                assert after["segmentation"] == before["segmentation"]
    assert back["info"] == content["info"]
    assert {image["id"] for image in back["images"]} == {image["id"] for image in content["images"]}


@QUICK
@given(seed=st.integers(0, 2**32), extra=extras)
def test_our_scenes_come_back_equal(seed: int, extra: dict[str, Any], tmp_path: Path) -> None:
    chance = np.random.default_rng(seed)
    scenes = [
        scene.with_instances([replace(one, box=tuple(chance.normal(0, 9, 4)), meta=extra) for one in scene.instances])
        for scene in generated(3, 4, chance)[1]
    ]
    scenes = [replace(scene, instances=tuple(map(with_area, scene.instances))) for scene in scenes]
    write_scenes(scenes, tmp_path / "in.json")
    convert(open_source(tmp_path / "in.json"), "amodal", tmp_path / "out.json")
    assert read_scenes(tmp_path / "out.json") == read_scenes(tmp_path / "in.json")


def with_area(instance: Instance) -> Instance:
    a, b, c, d = sorted(instance.box)
    return replace(instance, box=(a, b, c + 1e-3, d + 1e-3))


def opened(path: Path, content: dict[str, Any], format: str) -> Source:
    path.write_text(json.dumps(content), "utf-8")
    return open_source(path, format=format)


def opened_again(out: Path, target: str, entries: list[Entry]) -> Source:
    if target == "kitti":  # its labels do not say how large a photo is
        from PIL import Image

        (out / "image_2").mkdir()
        for entry in entries:
            Image.new("RGB", (WIDTH, HEIGHT)).save(out / "image_2" / str(entry.scene.image))
    return open_source(out, format=target)


def differences(before: Entry, after: Entry) -> Iterator[str]:
    """Words that the list of losses must have, for all that is not the same."""
    own_numbers = ("kitti", "cityscapes", "cocoa-regions")
    formats = {entry.read.format for entry in (before, after) if entry.read is not None}
    renumbered = bool(formats.intersection(own_numbers))
    was, now = list(before.scene.instances), list(after.scene.instances)
    if len(was) != len(now):
        yield "without a"
        return
    if renumbered:  # a sequence of its own
        if after.read is not None and after.read.format == "cityscapes":
            return
        number = {one.id: place for place, one in enumerate(now)}
        then = {one.id: place for place, one in enumerate(was)}
    else:
        number = {one.id: one.id for one in now}
        then = {one.id: one.id for one in was}
        was, now = sorted(was, key=lambda one: one.id), sorted(now, key=lambda one: one.id)
    for one, other in zip(was, now, strict=True):
        if one.label != other.label:
            yield "class"
        if one.modal != other.modal:
            yield "visible mask"
        if one.amodal != other.amodal and "amodal" in before.truth.knows:
            yield "whole mask"
        if one.box != pytest.approx(other.box):
            yield "box"
    if edges(before, then) != edges(after, number):
        yield "front" if edges(before, then) - edges(after, number) else "order"
    if before.truth.ignore != after.truth.ignore:
        yield "ignore"


def edges(entry: Entry, number: dict[int, int]) -> set[tuple[int, int]]:
    return {(number[edge.front], number[edge.behind]) for edge in entry.scene.order.edges}


def by_id(content: dict[str, Any]) -> dict[str, Any]:
    """Lists of photos and objects have no sequence that means anything."""
    return {
        key: sorted(value, key=lambda entry: entry["id"]) if key in ("images", "annotations", "categories") else value
        for key, value in content.items()
    }
