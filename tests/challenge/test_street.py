"""Scenario `street`: many objects, perspective, and the other scenarios as they were before it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from amodal.challenge import (
    Backgrounds,
    Balance,
    ChallengeConfig,
    Place,
    Record,
    Sources,
    compose,
    generate,
    render,
)
from amodal.challenge.check import check_scene
from amodal.challenge.ground import HEIGHTS_M
from amodal.data.results import read_scenes
from amodal.errors import InputError
from amodal.scene import Scene
from helpers.cut_outs import CutOuts

SCENES = 24
# Of four records each, made by the release before there was a street.
BEFORE = {
    ("two", "free"): "911cbe4c6b8f4fde",
    ("two", "ground"): "68015fed01262b2f",
    ("four", "free"): "6852861aeea0a444",
    ("four", "ground"): "3acda15ad6d4ea8c",
    ("two-unknown", "free"): "3766c5d856e26d12",
    ("two-unknown", "ground"): "5029f06272c9e9b2",
}


def _made(sources: Sources, backgrounds: Backgrounds, *, truncation: bool = False) -> list[tuple[Record, Scene]]:
    made = []
    for index in range(SCENES):
        rng = np.random.default_rng([3, index])
        record = compose(rng, "street", "free", sources, backgrounds, place=Place(3, index), truncation=truncation)
        scene = render(record, sources, backgrounds)[1]
        made.append((record, check_scene(record, scene, truncation=truncation)))
    return made


@pytest.fixture(scope="module")
def made(sources: Sources, backgrounds: Backgrounds) -> list[tuple[Record, Scene]]:
    return _made(sources, backgrounds)


@pytest.mark.parametrize(("scenario", "layout"), list(BEFORE))
def test_other_scenarios_are_made_as_they_were_before_there_was_a_street(
    sources: Sources, backgrounds: Backgrounds, scenario: str, layout: str
) -> None:
    digest, balance = hashlib.sha256(), Balance()
    for index in range(4):
        rng = np.random.default_rng([7, index])
        record = compose(rng, scenario, layout, sources, backgrounds, place=Place(7, index), balance=balance)  # type: ignore[arg-type]
        balance.add(render(record, sources, backgrounds)[1])
        digest.update(record.to_json().encode())
    assert digest.hexdigest()[:16] == BEFORE[scenario, layout]


def test_a_street_has_five_to_twelve_known_objects_none_twice(made: list[tuple[Record, Scene]]) -> None:
    counts = set()
    for record, _ in made:
        known = [placed.source for placed in record.placed if placed.known]
        assert len(known) == len(set(known))
        counts.add(len(known))
    assert min(counts) >= 5 and max(counts) <= 12 and len(counts) > 3


def test_a_good_share_of_a_streets_objects_is_hidden_in_part(made: list[tuple[Record, Scene]]) -> None:
    levels = [i.level for _, scene in made for i in scene.instances if i.meta["known"]]
    assert 0.3 < sum(level != "L0" for level in levels) / len(levels) < 0.8
    assert set(levels) == {"L0", "L1", "L2", "L3"}


def test_streets_of_all_classes_and_some_with_unknown_things(made: list[tuple[Record, Scene]]) -> None:
    labels = {placed.label for record, _ in made for placed in record.placed if placed.known}
    unknown = [sum(not placed.known for placed in record.placed) for record, _ in made]
    assert labels == {"car", "person"} and 0 in unknown and max(unknown) > 0


def test_on_a_street_nearer_things_are_lower_and_in_front_and_as_large_as_their_class(
    made: list[tuple[Record, Scene]],
) -> None:
    for record, scene in made:
        assert record.layout == "ground" and scene.order.cycles() == []
        known = [placed for placed in record.placed if placed.known]
        bottoms = [placed.y + placed.height for placed in known]
        assert bottoms == sorted(bottoms)
        metres = np.array([placed.height / HEIGHTS_M[placed.label] for placed in known])
        assert (metres[:-1] < metres[1:] * 1.2).all()


def test_with_truncation_some_objects_of_a_street_leave_the_picture(sources: Sources, backgrounds: Backgrounds) -> None:
    boxes = [
        (instance.box, scene)
        for _, scene in _made(sources, backgrounds, truncation=True)
        for instance in scene.instances
    ]
    assert any(box[0] < 0 or box[2] > scene.width for box, scene in boxes)
    assert any(box[3] > scene.height for box, scene in boxes)


def test_the_same_chance_gives_the_same_street(sources: Sources, backgrounds: Backgrounds) -> None:
    twice = [compose(np.random.default_rng(9), "street", "ground", sources, backgrounds) for _ in range(2)]
    assert twice[0] == twice[1]


def test_too_few_objects_for_a_street_are_an_error(sources: Sources, backgrounds: Backgrounds) -> None:
    few = Sources({id: sources.objects[id] for id in list(sources.objects)[:4]})
    with pytest.raises(InputError, match="found 4 usable, expected at least 5 for scenario 'street'"):
        compose(np.random.default_rng(0), "street", "ground", few, backgrounds)


def test_a_folder_of_streets_says_that_they_stand_on_the_ground(cut_outs: CutOuts, tmp_path: Path) -> None:
    config = ChallengeConfig(cut_outs.annotations, cut_outs.backgrounds, scenario="street", scenes=3, workers=1)
    summary = generate(config, tmp_path)
    assert summary.scenes == len(read_scenes(tmp_path / "scenes.json")) == 3
    assert "`street`, layout `ground`" in (tmp_path / "datasheet.md").read_text()
    assert generate(replace(config, layout="ground"), tmp_path).objects == summary.objects
