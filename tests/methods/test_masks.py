"""Reasoning after any network's masks: two cars that both claim what they share, told apart by what one admits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amodal.errors import InputError
from amodal.methods.masks import MaskReasoner, evidence_of_masks, mask_reasoner, reasoned
from amodal.scene import Scene
from helpers.drawn_scenes import two_squares
from helpers.generated_scenes import generated

OWNERS, ORDER, NONE = (mask_reasoner(how) for how in ("owners", "order", "none"))


def test_evidence_is_the_posterior_of_the_three_states() -> None:
    whole, seen = np.array([[0.9, 0.5]]), np.array([[0.7, 0.1]])
    found = evidence_of_masks(whole, seen, (3, 4, 5, 5), (3, 4, 5, 5))
    states = np.exp([found.foreground, found.occluded, found.context])
    np.testing.assert_allclose(states[:, 0], [[0.7, 0.1], [0.2, 0.4], [0.1, 0.5]], atol=1e-6)


def test_what_is_seen_is_there_whatever_the_whole_mask_says() -> None:
    found = evidence_of_masks(np.array([[0.2]]), np.array([[0.8]]), (0, 0, 1, 1), (0, 0, 1, 1))
    assert found.foreground > np.log(0.79) and found.context < np.log(0.21) and found.occluded < np.log(0.001)


def _without_order(scene: Scene) -> Scene:
    return replace(scene, order=type(scene.order)(()), exclusive=False)


def test_an_order_that_masks_show_is_found_and_the_masks_stay() -> None:
    truth = two_squares()
    found = reasoned(_without_order(truth), OWNERS).validate()
    assert found.order.in_front_of(1, 2) and not found.order.in_front_of(2, 1)
    assert [one.modal for one in found.instances] == [one.modal for one in truth.instances]
    assert [one.amodal for one in found.instances] == [one.amodal for one in truth.instances]


def test_a_pixel_that_both_claim_goes_to_the_one_in_front_and_stays_in_the_others_whole_mask() -> None:
    front, behind = two_squares().instances
    greedy = replace(behind, modal=behind.amodal)
    scene = _without_order(two_squares()).with_instances([front, greedy])
    found = reasoned(scene, OWNERS).validate()
    assert found.exclusive
    assert found.instance(1).modal == front.modal  # it ends lower
    assert found.instance(2).modal == behind.modal and found.instance(2).amodal == behind.amodal
    assert found.instance(2).claimed == greedy.modal


def test_order_alone_changes_no_mask() -> None:
    front, behind = two_squares().instances
    scene = _without_order(two_squares()).with_instances([front, replace(behind, modal=behind.amodal)])
    found = reasoned(scene, ORDER).validate()
    assert found.order.in_front_of(1, 2) and not found.exclusive
    assert found.instances == scene.instances


def test_no_reasoning_changes_nothing() -> None:
    assert reasoned(two_squares(), NONE) == two_squares()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_whatever_masks_claim_a_reasoned_scene_keeps_its_promises(seed: int) -> None:
    chance = np.random.default_rng(seed)
    for scene in generated(2, 5, chance)[1]:
        found = reasoned(scene, OWNERS).validate()
        assert [one.id for one in found.instances] == [one.id for one in scene.instances]
        assert not found.order.cycles()


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_masks_do_not_depend_on_the_sequence_of_objects(seed: int) -> None:
    for scene in generated(2, 5, np.random.default_rng(seed))[1]:
        there = reasoned(scene, OWNERS)
        back = reasoned(scene.with_instances(scene.instances[::-1]), OWNERS)
        if len({(one.box, one.label, one.modal, one.amodal) for one in scene.instances}) == len(scene.instances):
            assert {one.id: one.modal for one in there.instances} == {one.id: one.modal for one in back.instances}


def test_other_ways_of_reasoning_are_an_error() -> None:
    with pytest.raises(InputError, match="reasoning: found 'both', expected one of none, order, owners"):
        mask_reasoner("both")  # type: ignore[arg-type]


def test_without_other_cues_masks_alone_decide() -> None:
    higher = two_squares()
    turned = higher.with_instances([replace(one, box=(0, 0, 1, 1)) for one in higher.instances])
    assert reasoned(_without_order(turned), MaskReasoner("owners")).order.in_front_of(1, 2)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_an_object_alone_keeps_the_whole_mask_that_its_network_gave_it(seed: int) -> None:
    chance = np.random.default_rng(seed)
    whole = chance.random((6, 7))
    seen = whole * chance.random((6, 7))
    evidence = evidence_of_masks(whole, seen, (0, 0, 7, 6), (0, 0, 7, 6))
    found = OWNERS([evidence], [evidence.box], [None], 6)
    np.testing.assert_array_equal(found.amodal[0] | found.modal[0], found.amodal[0])
    np.testing.assert_array_equal(found.amodal[0], (whole > 0.5) | found.modal[0])
    assert found.modal[0][seen > 0.5].all() and found.evidences == (evidence,)
