"""Scenes as they are wanted: levels, sides, places, unknown occluders, perspective."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from amodal.challenge import Backgrounds, Balance, Place, Record, Sources, compose, render
from amodal.challenge.balance import Scenario, pairs_of
from amodal.challenge.compose import Layout
from amodal.challenge.ground import HEIGHTS_M
from amodal.challenge.shapes import KINDS, random_outlines
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import Scene

SCENARIOS: tuple[Scenario, ...] = ("two", "four", "two-unknown")
LAYOUTS: tuple[Layout, ...] = ("free", "ground")
SCENES = 24


def _scenes(
    scenario: Scenario, layout: Layout, sources: Sources, backgrounds: Backgrounds
) -> list[tuple[Record, Scene]]:
    made, balance = [], Balance()
    for index in range(SCENES):
        rng = np.random.default_rng([3, index])
        record = compose(rng, scenario, layout, sources, backgrounds, place=Place(3, index), balance=balance)
        scene = render(record, sources, backgrounds)[1]
        balance.add(scene)
        made.append((record, scene))
    return made


@pytest.fixture(scope="module")
def made(sources: Sources, backgrounds: Backgrounds) -> dict[tuple[Scenario, Layout], list[tuple[Record, Scene]]]:
    return {
        (scenario, layout): _scenes(scenario, layout, sources, backgrounds)
        for scenario in SCENARIOS
        for layout in LAYOUTS
    }


Made = dict[tuple[Scenario, Layout], list[tuple[Record, Scene]]]
every = pytest.mark.parametrize(("scenario", "layout"), [(s, one) for s in SCENARIOS for one in LAYOUTS])


@every
def test_hidden_levels_are_even_and_nothing_is_hidden_beyond_them(
    made: Made, scenario: Scenario, layout: Layout
) -> None:
    levels = Counter(i.level for _, scene in made[scenario, layout] for i in scene.instances if i.meta["known"])
    assert levels["L1"] == levels["L2"] == levels["L3"] > 0
    assert set(levels) == {"L0", "L1", "L2", "L3"}
    assert scenario != "two" or levels["L0"] == 3 * levels["L1"]


@every
def test_known_objects_stay_in_the_picture_and_in_sight(made: Made, scenario: Scenario, layout: Layout) -> None:
    for _, scene in made[scenario, layout]:
        for instance in scene.instances:
            x0, y0, x1, y1 = instance.box
            assert min(x0, y0) >= 0 and x1 <= scene.width and y1 <= scene.height
            assert not instance.meta["known"] or instance.modal.area >= 32


@every
def test_a_scene_has_as_many_known_objects_as_its_scenario_says_none_twice(
    made: Made, scenario: Scenario, layout: Layout
) -> None:
    for record, _ in made[scenario, layout]:
        known = [placed.source for placed in record.placed if placed.known]
        assert len(known) == len(set(known)) == {"two": 2, "four": 4, "two-unknown": 2}[scenario]
        assert (len(record.placed) > len(known)) == (scenario == "two-unknown")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_unknown_occluder_hides_a_part_of_a_known_object(made: Made, layout: Layout) -> None:
    for _, scene in made["two-unknown", layout]:
        known = {i.id for i in scene.instances if i.meta["known"]}
        for instance in scene.instances:
            assert instance.id in known or any(
                edge.front == instance.id and edge.behind in known for edge in scene.order.edges
            )


def test_no_rule_of_geometry_can_order_pairs_of_the_free_layout(made: Made) -> None:
    for scenario in ("two", "four"):
        pairs = [pair for _, scene in made[scenario, "free"] for pair in pairs_of(scene)]
        for rule in range(3):
            right = sum(sides[rule] for _, sides in pairs)
            assert abs(right - len(pairs) / 2) <= 1 + 0.06 * len(pairs)


def test_a_balance_asks_for_the_side_that_is_missing() -> None:
    balance = Balance()
    balance.pairs["L2"], balance.right["L2", "lower"], balance.right["L2", "larger"] = 10, 7, 2
    balance.right["L2", "taller"] = 5
    rng = np.random.default_rng(0)
    lower, larger, taller = np.mean([balance.wanted("L2", rng) for _ in range(400)], axis=0)
    assert lower < 0.1 and larger > 0.9 and 0.4 < taller < 0.6


def test_on_the_ground_nearer_things_are_lower_and_in_front_and_as_large_as_their_class(made: Made) -> None:
    for record, scene in made["four", "ground"]:
        bottoms = [placed.y + placed.height for placed in record.placed]
        assert bottoms == sorted(bottoms)
        # One horizon: height in pixels over height in metres grows evenly with the row of the feet.
        metres = np.array([placed.height / HEIGHTS_M[placed.label] for placed in record.placed])
        slopes = np.diff(metres) / np.maximum(np.diff(bottoms), 1)
        assert (metres[:-1] < metres[1:] * 1.2).all() and slopes.max() < 3
        assert scene.order.cycles() == []


def test_numbers_of_objects_tell_nothing_of_their_depth(made: Made) -> None:
    first = Counter(record.placed[0].id for record, _ in made["four", "free"])
    assert len(first) == 4


def test_the_same_chance_gives_the_same_record(sources: Sources, backgrounds: Backgrounds) -> None:
    twice = [compose(np.random.default_rng(9), "four", "free", sources, backgrounds) for _ in range(2)]
    assert twice[0] == twice[1]


def test_with_truncation_some_objects_leave_the_picture(sources: Sources, backgrounds: Backgrounds) -> None:
    left = 0
    for seed in range(8):
        record = compose(np.random.default_rng(seed), "two", "free", sources, backgrounds, truncation=True)
        scene = render(record, sources, backgrounds)[1].validate()
        left += sum(
            i.box[0] < 0 or i.box[1] < 0 or i.box[2] > scene.width or i.box[3] > scene.height for i in scene.instances
        )
    assert left > 0


def test_too_few_objects_for_a_scenario_are_an_error(sources: Sources, backgrounds: Backgrounds) -> None:
    few = Sources({id: sources.objects[id] for id in list(sources.objects)[:3]})
    with pytest.raises(InputError, match="objects: found 3 usable, expected at least 4 for scenario 'four'"):
        compose(np.random.default_rng(0), "four", "free", few, backgrounds)


def test_objects_that_fit_no_level_are_an_error(sources: Sources, backgrounds: Backgrounds) -> None:
    tiny = np.zeros((200, 260), bool)
    tiny[50:100, 60:160] = True
    mask = CropMask.from_dense(tiny)  # cut-outs are never enlarged enough for these
    small = {id: replace(one, mask=mask) for id, one in sources.objects.items()}
    with pytest.raises(InputError, match=r"no scene with levels L0, L\d in 400 tries from 12 objects"):
        compose(np.random.default_rng(0), "two", "free", Sources(small), backgrounds)


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_of_unknown_occluders_fill_their_box(kind: str) -> None:
    for seed in range(20):
        outlines = random_outlines(np.random.default_rng(seed), 40, 60, kind)
        corners = np.concatenate([np.array(outline).reshape(-1, 2) for outline in outlines])
        assert corners.min(axis=0).tolist() == [0, 0] and corners.max(axis=0).tolist() == [80, 120]
