from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pytest

from amodal import CropMask, Instance, OrderEdge, OrderGraph, Posterior, Scene
from amodal.errors import InputError

HEIGHT, WIDTH = 12, 20


def box_mask(x0: int, y0: int, x1: int, y1: int) -> CropMask:
    return CropMask.from_box((x0, y0, x1, y1), HEIGHT, WIDTH)


def thing(id: int, modal: CropMask, amodal: CropMask | None = None, **others) -> Instance:
    values = {"label": "car", "box": (0.0, 0.0, 9.5, 8.0), "score": 0.9, **others}
    return Instance(id=id, modal=modal, amodal=modal if amodal is None else amodal, **values)


def two_things() -> Scene:
    front, whole = box_mask(2, 2, 8, 8), box_mask(5, 3, 14, 9)
    maps = np.full((3, 4, 5), 1 / 3, np.float32)
    behind = thing(7, whole - front, whole, posterior=Posterior((0, 0, 9, 9), maps), meta={"mixture": 3})
    return Scene(HEIGHT, WIDTH, (thing(4, front), behind), OrderGraph((OrderEdge(4, 7, 0.8),)), image="a.jpg")


def test_a_scene_that_keeps_its_promises_is_handed_back():
    scene = two_things()
    assert scene.validate() is scene


def test_a_scene_without_objects_is_valid():
    assert len(Scene(HEIGHT, WIDTH).validate()) == 0


def test_an_object_is_found_by_its_id():
    assert two_things().instance(7).id == 7
    with pytest.raises(InputError, match=r"a\.jpg: object 5: not in this scene, it has \[4, 7\]"):
        two_things().instance(5)


def test_the_occluder_mask_is_the_hidden_part():
    hidden = two_things().instance(7)
    assert hidden.occluder == box_mask(5, 3, 8, 8)
    assert hidden.occlusion == 15 / 54
    assert two_things().instance(4).occluder.is_empty


@pytest.mark.parametrize(
    ("visible", "level"),
    [
        (1000, "L0"),
        (991, "L0"),
        (990, "L1"),
        (701, "L1"),
        (700, "L2"),
        (401, "L2"),
        (400, "L3"),
        (100, "L3"),
        (99, None),
        (0, None),
    ],
)
def test_levels_end_where_the_papers_say(visible, level):
    frame = np.zeros((1, 1000), bool)
    frame[0, :visible] = True
    modal, amodal = CropMask.from_dense(frame), CropMask.from_dense(np.ones((1, 1000), bool))
    assert thing(1, modal, amodal).level == level


def test_an_object_without_a_pixel_is_not_occluded():
    assert thing(1, CropMask.empty(HEIGHT, WIDTH)).occlusion == 0


def test_copies_and_pickles_of_a_scene_are_equal_and_hash_equal():
    scene = two_things()
    for other in (copy.deepcopy(scene), pickle.loads(pickle.dumps(scene))):
        assert other == scene
        assert hash(other) == hash(scene)


def test_nothing_in_a_scene_can_be_changed():
    scene = two_things()
    instance = scene.instance(7)
    with pytest.raises(dataclasses.FrozenInstanceError):
        scene.image = "b.jpg"
    with pytest.raises(dataclasses.FrozenInstanceError):
        instance.score = 1
    with pytest.raises(TypeError):
        instance.meta["mixture"] = 4
    with pytest.raises(ValueError, match="read-only"):
        instance.posterior.maps[0] = 0
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        instance.posterior.maps.flags.writeable = True


def test_meta_does_not_follow_the_dictionary_it_was_made_from():
    meta = {"mixture": 3}
    instance = thing(1, box_mask(0, 0, 2, 2), meta=meta)
    meta["mixture"] = 4
    assert instance.meta["mixture"] == 3


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        (np.full((3, 2, 2), 0.5), "do not sum to 1"),
        (np.full((3, 2, 2), np.nan), "do not sum to 1"),
        (np.array([2.0, -1.0, 0.0]).reshape(3, 1, 1), "do not sum to 1"),
        (np.ones((1, 2, 2)), r"expected \(3, h, w\)"),
        (np.ones((3, 0, 2)), r"expected \(3, h, w\)"),
    ],
)
def test_maps_that_are_no_probabilities_are_refused(maps, message):
    with pytest.raises(InputError, match=message):
        Posterior((0, 0, 1, 1), maps)


def with_first(**changes) -> Scene:
    scene = two_things()
    first, second = scene.instances
    return scene.with_instances([dataclasses.replace(first, **changes), second])


def with_order(*edges: OrderEdge) -> Scene:
    return dataclasses.replace(two_things(), order=OrderGraph(edges))


@pytest.mark.parametrize(
    ("scene", "message"),
    [
        (with_first(id=7), "object 7: found twice"),
        (with_first(box=(0, 0, float("nan"), 3)), "object 4: box: found"),
        (with_first(box=(0, 0, float("inf"), 3)), "object 4: box: found"),
        (with_first(box=(3, 0, 3, 3)), "object 4: box: found .* expected x0 < x1"),
        (with_first(score=float("nan")), "object 4: score: found nan"),
        (with_first(modal=CropMask.empty(5, 5)), "object 4: modal: found 5 x 5, expected 12 x 20"),
        (with_first(amodal=CropMask.empty(5, 5)), "object 4: amodal: found 5 x 5, expected 12 x 20"),
        (with_first(claimed=CropMask.empty(5, 5)), "object 4: claimed: found 5 x 5, expected 12 x 20"),
        (with_first(amodal=box_mask(2, 2, 8, 7)), "object 4: modal: 6 pixels outside amodal"),
        (with_first(modal=box_mask(2, 2, 9, 8), amodal=box_mask(2, 2, 9, 8)), "objects 4 and 7: pixel"),
        (with_order(OrderEdge(4, 5)), "order 4 -> 5: there is no object 5"),
        (with_order(OrderEdge(4, 7), OrderEdge(7, 4)), "order 7 -> 4: found the other way round too"),
        (dataclasses.replace(two_things(), boxes_are="whole"), "boxes_are: found 'whole'"),
    ],
)
def test_a_scene_that_breaks_a_promise_is_refused_by_name(scene, message):
    with pytest.raises(InputError, match=rf"a\.jpg: {message}"):
        scene.validate()


def test_the_pixel_with_two_owners_is_told():
    first, second = thing(1, box_mask(0, 0, 4, 4)), thing(2, box_mask(3, 2, 6, 6))
    with pytest.raises(InputError, match=r"objects 1 and 2: pixel \(3, 2\) is visible in both"):
        Scene(HEIGHT, WIDTH, (first, second)).validate()


def test_visible_masks_may_overlap_where_the_scene_says_so():
    first, second = thing(1, box_mask(0, 0, 4, 4)), thing(2, box_mask(3, 2, 6, 6))
    Scene(HEIGHT, WIDTH, (first, second), exclusive=False).validate()


def test_any_number_of_overlaps_is_found_as_dense_counting_finds_it():
    chance = np.random.default_rng(8)
    refused = 0
    for _ in range(200):
        frames = chance.random((int(chance.integers(1, 5)), HEIGHT, WIDTH)) < chance.choice([0.001, 0.01, 0.1])
        instances = tuple(thing(id, CropMask.from_dense(frame)) for id, frame in enumerate(frames))
        scene = Scene(HEIGHT, WIDTH, instances)
        if frames.sum(axis=0).max() > 1:
            refused += 1
            with pytest.raises(InputError, match="is visible in both"):
                scene.validate()
        else:
            scene.validate()
    assert 20 < refused < 180


def test_a_scene_of_an_impossible_size_is_refused():
    with pytest.raises(InputError, match="size"):
        Scene(0, 5)


def test_a_box_needs_four_numbers():
    with pytest.raises(InputError, match="object 1: box: found 3 numbers"):
        thing(1, box_mask(0, 0, 2, 2), box=(1, 2, 3))


def test_drawing_without_any_photo_says_so():
    with pytest.raises(InputError, match="image"):
        dataclasses.replace(two_things(), image=None).draw()


def test_drawing_on_a_given_photo_gives_a_picture():
    picture = two_things().draw(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.any()
