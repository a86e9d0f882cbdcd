"""Crops cut on a device against those of OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from amodal.device.crops import Photos, area_taps
from amodal.device.layout import lay_out
from amodal.features.cutting import Pyramid, crop_seen_right
from amodal.images import read_photo
from helpers.demo_photos import demo_photos
from helpers.on_device import WIRE

OFFSET = 2.0
BOXES = {
    "small": (20.3, 30.1, 55.8, 71.2),
    "reaching out of the photo": (-60.0, 100.5, 150.0, 900.0),
    "large": (40.0, 10.0, 1100.0, 790.0),
    "very large": (-900.0, -900.0, 2600.0, 1900.0),
}


@pytest.mark.parametrize("kind", BOXES)
def test_a_crop_is_the_one_that_opencv_cuts(kind: str) -> None:
    small = read_photo(demo_photos()[0][0])
    photo = cv2.resize(small, (1241, 817), interpolation=cv2.INTER_CUBIC)  # odd sides: halves leave pieces of pixels
    boxes = np.array([BOXES[kind]])
    layout = lay_out([photo.shape[:2]] * 2, [boxes, boxes], [[None], [None]])
    shape = layout.things[0].lattice.shape
    first, second = Photos([photo, photo[:, ::-1].copy()], layout.things, OFFSET, WIRE).crops([0, 1], shape).numpy()
    # OpenCV weighs with five bits, hence a grey value here and there, more at hard edges.
    for found, source in ((first, photo), (second, photo[:, ::-1].copy())):
        expected = crop_seen_right(Pyramid(source), layout.things[0].lattice, OFFSET)
        difference = np.abs(found.astype(int) - expected)
        assert difference.mean() < 0.5
        assert difference.max() <= 12


@pytest.mark.parametrize(("count", "fewer"), [(375, 187), (8, 4), (3, 1), (2, 1), (9, 4)])
def test_means_take_everything_once(count: int, fewer: int) -> None:
    index, weights = area_taps(count, fewer)
    np.testing.assert_allclose(weights.sum(0), 1, atol=1e-6)
    taken = np.bincount(index.ravel(), weights.ravel(), minlength=count)
    np.testing.assert_allclose(taken, fewer / count, atol=1e-6)
