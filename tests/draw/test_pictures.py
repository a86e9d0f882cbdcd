from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from amodal.draw import (
    draw_before_after,
    draw_boxes,
    draw_likelihoods,
    draw_masks,
    draw_order,
    draw_scene,
    sheet,
    write_pictures,
)
from amodal.draw.masks import draw_claims
from amodal.draw.palette import CLEARLY_APART, OBJECT_COLOURS, _distances, scene_colours
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import Instance, OrderEdge, OrderGraph, Posterior, Scene
from helpers.drawn_scenes import HEIGHT, SCALE, WIDTH, at, grey_photo, square, two_squares

Drawer = Callable[[Scene, np.ndarray], np.ndarray]
ON_THE_PHOTO: list[Drawer] = [draw_boxes, draw_masks, draw_order, draw_scene]
ALL: list[Drawer] = [*ON_THE_PHOTO, draw_before_after, draw_likelihoods, sheet]


@pytest.mark.parametrize("draw", ALL)
def test_every_picture_is_8_bit_rgb(draw: Drawer) -> None:
    picture = draw(two_squares(), grey_photo())
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[2] == 3


@pytest.mark.parametrize("draw", ON_THE_PHOTO)
def test_a_small_photo_is_enlarged_by_a_whole_factor(draw: Drawer) -> None:
    assert draw(two_squares(), grey_photo()).shape == (HEIGHT * SCALE, WIDTH * SCALE, 3)


@pytest.mark.parametrize("draw", ON_THE_PHOTO)
def test_a_large_photo_is_reduced_by_a_whole_factor(draw: Drawer) -> None:
    mask = CropMask.from_crop(np.ones((3001, 40), dtype=bool), 4161, 0, 3001, 4201)
    scene = Scene(3001, 4201, (Instance(1, "pole", (4161, 0, 4201, 3001), 1.0, mask, mask),)).validate()
    assert draw(scene, grey_photo(3001, 4201)).shape == (1001, 1401, 3)


@pytest.mark.parametrize("draw", ALL)
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (2, 3)])
def test_the_smallest_photos_can_be_drawn(draw: Drawer, size: tuple[int, int]) -> None:
    height, width = size
    mask = CropMask.from_dense(np.ones(size, dtype=bool))
    maps = np.full((3, 1, 1), 1 / 3, dtype=np.float32)
    objects = tuple(
        Instance(
            number,
            "x",
            (-5, -5, width + 5, height + 5),
            1.0,
            part,
            mask,
            Posterior((-5, -5, 9, 9), maps),
            mask,
        )
        for number, part in ((1, mask), (2, CropMask.empty(height, width)))
    )
    scene = Scene(height, width, objects, OrderGraph((OrderEdge(1, 2, 0.7),))).validate()
    assert draw(scene, grey_photo(height, width)).size


@pytest.mark.parametrize("draw", ALL)
def test_an_empty_scene_can_be_drawn(draw: Drawer) -> None:
    assert draw(Scene(HEIGHT, WIDTH), grey_photo()).size


@pytest.mark.parametrize("draw", ALL)
def test_an_object_without_any_pixel_can_be_drawn(draw: Drawer) -> None:
    nothing = CropMask.empty(HEIGHT, WIDTH)
    ghost = Instance(5, "ghost", (50, 50, 60, 60), 0.1, nothing, nothing, None, nothing)
    assert draw(Scene(HEIGHT, WIDTH, (ghost,)).validate(), grey_photo()).size


@pytest.mark.parametrize("draw", ALL)
def test_the_same_scene_gives_the_same_picture(draw: Drawer) -> None:
    np.testing.assert_array_equal(draw(two_squares(), grey_photo()), draw(two_squares(), grey_photo()))


@pytest.mark.parametrize("draw", ALL)
def test_the_photo_itself_is_left_as_it_was(draw: Drawer) -> None:
    photo = grey_photo()
    draw(two_squares(), photo)
    np.testing.assert_array_equal(photo, grey_photo())


@pytest.mark.parametrize("draw", ALL)
def test_a_photo_of_another_size_is_refused(draw: Drawer) -> None:
    with pytest.raises(InputError, match=r"street\.jpg: pixels: found uint8 of shape \(50, 120, 3\)"):
        draw(two_squares(), grey_photo(50, WIDTH))


@pytest.mark.parametrize("draw", [draw_masks, draw_order, draw_scene, draw_before_after])
def test_a_cyclic_order_can_be_drawn(draw: Drawer) -> None:
    scene = two_squares()
    third = replace(scene.instances[0], id=3, modal=CropMask.empty(HEIGHT, WIDTH))
    edges = (OrderEdge(1, 2, 0.6), OrderEdge(2, 3, 0.6), OrderEdge(3, 1, 0.6))
    assert draw(replace(scene, instances=(*scene.instances, third), order=OrderGraph(edges)), grey_photo()).size


def test_a_claim_of_two_objects_is_white() -> None:
    scene = two_squares()
    masks = {1: square(20, 30, 60, 80), 2: square(40, 20, 100, 70)}
    picture = draw_claims(scene, grey_photo(), masks)
    white = (picture[::SCALE, ::SCALE] == 255).all(axis=2)
    expected = (masks[1] & masks[2]).to_dense()
    inside = square(42, 32, 58, 68).to_dense()  # away from the outlines
    assert white[inside].all()
    assert not white[~expected].any()


def test_a_claim_of_one_object_has_its_colour() -> None:
    scene = two_squares()
    picture = draw_claims(scene, grey_photo(), {i.id: i.modal for i in scene.instances})
    colour = np.array(scene_colours(scene)[2])
    shown = np.array(at(picture, 85, 40))
    assert np.abs(shown - colour).sum() < np.abs(np.array(at(picture, 5, 5)) - colour).sum() / 2


def test_the_side_by_side_picture_has_white_before_and_none_after() -> None:
    scene = replace(two_squares(), method="")
    crowded = draw_before_after(scene, grey_photo())
    apart = draw_before_after(
        scene.with_instances([replace(i, claimed=i.modal) for i in scene.instances]), grey_photo()
    )
    half = crowded.shape[1] // 2
    np.testing.assert_array_equal(crowded[:, half:], apart[:, half:])
    assert (crowded[:, :half] == 255).all(axis=2).sum() > (apart[:, :half] == 255).all(axis=2).sum() + 10_000


def test_boxes_that_touch_get_colours_that_differ_clearly() -> None:
    mask = square(0, 0, 10, 10)
    # Ids that would all have the same colour if alone.
    ids = [1 + number * len(OBJECT_COLOURS) for number in range(5)]
    scene = Scene(HEIGHT, WIDTH, tuple(Instance(i, "x", (0, 0, 10, 10), 1.0, mask, mask) for i in ids))
    chosen = [OBJECT_COLOURS.index(colour) for colour in scene_colours(scene).values()]
    assert len(set(chosen)) == len(ids)
    apart = _distances()[np.ix_(chosen, chosen)]
    assert apart[~np.eye(len(ids), dtype=bool)].min() > CLEARLY_APART / 2


def test_a_lone_object_keeps_the_colour_of_its_id() -> None:
    mask = square(0, 0, 10, 10)
    for identity in (0, 3, 4_000_000_007):
        scene = Scene(HEIGHT, WIDTH, (Instance(identity, "x", (0, 0, 10, 10), 1.0, mask, mask),))
        assert scene_colours(scene)[identity] == OBJECT_COLOURS[identity % len(OBJECT_COLOURS)]


def test_colours_do_not_depend_on_the_order_of_objects() -> None:
    scene = two_squares()
    assert scene_colours(scene) == scene_colours(scene.with_instances(scene.instances[::-1]))


def test_a_scene_draws_itself_on_the_photo_it_names(tmp_path: Path) -> None:
    file = tmp_path / "street.png"
    Image.fromarray(grey_photo()).save(file)
    np.testing.assert_array_equal(two_squares(image=str(file)).draw(), two_squares(image=str(file)).draw(grey_photo()))


def test_a_scene_without_a_photo_says_so() -> None:
    with pytest.raises(InputError, match="give draw\\(\\) the photo"):
        two_squares(image=None).draw()


def test_all_pictures_are_written_and_nothing_else(tmp_path: Path) -> None:
    files = write_pictures(two_squares(), grey_photo(), tmp_path / "new", "street")
    assert set(files) == {"sheet", "boxes", "masks", "order", "before_after", "likelihood"}
    assert sorted((tmp_path / "new").iterdir()) == sorted(files.values())
    for file in files.values():
        with Image.open(file) as image:
            assert image.mode == "RGB"


def test_pictures_with_nothing_to_show_are_left_out(tmp_path: Path) -> None:
    scene = two_squares()
    bare = scene.with_instances([replace(i, claimed=None, posterior=None) for i in scene.instances])
    assert set(write_pictures(bare, grey_photo(), tmp_path, "street")) == {"sheet", "boxes", "masks", "order"}


@pytest.mark.parametrize("stem", ["../street", "a/b", "", ".."])
def test_a_stem_that_leaves_the_folder_is_refused(tmp_path: Path, stem: str) -> None:
    with pytest.raises(InputError, match="stem"):
        write_pictures(two_squares(), grey_photo(), tmp_path, stem)
