"""What our writers write passes our check, whatever it was converted from."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from amodal.data.convert import convert
from amodal.data.entries import Source
from amodal.data.formats import FORMATS, open_source
from amodal.data.kitti_folder import photo_folder
from amodal.data.results import write_scenes
from amodal.order import OrderEdge, OrderGraph
from amodal.scene import Instance
from amodal.survey.check import check
from amodal.survey.findings import Problem
from amodal.survey.labels import check_labels
from helpers.amodal_files import write_cocoa, write_kins, write_kitti
from helpers.drawn_files import HEIGHT, WIDTH, Photo, Thing, content_of
from helpers.generated_scenes import generated
from helpers.kins_miniature import make_kins_miniature

DATA = Path(os.environ.get("AMODAL_RESEARCH_DATA", Path(__file__).parents[3] / "shared" / "data"))
COCOA, KITTI = DATA / "amodal" / "annotations.json", DATA / "kitti"
JSON_FORMATS = ("kins-2019", "kins-2020", "coco", "cocoa", "cocoa-regions", "d2sa")
# Cityscapes' pictures are checked in test_instance_pictures; parts are results, which are validated as they are read.
CHECKED = [name for name in FORMATS if name not in ("cityscapes", "parts")]


@st.composite
def things(draw: st.DrawFn) -> Thing:
    """May touch others by a pixel, or be hidden wholly."""
    x0, y0 = draw(st.integers(0, WIDTH - 4)), draw(st.integers(0, HEIGHT - 4))
    return Thing((x0, y0, draw(st.integers(x0 + 1, WIDTH)), draw(st.integers(y0 + 1, HEIGHT))))


photos = st.lists(
    st.builds(Photo, st.lists(things(), min_size=1, max_size=5), st.none() | st.just((2, 3, 9, 8))),
    min_size=1,
    max_size=2,
)


def broken_after(source: Source, target: str, out: Path, photos: Path | None = None) -> list[Problem]:
    """What check calls broken in the data set written as `target`."""
    convert(source, target, out)
    findings = check_labels(out, photos) if target == "kitti" else check(out)
    return [problem for problem in findings.problems if problem.severity == "broken"]


@pytest.mark.parametrize("target", CHECKED)
@pytest.mark.skipif(not COCOA.exists(), reason="no research data (AMODAL_RESEARCH_DATA)")
@pytest.mark.parametrize("real", [COCOA, KITTI], ids=["cocoa", "kitti"])
def test_real_samples_are_sound_in_every_format(real: Path, target: str, tmp_path: Path) -> None:
    assert not broken_after(open_source(real), target, tmp_path / "out", photo_folder(real) or real.parent / "images")


@pytest.mark.parametrize("target", CHECKED)
def test_miniatures_are_sound_in_every_format(target: str, tmp_path: Path) -> None:
    downloaded = make_kins_miniature(tmp_path / "mini")
    sources = [
        *(write_kins(tmp_path / layout, layout) for layout in ("2019", "2020")),
        *(downloaded / name for name in ("update_train_2020.json", "instances_train.json")),
        write_cocoa(tmp_path / "cocoa"),
        write_kitti(tmp_path / "kitti"),
    ]
    for number, source in enumerate(sources):
        assert not broken_after(open_source(source), target, tmp_path / f"out{number}")


@pytest.mark.parametrize("format", JSON_FORMATS)
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(drawn=photos)
def test_objects_that_touch_cover_or_hide_each_other_are_sound_in_every_format(
    format: str, drawn: list[Photo], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("formats")
    (folder / "in.json").write_text(json.dumps(content_of(format, drawn)))
    assume(not any(problem.severity == "broken" for problem in check(folder / "in.json").problems))
    source = open_source(folder / "in.json", format=format)
    for target in sorted({*CHECKED} - {format}):  # in its own format a file stays as it is
        assert not broken_after(source, target, folder / target), target


@pytest.mark.parametrize("target", ["kins-2020", "cocoa", "cocoa-regions"])
def test_numbers_of_a_circle_contradict_one_edge_and_not_each_other(target: str, tmp_path: Path) -> None:
    scene = next(scene for scene in generated(20, 4, np.random.default_rng(0))[1] if _all_overlap(scene.instances[:3]))
    one, two, three = (instance.id for instance in scene.instances[:3])
    circle = OrderGraph((OrderEdge(one, two, 0.9), OrderEdge(two, three, 0.8), OrderEdge(three, one, 0.6)))
    write_scenes([replace(scene, order=circle, image="a.jpg")], tmp_path / "scenes.json")
    assert not broken_after(open_source(tmp_path / "scenes.json"), target, tmp_path / "out.json")
    written = open_source(tmp_path / "out.json")[0].scene
    first, second, third = (one.id for one in written.instances[:3])  # ids may be others
    for front, behind in ((first, second), (second, third), (first, third)):
        assert written.order.in_front_of(front, behind)


def _all_overlap(instances: Sequence[Instance]) -> bool:
    shared = [one.amodal.intersection_area(other.amodal) for one, other in combinations(instances, 2)]
    return len(instances) == 3 and min(shared) >= 10
