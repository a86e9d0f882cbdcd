"""Patches: what goes into the network lies where the photo has it, and comes back to the same pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amodal.features.crops import Pyramid
from amodal.masks import CropMask
from amodal.rivals.patches import Patch, in_photo, mask_patch, network_input, patch_around, photo_patch

PHOTO = np.random.default_rng(3).integers(0, 256, (60, 80, 3), dtype=np.uint8)
EDGE = st.integers(0, 79)
BOXES = st.tuples(EDGE, EDGE, st.integers(1, 40), st.integers(1, 40)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


def disc(radius: float = 12.0) -> CropMask:
    rows, columns = np.mgrid[:60, :80] + 0.5
    return CropMask.from_dense((rows - 30) ** 2 + (columns - 35) ** 2 < radius**2)


def test_a_patch_of_the_photos_own_scale_holds_its_pixels() -> None:
    found = photo_patch(Pyramid(PHOTO), Patch(10, 20, 32), 32)
    assert np.array_equal(found, PHOTO[20:52, 10:42])


def test_beyond_the_photo_a_patch_is_black() -> None:
    found = photo_patch(Pyramid(PHOTO), Patch(-16, 0, 32), 32)
    assert not found[:, :16].any()
    assert np.array_equal(found[:, 16:], PHOTO[:32, :16])


def test_a_mask_lies_where_the_photo_does() -> None:
    found = mask_patch(disc(), Patch(20, 10, 40), 40)
    assert np.array_equal(found > 0.5, disc().to_crop((20, 10, 60, 50)))


def test_a_mask_made_smaller_keeps_its_area() -> None:
    found = mask_patch(disc(), Patch(0, 0, 64), 16)
    assert found.sum() * 16 == pytest.approx(disc().area, rel=0.03)


@pytest.mark.parametrize("side", [40.0, 47.3, 90.0])
def test_a_mask_comes_back_from_its_patch(side: float) -> None:
    patch = Patch(12.3, 8.7, side)
    there = mask_patch(disc(), patch, 128)
    back = CropMask.from_crop(in_photo(there, patch, (15, 12, 52, 48)) > 0.5, 15, 12, 60, 80)
    assert back.iou(disc()) > 0.97


@given(visible=BOXES, eraser=BOXES)
def test_a_patch_holds_the_visible_part(visible: tuple[int, ...], eraser: tuple[int, ...]) -> None:
    patch = patch_around(visible, eraser)  # type: ignore[arg-type]
    assert patch.x0 <= visible[0]
    assert patch.y0 <= visible[1]
    assert patch.x0 + patch.side >= visible[2]
    assert patch.y0 + patch.side >= visible[3]
    assert patch.side <= 4.4 * max(visible[2] - visible[0], visible[3] - visible[1])


def test_nothing_of_the_photo_under_the_eraser_reaches_the_network() -> None:
    eraser = np.zeros((60, 60), np.float32)
    eraser[10:40, 20:50] = 1
    eraser[40, 20:50] = 0.01  # a cell that is hardly touched
    other = PHOTO[:, :60].copy()
    other[10:41, 20:50] = 255 - other[10:41, 20:50]
    visible = np.zeros_like(eraser)
    first, second = (network_input(photo, visible, eraser) for photo in (PHOTO[:, :60], other))
    assert np.array_equal(first, second)
    assert not first[:3, 10:41, 20:50].any()
