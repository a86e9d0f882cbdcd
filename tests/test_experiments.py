"""What experiments rest on: who is held out, which objects overlap, which cases are the worst."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

EXPERIMENTS = Path(__file__).resolve().parents[1] / "experiments"


def street() -> Path:
    folder = os.environ.get("AMODAL_RESEARCH_DATA")
    return (Path(folder) if folder else EXPERIMENTS.parents[1] / "shared" / "data") / "street"


needs_photos = pytest.mark.skipif(not street().exists(), reason="no research data (AMODAL_RESEARCH_DATA)")


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch):
    """Loads a file of an experiment as it is run: with its folder, and those it asks for, on the path."""

    def load(folder: str, name: str) -> ModuleType:
        for own in ("splits", "real_occlusion", folder):
            monkeypatch.syspath_prepend(str(EXPERIMENTS / own))
        for known in ("run", "make", "choose", "truths", "overlaps", "sources", "tiles", "box_sheets"):
            monkeypatch.delitem(sys.modules, known, raising=False)
        return importlib.import_module(name)

    return load


def test_held_out_photos_alone_change_their_split(module) -> None:
    images = [{"file_name": name, "split": "train"} for name in "abc"] + [{"file_name": "v", "split": "val"}]
    content = {"images": images}
    module("splits", "make").with_held(content, {"b"})
    assert [image["split"] for image in images] == ["train", "held", "train", "val"]


@pytest.mark.parametrize("name", ["v", "missing"])
def test_only_train_photos_are_held_out(module, name: str) -> None:
    with pytest.raises(SystemExit, match=f"{name}: split is"):
        module("splits", "make").with_held({"images": [{"file_name": "v", "split": "val"}]}, {name})


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_photos_that_look_alike_are_grouped_as_scipy_does(seed: int, count: int) -> None:
    sys.path.insert(0, str(EXPERIMENTS / "splits"))
    try:
        from choose import connected
    finally:
        sys.path.pop(0)
    alike = np.random.default_rng(seed).random((count, count)) < 0.15
    alike = alike | alike.T | np.eye(count, dtype=bool)
    _, labels = connected_components(alike, directed=False)
    expected = {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels)}
    assert {frozenset(group) for group in connected(alike)} == expected


def test_the_worst_come_first_and_two_of_a_photo_at_most(module) -> None:
    run = module("worst_cases", "run")
    values = [("a", 5.0), ("a", 1.0), ("a", 3.0), ("b", 4.0), ("c", 9.0)]
    cases = [SimpleNamespace(photo=p, modal=v, key=f"{p} {n}") for n, (p, v) in enumerate(values)]
    assert [case.modal for case in run.worst(cases, 3)] == [1.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("licence", "is_free"),
    [
        ("CC BY 2.0 (Flickr)", True),
        ("CC BY-SA 2.0 (Flickr)", True),
        ("CC BY-NC-SA 2.0 (Flickr)", False),
        ("CC BY-ND 2.0 (Flickr)", False),
        ("none stated; street-view imagery", False),
        ("", False),
    ],
)
def test_only_photos_that_may_be_passed_on_are_pictured(module, licence: str, is_free: bool) -> None:
    assert module("worst_cases", "run").free(licence) is is_free


@needs_photos
def test_held_out_cars_are_hand_drawn_ones_of_the_train_split(module) -> None:
    truths = module("splits", "truths").fully_visible(street(), held=True)
    held = [truth for truth in truths if "car, hand-drawn (held)" in truth.groups.values()]
    names = set(json.loads((EXPERIMENTS / "splits" / "held_out.json").read_text())["photos"])
    assert {truth.scene.image for truth in held} == names
    assert sum(len(truth.scored) for truth in held) == 30
    val = [group for truth in truths for group in truth.groups.values()]
    assert val.count("car, hand-drawn") == 17


@needs_photos
def test_every_overlapping_object_counts_once(module) -> None:
    overlaps = module("real_occlusion", "overlaps")
    judged = [
        entry for entry in json.loads((EXPERIMENTS / "real_occlusion" / "amodal_boxes.json").read_text())["objects"]
    ]
    drawn = {one.id: one.box for truth in overlaps.drawn(street(), "val", "whole") for one in truth.scored}
    assert drawn == {
        entry["annotation"]: tuple(map(float, entry["amodal_box"])) for entry in judged if entry["split"] == "val"
    }
    others = [one.id for truth in overlaps.others(street(), "val") for one in truth.scored]
    assert len(others) == len(set(others))
    assert not set(others) & drawn.keys()
    pairs = [edge for truth in overlaps.judged_order(street(), "val") for edge in truth.scene.order.edges]
    assert len(pairs) == 109


def test_what_is_kept_of_networks_has_another_name_with_other_settings_photos_or_files(module, tmp_path: Path) -> None:
    common = module("network_family", "common")
    trunk = tmp_path / "trunk"

    def name(photo: str = "a", passes: int = 2, weights: str = "w") -> str:
        trunk.write_text(weights)
        truth = SimpleNamespace(
            scene=SimpleNamespace(image=photo, instances=[SimpleNamespace(label="car", box=(0, 1))])
        )
        return common.digest([truth], {"passes": passes}, files=[trunk])

    names = [name(), name(photo="b"), name(passes=1), name(weights="v")]
    assert len(set(names)) == 4 and name() == names[0]
