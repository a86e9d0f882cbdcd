from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from amodal.draw.canvas import canvas_for, dashes
from amodal.draw.masks import draw_boxes, draw_masks, paint_masks, trace
from amodal.draw.palette import INK, scene_colours
from amodal.masks import CropMask
from amodal.scene import Instance, Scene
from helpers.drawn_scenes import HEIGHT, SCALE, WIDTH, at, grey_photo, square, two_squares


def _colours_along(picture: np.ndarray, x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """Colours of the picture along a line of the photo."""
    at = np.linspace(0, 1, 400)
    columns = np.round((x0 + at * (x1 - x0)) * SCALE).astype(int)
    rows = np.round((y0 + at * (y1 - y0)) * SCALE).astype(int)
    return picture[rows, columns].astype(int)


def _is(colours: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.abs(colours - np.array(colour)).sum(axis=-1) < 40


def _painted(scene: Scene) -> np.ndarray:
    photo = grey_photo(scene.height, scene.width)
    return paint_masks(scene, photo, canvas_for(scene, photo))


def test_a_hidden_outline_is_dashed() -> None:
    scene = two_squares()
    # The left side of object 2, well below the top of object 1: hidden.
    along = _is(_colours_along(_painted(scene), 40.05, 34, 40.05, 66), scene_colours(scene)[2])
    breaks = int(np.count_nonzero(np.diff(along.astype(int))))
    assert breaks >= 6
    assert 0.2 < along.mean() < 0.8


def test_a_seen_outline_is_solid() -> None:
    scene = two_squares()
    along = _colours_along(_painted(scene), 99.95, 24, 99.95, 66)
    assert _is(along, scene_colours(scene)[2]).all()


def test_only_objects_with_hidden_parts_have_dashes() -> None:
    scene = two_squares()
    canvas = canvas_for(scene, grey_photo())
    hidden = {i.id: any(is_hidden for _, is_hidden in trace(canvas, i).stretches) for i in scene.instances}
    assert hidden == {1: False, 2: True}


def test_hidden_stretches_lie_where_the_object_is_hidden() -> None:
    scene = two_squares()
    shape = trace(canvas_for(scene, grey_photo()), scene.instance(2))
    hidden = np.concatenate([points for points, is_hidden in shape.stretches if is_hidden]) / SCALE
    seen = np.concatenate([points for points, is_hidden in shape.stretches if not is_hidden]) / SCALE
    assert (hidden[:, 0] < 60.5).all() and (hidden[:, 1] > 29.5).all()
    assert not ((seen[:, 0] < 58) & (seen[:, 1] > 32)).any()


def test_the_hidden_part_is_hatched() -> None:
    inside = _colours_along(_painted(two_squares()), 45, 45, 55, 45)
    assert len(np.unique(inside, axis=0)) > 3


@pytest.mark.parametrize("place", [(70, 45, 90, 45), (24, 60, 36, 60), (24, 40, 36, 40)])
def test_a_visible_part_is_filled_evenly(place: tuple[float, float, float, float]) -> None:
    assert len(np.unique(_colours_along(_painted(two_squares()), *place), axis=0)) == 1


def test_what_no_object_covers_stays_as_the_faded_photo() -> None:
    picture = _painted(two_squares())
    assert at(picture, 5, 5) == at(picture, 110, 90) == at(_painted(Scene(HEIGHT, WIDTH)), 5, 5)


def test_a_fully_hidden_object_is_all_dashes() -> None:
    front = square(20, 20, 80, 80)
    behind = Instance(2, "x", (30, 30, 60, 60), 1.0, CropMask.empty(HEIGHT, WIDTH), square(30, 30, 60, 60))
    scene = Scene(HEIGHT, WIDTH, (Instance(1, "x", (20, 20, 80, 80), 1.0, front, front), behind)).validate()
    stretches = trace(canvas_for(scene, grey_photo()), behind).stretches
    assert all(is_hidden for _, is_hidden in stretches)
    for side in ((30.05, 33, 30.05, 57), (33, 30.05, 57, 30.05)):
        along = _is(_colours_along(_painted(scene), *side), scene_colours(scene)[2])
        assert 0.2 < along.mean() < 0.8


def test_at_the_pictures_scale_the_visible_part_stays_inside_the_whole() -> None:
    rng = np.random.default_rng(4)
    whole = rng.random((HEIGHT, WIDTH)) < 0.5
    seen = whole & (rng.random((HEIGHT, WIDTH)) < 0.7)
    instance = Instance(1, "x", (0, 0, WIDTH, HEIGHT), 1.0, CropMask.from_dense(seen), CropMask.from_dense(whole))
    scene = Scene(HEIGHT, WIDTH, (instance,)).validate()
    canvas = canvas_for(scene, grey_photo())
    window = canvas.window(instance.amodal)
    assert not (canvas.scaled(instance.modal, window) & ~canvas.scaled(instance.amodal, window)).any()


def test_every_single_pixel_of_a_mask_is_drawn() -> None:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for row, column in ((0, 0), (0, WIDTH - 1), (HEIGHT - 1, 60), (50, 50)):
        mask[row, column] = True
    crop = CropMask.from_dense(mask)
    scene = Scene(HEIGHT, WIDTH, (Instance(1, "x", (0, 0, 9, 9), 1.0, crop, crop),))
    canvas = canvas_for(scene, grey_photo())
    window = canvas.window(crop)
    drawn = canvas.scaled(crop, window)
    assert window == (0, 0, WIDTH, HEIGHT)
    np.testing.assert_array_equal(drawn[SCALE // 2 :: SCALE, SCALE // 2 :: SCALE], mask)


def test_a_box_inside_the_photo_is_solid_and_one_beyond_it_dashed_along_the_edge() -> None:
    mask = square(0, 40, 50, 90)
    scene = Scene(HEIGHT, WIDTH, (Instance(1, "x", (-30, 40, 50, 90), 1.0, mask, mask),))
    picture = draw_boxes(scene, grey_photo())
    colour = scene_colours(scene)[1]
    assert _is(_colours_along(picture, 50, 52, 50, 88), colour).all()
    edge = _is(_colours_along(picture, 0.15, 52, 0.15, 88), colour)
    assert 0.2 < edge.mean() < 0.8


def test_labels_say_how_much_is_hidden() -> None:
    scene = two_squares()
    whole = replace(scene.instance(2), modal=scene.instance(2).amodal - square(40, 20, 41, 70))
    less_hidden = scene.with_instances([scene.instance(1), whole])
    labelled = draw_masks(less_hidden, grey_photo()), draw_masks(scene, grey_photo())
    assert (labelled[0] != labelled[1]).any()
    assert _is(labelled[0].astype(int), INK).any()


def test_dashes_cover_both_ends_of_a_line_and_keep_to_it() -> None:
    line = np.array([[0.0, 0.0], [30.0, 0.0], [30.0, 70.0]])
    pieces = dashes(line, 10, 6)
    np.testing.assert_allclose(pieces[0][0], line[0])
    np.testing.assert_allclose(pieces[-1][-1], line[-1])
    lengths = [np.hypot(*np.diff(piece, axis=0).T).sum() for piece in pieces]
    np.testing.assert_allclose(lengths, lengths[0])
    points = np.concatenate(pieces)
    assert ((points[:, 1] == 0) | (points[:, 0] == 30)).all()


def test_a_line_shorter_than_a_dash_is_drawn_whole() -> None:
    line = np.array([[0.0, 0.0], [3.0, 0.0]])
    assert [piece.tolist() for piece in dashes(line, 10, 6)] == [line.tolist()]
