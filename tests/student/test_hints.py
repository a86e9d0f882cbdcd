"""What the student is told: its own maps, where other boxes are, and nothing that was to be kept from it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from amodal.compnet.model import load_model
from amodal.features.lattice import Lattice
from amodal.methods.looking import Seen, cell_posteriors, look
from amodal.student.config import Inputs
from amodal.student.hints import hints_of, told
from amodal.student.surroundings import CHANNELS, INSIDE, OTHER_BOXES, carry
from helpers.learned import Learned

PHOTO = np.random.default_rng(3).integers(0, 255, (240, 320, 3), np.uint8)
BOXES = np.array([[40.0, 60, 140, 140], [100, 80, 220, 180], [230, 10, 310, 60]])


@pytest.fixture(scope="module")
def looked(reference: Learned) -> list[Seen]:
    return look(load_model(reference.model), [PHOTO], [BOXES], [["car", "person", None]])[0]


def test_own_maps_are_those_of_the_compositional_model(reference: Learned, looked: list[Seen]) -> None:
    model = load_model(reference.model)
    for hint, item in zip(hints_of(model, looked), looked, strict=True):
        np.testing.assert_array_equal(hint[:3].numpy(), cell_posteriors(model, item))


def test_other_boxes_are_where_they_are(reference: Learned, looked: list[Seen]) -> None:
    for n, (hint, item) in enumerate(zip(hints_of(load_model(reference.model), looked), looked, strict=True)):
        width, height = item.lattice.cell_size
        rows, cols = item.lattice.shape.padded
        for row in range(rows):
            for col in range(cols):
                x, y = item.lattice.cell_to_photo(np.array([[col + 0.5, row + 0.5]]))[0]
                depths = [
                    min((x - x0) / width, (x1 - x) / width, (y - y0) / height, (y1 - y) / height)
                    for m, (x0, y0, x1, y1) in enumerate(BOXES)
                    if m != n
                ]
                if max(depths) > 2:  # deep inside another box, farther than any cell of it is wide
                    assert hint[OTHER_BOXES, row, col] > 0.99
                if max(depths) < -2:
                    assert hint[OTHER_BOXES, row, col] < 0.01


def test_who_stands_alone_is_told_of_nobody(reference: Learned, looked: list[Seen]) -> None:
    hints = hints_of(load_model(reference.model), looked[:1])
    assert not hints[0][3:5].any()


def test_hints_do_not_depend_on_the_sequence_of_objects(reference: Learned, looked: list[Seen]) -> None:
    model = load_model(reference.model)
    forward, backward = hints_of(model, looked), hints_of(model, looked[::-1])[::-1]
    for one, other in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_what_is_not_to_be_told_is_zero_and_the_rest_as_it_was() -> None:
    hints = torch.rand(2, CHANNELS, 5, 6)
    blind = told(hints, Inputs(maps=False, others=False))
    assert not blind[:, :INSIDE].any()
    assert torch.equal(blind[:, INSIDE:], hints[:, INSIDE:])
    assert torch.equal(told(hints, Inputs()), hints)


@given(st.floats(-40, 40), st.floats(-30, 30), st.floats(20, 90), st.floats(20, 90))
def test_a_map_that_grows_evenly_is_carried_to_another_lattice_unchanged(
    left: float, top: float, width: float, height: float
) -> None:
    source = Lattice.of_box((0.0, 0.0, 200.0, 150.0))
    target = Lattice.of_box((60 + left, 50 + top, 60 + left + width, 50 + top + height))
    rows, cols = source.shape.padded
    y, x = np.meshgrid(np.arange(rows) + 0.5, np.arange(cols) + 0.5, indexing="ij")
    plane = (2 * x + 3 * y).astype(np.float32)  # bilinear interpolation is exact on it
    down, across = carry(source, target)
    found = down @ plane @ across
    target_rows, target_cols = target.shape.padded
    for row, col in ((0, 0), (target_rows // 2, target_cols // 3), (target_rows - 1, target_cols - 1)):
        place = source.photo_to_cell(target.cell_to_photo(np.array([[col + 0.5, row + 0.5]])))[0]
        if 0.5 <= place[0] <= cols - 0.5 and 0.5 <= place[1] <= rows - 0.5:
            assert found[row, col] == pytest.approx(2 * place[0] + 3 * place[1], rel=1e-4)
