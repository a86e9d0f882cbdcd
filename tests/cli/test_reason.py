"""`amodal reason` as it is typed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from amodal.data.results import read_scenes, write_scenes
from amodal.scene import OrderGraph
from helpers.command_line import Amodal
from helpers.drawn_scenes import two_squares


@pytest.fixture
def greedy(tmp_path: Path) -> Path:
    """Two squares that both claim what they share, without an order."""
    front, behind = two_squares().instances
    scene = replace(two_squares(), order=OrderGraph(()), exclusive=False)
    whole = [replace(one, modal=one.amodal, posterior=None, claimed=None) for one in (front, behind)]
    write_scenes([scene.with_instances(whole)], tmp_path / "scenes.json")
    return tmp_path / "scenes.json"


def test_every_pixel_gets_one_owner_and_every_pair_an_order(amodal: Amodal, greedy: Path, tmp_path: Path) -> None:
    before = greedy.read_bytes()
    outcome = amodal("reason", greedy, "--out", tmp_path / "out.json")
    assert outcome.code == 0, outcome.err
    (scene,) = read_scenes(tmp_path / "out.json")
    assert scene.validate().exclusive and scene.order.in_front_of(1, 2)
    assert not scene.instance(1).modal.intersection_area(scene.instance(2).modal)
    assert greedy.read_bytes() == before


def test_order_alone_leaves_masks_as_they_are(amodal: Amodal, greedy: Path, tmp_path: Path) -> None:
    outcome = amodal("reason", tmp_path, "--reasoning", "order", "--out", tmp_path / "out.json", "--json")
    assert json.loads(outcome.out)["edges"] == 1
    (scene,), (old,) = read_scenes(tmp_path / "out.json"), read_scenes(greedy)
    assert [one.modal for one in scene.instances] == [one.modal for one in old.instances]


@pytest.mark.parametrize(
    ("more", "said"),
    [(("--out", "x.txt"), "expected a name in .json"), (("--out", "x.json", "--order-cues", "smell"), "smell")],
)
def test_wrong_use_is_refused(amodal: Amodal, greedy: Path, more: tuple[str, ...], said: str) -> None:
    outcome = amodal("reason", greedy, *more)
    assert outcome.code == 2 and said in outcome.err
