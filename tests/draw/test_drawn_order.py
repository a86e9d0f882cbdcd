from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from amodal.draw.canvas import Chip, canvas_for, draw_chips
from amodal.draw.order import back_to_front, draw_order, node_places, node_radius
from amodal.draw.palette import INK, scene_colours
from amodal.masks import CropMask
from amodal.scene import Instance, OrderEdge, OrderGraph, Scene
from helpers.drawn_scenes import HEIGHT, SCALE, WIDTH, at, grey_photo, square, two_squares


def _apart() -> Scene:
    """Two objects far from each other, so that nothing but the arrow lies between their nodes."""
    left, right = square(10, 40, 30, 60), square(90, 40, 110, 60)
    return Scene(
        HEIGHT,
        WIDTH,
        (
            Instance(1, "a", (10, 40, 30, 60), 1.0, left, left),
            Instance(2, "b", (90, 40, 110, 60), 1.0, right, right),
        ),
    )


def _with_order(scene: Scene, *edges: OrderEdge) -> np.ndarray:
    return draw_order(replace(scene, order=OrderGraph(edges)), grey_photo())


def _white_per_column(picture: np.ndarray) -> np.ndarray:
    """White picture rows in each column between the two nodes of `_apart`, away from the number's place."""
    return (picture[:, 24 * SCALE : 96 * SCALE] == 255).all(axis=2).sum(axis=0)


def test_nodes_stand_in_the_middle_of_the_whole_objects() -> None:
    scene = _apart()
    places = node_places(scene, canvas_for(scene, grey_photo()))
    np.testing.assert_allclose(np.array([places[1], places[2]]) / SCALE, [[20, 50], [100, 50]], atol=0.1)


def test_a_node_has_the_colour_of_its_object() -> None:
    scene = _apart()
    radius = node_radius(scene, canvas_for(scene, grey_photo())) / SCALE
    picture = draw_order(scene, grey_photo())
    assert at(picture, 20 - 0.75 * radius, 50) == scene_colours(scene)[1]
    assert at(picture, 100 - 0.75 * radius, 50) == scene_colours(scene)[2]


def test_the_arrowhead_is_at_the_object_behind() -> None:
    to_the_right = _white_per_column(_with_order(_apart(), OrderEdge(1, 2, 0.9)))
    to_the_left = _white_per_column(_with_order(_apart(), OrderEdge(2, 1, 0.9)))
    quarter = 16 * SCALE
    assert to_the_right[-quarter:].max() > 2 * to_the_right[:quarter].max()
    assert to_the_left[:quarter].max() > 2 * to_the_left[-quarter:].max()


def test_a_surer_arrow_is_thicker() -> None:
    thickness = [
        np.median(_white_per_column(_with_order(_apart(), OrderEdge(1, 2, probability)))[: 15 * SCALE])
        for probability in (0.5, 0.75, 1.0)
    ]
    assert thickness[0] < thickness[1] < thickness[2]


def test_without_an_order_no_arrow_is_drawn() -> None:
    assert not _white_per_column(_with_order(_apart())).any()


def test_an_arrow_bends_around_an_object_in_its_way() -> None:
    scene = _apart()
    between = square(55, 45, 65, 55)
    crowded = scene.with_instances([*scene.instances, Instance(3, "c", (55, 45, 65, 55), 1.0, between, between)])
    straight, bent = (
        (_with_order(s, OrderEdge(1, 2, 0.9))[round(49 * SCALE) : round(51 * SCALE), 45 * SCALE] == 255).any()
        for s in (scene, crowded)
    )
    assert straight and not bent


@pytest.mark.parametrize("count", [2, 5, 30])
def test_nodes_of_objects_at_the_same_place_do_not_cover_each_other(count: int) -> None:
    mask = square(40, 30, 80, 70)
    scene = Scene(HEIGHT, WIDTH, tuple(Instance(i, "x", (40, 30, 80, 70), 1.0, mask, mask) for i in range(count)))
    canvas = canvas_for(scene, grey_photo())
    places = np.array(list(node_places(scene, canvas).values()))
    distance = np.linalg.norm(places[:, None] - places[None], axis=-1)[~np.eye(count, dtype=bool)]
    assert distance.min() > 2 * node_radius(scene, canvas)
    assert (places > 0).all() and (places < [canvas.width, canvas.height]).all()


def test_the_front_comes_last() -> None:
    empty = CropMask.empty(HEIGHT, WIDTH)
    objects = tuple(Instance(i, "x", (0, 0, 9, 9), 1.0, empty, empty) for i in (4, 7, 2, 9))
    edges = (OrderEdge(7, 4, 1.0), OrderEdge(4, 2, 1.0), OrderEdge(9, 7, 1.0))
    scene = Scene(HEIGHT, WIDTH, objects, OrderGraph(edges))
    assert [instance.id for instance in back_to_front(scene)] == [2, 4, 7, 9]


def test_the_overlay_shows_masks_and_order_at_once() -> None:
    with_order, without = (
        scene.draw(grey_photo()) for scene in (two_squares(), replace(two_squares(), order=OrderGraph()))
    )
    assert (with_order != without).any()


def test_labels_that_want_the_same_place_do_not_cover_each_other() -> None:
    alone = np.full((400, 400, 3), 255, dtype=np.uint8)
    draw_chips(alone, [Chip("person", (250, 0, 0), (200, 200))], 20)
    crowd = np.full((400, 400, 3), 255, dtype=np.uint8)
    colours = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0)]
    draw_chips(crowd, [Chip("person", colour, (200, 200), has_leader=False) for colour in colours], 20)
    whole = (alone == (250, 0, 0)).all(axis=2).sum()
    for colour in colours[::3]:  # both with dark letters, as the one that is alone
        assert (crowd == colour).all(axis=2).sum() > 0.9 * whole
    assert not (alone == INK).all()
