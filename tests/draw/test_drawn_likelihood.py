from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from amodal.draw.likelihood import draw_likelihood, draw_likelihoods, likelihood_colours, photo_crop
from amodal.draw.palette import CONTEXT, FOREGROUND, OCCLUDER
from amodal.scene import Posterior
from helpers.drawn_scenes import HEIGHT, WIDTH, grey_photo, two_squares


def _one_place(visible: float, context: float, occluded: float) -> np.ndarray:
    return likelihood_colours(np.array([[[visible]], [[context]], [[occluded]]], dtype=np.float32))[0, 0]


@pytest.mark.parametrize(
    ("probabilities", "colour"),
    [((1, 0, 0), FOREGROUND), ((0, 1, 0), CONTEXT), ((0, 0, 1), OCCLUDER)],
)
def test_certainty_has_the_full_colour(probabilities: tuple[float, float, float], colour: tuple[int, int, int]) -> None:
    assert tuple(_one_place(*probabilities)) == colour


def test_object_context_and_occluder_are_blue_green_and_red() -> None:
    assert [int(np.argmax(colour)) for colour in (FOREGROUND, CONTEXT, OCCLUDER)] == [2, 1, 0]


def test_brightness_is_the_margin_between_the_best_two() -> None:
    np.testing.assert_allclose(_one_place(0.6, 0.3, 0.1), 0.3 * np.array(FOREGROUND), atol=1)
    np.testing.assert_allclose(_one_place(0.1, 0.35, 0.55), 0.2 * np.array(OCCLUDER), atol=1)


def test_no_margin_is_black() -> None:
    assert _one_place(0.5, 0.5, 0.0).max() == 0
    assert _one_place(1 / 3, 1 / 3, 1 / 3).max() <= 1


def test_a_map_lies_as_its_window_does() -> None:
    picture = draw_likelihood(two_squares().instance(1), 310)
    height, width = picture.shape[:2]
    assert (height, width) == (310, 260)  # the window is 62 × 52
    for share, channel in ((0.06, 2), (0.5, 1), (0.94, 0)):
        assert int(np.argmax(picture[height // 2, round(share * width)])) == channel


def test_an_object_without_maps_is_grey() -> None:
    picture = draw_likelihood(replace(two_squares().instance(1), posterior=None), 100)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 1


def test_the_crop_shows_the_photo_of_the_window() -> None:
    photo = grey_photo()
    photo[50:60, 30:40] = (200, 20, 20)
    instance = replace(two_squares().instance(1), box=(0.0, 0.0, 500.0, 500.0))  # no box drawn in the window
    maps = np.full((3, 2, 2), 1 / 3, dtype=np.float32)
    crop = photo_crop(replace(instance, posterior=Posterior((25, 45, 45, 65), maps)), photo, 200)
    assert crop.shape == (200, 200, 3)
    red = crop[..., 0] > 155
    rows, columns = np.nonzero(red)
    np.testing.assert_allclose(
        [rows.min(), rows.max() + 1, columns.min(), columns.max() + 1], [50, 150, 50, 150], atol=2
    )


def test_a_window_beyond_the_photo_is_grey_there() -> None:
    maps = np.full((3, 2, 2), 1 / 3, dtype=np.float32)
    instance = replace(
        two_squares().instance(1),
        box=(-900.0, -900.0, 900.0, 900.0),
        posterior=Posterior((-20, -20, 20, 20), maps),
    )
    photo = np.full((HEIGHT, WIDTH, 3), 250, dtype=np.uint8)
    crop = photo_crop(instance, photo, 200)
    assert (crop[20:80, 20:80] < 140).all()
    assert (crop[120:180, 120:180] == 250).all()


def test_the_sheet_of_maps_keeps_its_width_and_shrinks_maps_to_fit() -> None:
    scene = two_squares()
    crowd = scene.with_instances([replace(scene.instances[number % 2], id=number) for number in range(1, 15)])
    for shown in (scene, crowd):
        picture = draw_likelihoods(shown, grey_photo(), size=(900, 700))
        assert picture.shape[1] == 900
        assert picture.shape[0] <= 700


def test_a_limit_keeps_the_most_hidden_objects() -> None:
    scene = two_squares()
    only_second = scene.with_instances([scene.instance(1), scene.instance(2)])
    limited = draw_likelihoods(only_second, grey_photo(), most=1)
    alone = draw_likelihoods(scene.with_instances([scene.instance(2)]), grey_photo())
    assert limited.shape == alone.shape
