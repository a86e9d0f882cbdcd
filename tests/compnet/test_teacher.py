from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from amodal.compnet.refine import REFINEMENTS
from amodal.compnet.teacher import MIN_TIGHTNESS, PIXELS_PER_CELL, refine_foreground, tightness
from amodal.features.lattice import PAD

ROWS, COLS = 9 + 2 * PAD, 12 + 2 * PAD
SIZE = (ROWS * PIXELS_PER_CELL, COLS * PIXELS_PER_CELL)
BOX = np.s_[PAD:-PAD, PAD:-PAD]
BLANK = np.zeros((*SIZE, 3), np.uint8)


def random_posterior(seed: int = 0) -> torch.Tensor:
    return torch.rand(ROWS, COLS, generator=torch.Generator().manual_seed(seed))


def in_box_pixels(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """A rectangle by its place in the box (0 to 1 each way), as a map of all pixels."""
    margin = PAD * PIXELS_PER_CELL
    height, width = SIZE[0] - 2 * margin, SIZE[1] - 2 * margin
    mask = np.zeros(SIZE, np.float32)
    rows = slice(margin + round(y0 * height), margin + round(y1 * height))
    mask[rows, margin + round(x0 * width) : margin + round(x1 * width)] = 1
    return mask


@given(arrays.arrays(bool, st.tuples(st.integers(1, 7), st.integers(1, 7))))
def test_tightness_agrees_with_brute_force(mask: np.ndarray) -> None:
    """The smallest of all rectangles that hold every pixel of the mask."""
    height, width = mask.shape
    areas = [
        (y1 - y0) * (x1 - x0)
        for y0, y1 in itertools.combinations(range(height + 1), 2)
        for x0, x1 in itertools.combinations(range(width + 1), 2)
        if mask[y0:y1, x0:x1].sum() == mask.sum()
    ]
    expected = min(areas) / mask.size if mask.any() else 0.0
    assert tightness(mask) == pytest.approx(expected)


def test_believed_mask_becomes_its_share_of_every_cell() -> None:
    mask = (np.random.default_rng(0).random(SIZE) < 0.6).astype(np.float32)
    (found,) = refine_foreground([BLANK], [random_posterior()], lambda picture, probability: mask)
    for row, col in itertools.product(range(ROWS), range(COLS)):
        inside = PAD <= row < ROWS - PAD and PAD <= col < COLS - PAD
        top, left = row * PIXELS_PER_CELL, col * PIXELS_PER_CELL
        share = mask[top : top + PIXELS_PER_CELL, left : left + PIXELS_PER_CELL].mean() if inside else 0.0
        assert float(found[row, col]) == pytest.approx(float(share), abs=1e-6)


def test_nothing_is_object_outside_the_box() -> None:
    everywhere = np.ones(SIZE, np.float32)
    nowhere = np.zeros(SIZE, np.float32)
    for mask in (everywhere, nowhere):  # one is believed, the other is not
        (found,) = refine_foreground(
            [BLANK], [0.5 + random_posterior() / 2], lambda picture, probability, mask=mask: mask
        )
        outside = found.clone()
        outside[BOX] = 0
        assert not bool(outside.any())
        assert float(found[BOX].min()) > 0


@pytest.mark.parametrize(
    ("rectangle", "believed"),
    [
        ((0.0, 0.0, 1.0, 1.0), True),
        ((0.0, 0.1, 1.0, 1.0), True),
        ((0.05, 0.1, 1.0, 1.0), True),
        ((0.0, 0.0, 0.7, 1.0), False),
        ((0.15, 0.15, 0.95, 0.95), False),
        ((0.0, 0.0, 0.0, 0.0), False),
    ],
)
def test_mask_that_does_not_fill_its_box_is_not_believed(
    rectangle: tuple[float, float, float, float], believed: bool
) -> None:
    mask = in_box_pixels(*rectangle)
    x0, y0, x1, y1 = rectangle
    assert ((x1 - x0) * (y1 - y0) >= MIN_TIGHTNESS) == believed
    posterior = random_posterior(1)
    (found,) = refine_foreground([BLANK], [posterior], lambda picture, probability: mask)
    kept = torch.zeros(ROWS, COLS)
    kept[BOX] = posterior[BOX]
    assert torch.allclose(found, kept) != believed


def test_mask_that_fills_only_the_surroundings_is_not_believed() -> None:
    outside = np.ones(SIZE, np.float32)
    outside[PAD * PIXELS_PER_CELL : -PAD * PIXELS_PER_CELL, PAD * PIXELS_PER_CELL : -PAD * PIXELS_PER_CELL] = 0
    posterior = random_posterior(2)
    (found,) = refine_foreground([BLANK], [posterior], lambda picture, probability: outside)
    torch.testing.assert_close(found[BOX], posterior[BOX])


def test_refinement_is_given_the_crop_and_a_map_that_is_zero_outside_the_box() -> None:
    given_to_it: list[tuple[np.ndarray, np.ndarray]] = []

    def remember(picture: np.ndarray, probability: np.ndarray) -> np.ndarray:
        given_to_it.append((picture, probability))
        return probability

    posterior = random_posterior(3)
    refine_foreground([BLANK], [posterior], remember)
    ((picture, probability),) = given_to_it
    assert picture is BLANK
    assert probability.dtype == np.float32
    assert probability.shape == SIZE
    outside = probability.copy()
    margin = PAD * PIXELS_PER_CELL
    outside[margin:-margin, margin:-margin] = 0
    assert not outside.any()
    # In the middle of four cells, linear interpolation is their mean.
    row, col = 6, 8
    corner = probability[
        row * PIXELS_PER_CELL - 1 : row * PIXELS_PER_CELL + 1,
        col * PIXELS_PER_CELL - 1 : col * PIXELS_PER_CELL + 1,
    ]
    four = posterior[row - 1 : row + 1, col - 1 : col + 1]
    assert corner.mean() == pytest.approx(float(four.mean()), abs=1e-5)


def test_grabcut_teaches_the_outline_of_an_object() -> None:
    """An ellipse that fills its box, and a posterior that knows no more than the box."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    half_height, half_width = SIZE[0] / 2 - PAD * PIXELS_PER_CELL, SIZE[1] / 2 - PAD * PIXELS_PER_CELL
    mask = ((x - SIZE[1] / 2) / half_width) ** 2 + ((y - SIZE[0] / 2) / half_height) ** 2 <= 1
    noise = np.random.default_rng(1).normal(0, 10, (*SIZE, 3))
    crop = (np.where(mask[..., None], (200, 90, 60), (70, 110, 130)) + noise).clip(0, 255).astype(np.uint8)
    posterior = torch.full((ROWS, COLS), 0.1)
    posterior[BOX] = 0.7
    posterior[PAD + 2 : -PAD - 2, PAD + 2 : -PAD - 2] = 0.98
    (found,) = refine_foreground([crop], [posterior], REFINEMENTS["grabcut"])
    truth = cv2.resize(mask.astype(np.float32), (COLS, ROWS), interpolation=cv2.INTER_AREA)
    assert float(abs(found.numpy() - truth).mean()) < 0.02


def test_progress_counts_objects() -> None:
    told: list[tuple[int, int]] = []
    refine_foreground(
        [BLANK] * 3,
        [random_posterior()] * 3,
        lambda picture, probability: probability,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 3), (2, 3), (3, 3)]
