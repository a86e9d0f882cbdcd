"""The two trivial rows: the whole box, and the prior alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from amodal.compnet.model import CompNet
from amodal.errors import InputError
from amodal.features.lattice import pixel_window
from amodal.methods.looking import look
from amodal.methods.pixels import cells_to_pixels
from amodal.segmenter import load
from helpers.photographed import Photographed


def test_box_calls_every_pixel_of_the_box_the_object() -> None:
    photo = np.zeros((40, 60, 3), np.uint8)
    scene = load(method="box").segment(photo, [[10, 5, 30, 25], [50.0, -4.0, 70.0, 12.0]], ["car", None]).validate()
    expected = np.zeros((2, 40, 60), bool)
    expected[0, 5:25, 10:30] = expected[1, :12, 50:] = True
    for one, mask in zip(scene.instances, expected, strict=True):
        np.testing.assert_array_equal(one.modal.to_dense(), mask)
        assert one.amodal == one.modal
    assert [one.label for one in scene.instances] == ["car", "object"]
    assert not scene.exclusive
    assert not scene.order.edges


def test_prior_is_where_the_chosen_viewpoint_expects_the_object(
    mini_model: Path, compnet: CompNet, scene: Photographed
) -> None:
    found = load(str(mini_model), "prior").segment(scene.pixels, scene.boxes, scene.labels).validate()
    height, width = scene.pixels.shape[:2]
    for one, seen in zip(found.instances, look(compnet, [scene.pixels], [scene.boxes], [scene.labels])[0], strict=True):
        prior = compnet.classes[seen.label].templates.on(seen.lattice.shape).prior[seen.mixture].numpy()
        x0, y0, x1, y1 = window = pixel_window(seen.lattice.box, width, height)
        expected = np.zeros((height, width), bool)
        expected[y0:y1, x0:x1] = cells_to_pixels(prior[None], seen.lattice, window)[0] > 0.5
        np.testing.assert_array_equal(one.modal.to_dense(), expected)
        assert one.modal == one.amodal
        assert 0.2 < one.modal.area / ((x1 - x0) * (y1 - y0)) < 1


def test_prior_chooses_a_label_where_none_is_given(mini_model: Path, scene: Photographed) -> None:
    found = load(str(mini_model), "prior").segment(scene.pixels, scene.boxes)
    assert tuple(one.label for one in found.instances) == scene.labels


@pytest.mark.parametrize("method", ["box", "prior"])
def test_a_batch_is_its_photos_one_by_one(method: str, mini_model: Path, crowded: list[Photographed]) -> None:
    segmenter = load(str(mini_model), method)
    photos, boxes, labels = zip(*((one.pixels, one.boxes, one.labels) for one in crowded), strict=True)
    together = segmenter.segment_batch(photos, boxes, labels)
    alone = [segmenter.segment(*one) for one in zip(photos, boxes, labels, strict=True)]
    for first, second in zip(together, alone, strict=True):
        for one, other in zip(first.instances, second.instances, strict=True):
            assert one.modal.iou(other.modal) > 0.99
            assert one.label == other.label


@pytest.mark.parametrize("boxes", [[[1, 2, 3]], [[5, 5, 4, 9]], [[np.nan, 0, 4, 4]]])
def test_boxes_that_are_none_are_refused(boxes: list[list[float]]) -> None:
    with pytest.raises(InputError, match="segment: boxes"):
        load(method="box").segment(np.zeros((20, 20, 3), np.uint8), boxes)
