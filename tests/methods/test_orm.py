"""The methods as they are loaded: what each switch does, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import amodal
from amodal.errors import InputError
from amodal.methods import orm
from amodal.methods.compositional import CompositionalSegmenter
from amodal.reasoning import PairOrder, joint, published
from amodal.reasoning.pair_order import Pair
from amodal.scene import Scene
from amodal.student import segmenter as student
from helpers.counting import counted_crops
from helpers.photographed import Photographed


def loaded(path: Path, method: str = "orm", **settings: Any) -> CompositionalSegmenter:
    model = amodal.load(path, method, **settings)
    assert isinstance(model, CompositionalSegmenter)
    return model


def segmented(path: Path, photo: Photographed, method: str = "orm", **settings: Any) -> Scene:
    return loaded(path, method, **settings).segment(photo.pixels, photo.boxes, photo.labels)


COMPOSITIONAL = ("orm", "published", "nod", "compnet")


@pytest.mark.parametrize("method", COMPOSITIONAL)
def test_every_method_loads_by_name_and_keeps_its_promises(mini_model: Path, scene: Photographed, method: str) -> None:
    model = loaded(mini_model, method)
    found = model.segment(scene.pixels, scene.boxes, scene.labels).validate()
    assert model.name == found.method == method
    assert len(found) == 2
    assert all(not instance.amodal.is_empty for instance in found.instances)
    assert found.exclusive == (method != "compnet")


def test_model_is_known_by_text_too(mini_model: Path) -> None:
    assert loaded(Path(str(mini_model))).model_name == "mini"
    assert amodal.load(str(mini_model)).labels == loaded(mini_model).labels


@pytest.mark.parametrize("method", ["orm", "published"])
def test_one_backbone_pass_per_object_for_any_number_of_rounds(
    mini_model: Path, crowded: list[Photographed], method: str
) -> None:
    for rounds in (0, 1, 4):
        model = loaded(mini_model, method, rounds=rounds, refine="none")
        with counted_crops(model.model.backbone) as batches:
            model.segment_batch(
                [photo.pixels for photo in crowded[:3]],
                [photo.boxes for photo in crowded[:3]],
                [photo.labels for photo in crowded[:3]],
            )
        assert sum(batches) == 6


@pytest.mark.parametrize(
    ("method", "module", "function"), [("orm", joint, "reason"), ("published", published, "reason")]
)
def test_rounds_and_geometry_reach_the_reasoner(
    mini_model: Path,
    scene: Photographed,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    module: Any,
    function: str,
) -> None:
    calls: list[dict[str, Any]] = []
    original = getattr(module, function)

    def remember(evidences: Sequence[Any], **settings: Any) -> Any:
        calls.append(settings)
        return original(evidences, **settings)

    monkeypatch.setattr(module, function, remember)
    for rounds, geometry in ((3, True), (0, False)):
        segmented(mini_model, scene, method, rounds=rounds, geometry=geometry, refine="none")
    assert [call["rounds"] for call in calls] == [3, 0]
    assert all(call["rescore"] is not None for call in calls)
    believed, without = (call["pair_log_odds"] for call in calls)
    assert believed(1, 0, 0.0) > 0  # the person reaches lower than the car
    assert believed(0, 1, 0.0) == -believed(1, 0, 0.0)
    assert without is None or without(1, 0, 0.0) < believed(1, 0, 0.0)


def test_geometry_changes_the_belief_in_an_order_and_nothing_before_it(
    mini_model: Path, crowded: list[Photographed]
) -> None:
    for photo in crowded:
        with_boxes = segmented(mini_model, photo, refine="none", rounds=0)
        without = segmented(mini_model, photo, refine="none", rounds=0, geometry=False)
        for one, other in zip(with_boxes.instances, without.instances, strict=True):
            assert one.claimed == other.claimed
            assert (one.label, one.score, one.meta["mixture"]) == (other.label, other.score, other.meta["mixture"])
        assert with_boxes.order.probability(1, 0) != without.order.probability(1, 0)


def test_published_and_nod_have_no_geometry_unless_asked(mini_model: Path) -> None:
    assert loaded(mini_model, "published").pair_order is None
    assert loaded(mini_model, "published", geometry=True).pair_order is not None
    assert loaded(mini_model, "nod").pair_order is None
    assert loaded(mini_model, "compnet").pair_order is None


@pytest.mark.parametrize("load", [orm.load, student.load])
def test_a_cue_that_nobody_knows_is_refused(mini_model: Path, load: Any) -> None:
    with pytest.raises(InputError, match="order_cues: found 'colour'"):
        load(mini_model, order_cues="appearance,colour")


@pytest.mark.parametrize("cues", ["none", "appearance", "geometry", "class", "appearance,geometry", "geometry, class"])
def test_cues_that_are_switched_off_say_nothing(mini_model: Path, cues: str) -> None:
    """Two objects that differ in one thing only, for each cue: who has it is in front, if the cue may speak."""
    pair_order = loaded(mini_model, order_cues=cues).pair_order
    assert isinstance(pair_order, PairOrder)
    box, lower = (0.0, 0.0, 40.0, 100.0), (0.0, 0.0, 40.0, 130.0)
    assert (pair_order.log_odds(Pair(1.0, box, box, "car", "car")) > 0) == ("appearance" in cues)
    assert (pair_order.log_odds(Pair(0.0, lower, box, "car", "car")) > 0) == ("geometry" in cues)
    assert "class" in cues or pair_order.log_odds(Pair(0.0, box, box, "person", "car")) == 0


def test_without_geometry_is_the_same_as_the_other_cues(mini_model: Path) -> None:
    without = loaded(mini_model, geometry=False).pair_order
    assert without == loaded(mini_model, order_cues="appearance,class").pair_order
    assert without == loaded(mini_model, order_cues="appearance+class").pair_order


@pytest.mark.parametrize("method", COMPOSITIONAL)
def test_refinement_changes_masks_and_no_class(mini_model: Path, scene: Photographed, method: str) -> None:
    masks = []
    for refine in ("none", "guided", "grabcut"):
        found = segmented(mini_model, scene, method, refine=refine).validate()
        assert [instance.label for instance in found.instances] == list(scene.labels)
        masks.append(found.instances[1].modal)
    assert len(set(masks)) == 3
    assert all(mask.iou(masks[0]) > 0.5 for mask in masks)


@pytest.mark.parametrize("method", COMPOSITIONAL)
def test_posteriors_are_kept_on_request(mini_model: Path, scene: Photographed, method: str) -> None:
    without = segmented(mini_model, scene, method, refine="none")
    assert [instance.posterior for instance in without.instances] == [None, None]
    kept = segmented(mini_model, scene, method, refine="none", keep_posteriors=True)
    for instance, other in zip(kept.instances, without.instances, strict=True):
        assert instance.posterior is not None
        x0, y0, x1, y1 = instance.posterior.box
        assert (x0, y0, x1, y1) == tuple(float(side) for side in np.round(instance.box))
        assert instance.posterior.maps.shape == (3, y1 - y0, x1 - x0)
        np.testing.assert_allclose(instance.posterior.maps.sum(0), 1, atol=1e-3)
        assert (instance.modal, instance.amodal) == (other.modal, other.amodal)


def test_method_without_reasoning_lets_objects_share_pixels(mini_model: Path, scene: Photographed) -> None:
    alone = segmented(mini_model, scene, "compnet", refine="none")
    assert all(instance.modal == instance.claimed for instance in alone.instances)
    assert alone.order.edges == ()
    together = segmented(mini_model, scene, "nod", refine="none")
    car, person = together.instances
    assert car.modal.intersection_area(person.modal) == 0


def test_competition_alone_takes_pixels_from_nobody_who_did_not_claim_them(
    mini_model: Path, crowded: list[Photographed]
) -> None:
    """Pixels are given to one of those that claim them; the union of what is visible stays."""
    for photo in crowded:
        alone = segmented(mini_model, photo, "compnet", refine="none").instances
        together = segmented(mini_model, photo, "nod", refine="none").instances
        assert all(own.modal.contains(found.modal) for own, found in zip(alone, together, strict=True))
        assert (alone[0].modal | alone[1].modal) == (together[0].modal | together[1].modal)


def test_reasoning_gives_the_car_what_the_person_hides(mini_model: Path, crowded: list[Photographed]) -> None:
    """The point of it all: with order, the car's whole is larger than what is seen of it."""
    for photo in crowded:
        car, person = segmented(mini_model, photo).instances
        assert person.occlusion < car.occlusion
        assert car.occlusion > 0.03


@pytest.mark.parametrize(("method", "setting"), [("nod", "rounds"), ("compnet", "geometry"), ("orm", "colour")])
def test_setting_that_a_method_does_not_have_is_refused(mini_model: Path, method: str, setting: str) -> None:
    with pytest.raises(InputError, match=setting):
        amodal.load(mini_model, method, **{setting: 1})


def test_unknown_refinement_is_refused(mini_model: Path) -> None:
    with pytest.raises(InputError, match="refine"):
        orm.load(mini_model, refine="snakes")  # type: ignore[arg-type]
