"""The dense field against plain sums, and what it does to masks on pictures of two colours."""

from __future__ import annotations

import numpy as np
import pytest

from amodal.rivals.crf import CrfSettings, mean_field, polish

SETTINGS = CrfSettings(side=24, colour_px=8.0)


def two_colours() -> np.ndarray:
    """Left third dark, the rest light."""
    photo = np.full((60, 60, 3), 220, np.uint8)
    photo[:, :20] = 30
    return photo


def test_mean_field_is_that_of_plain_sums() -> None:
    rng = np.random.default_rng(0)
    chances = rng.random(6).astype(np.float32)
    kernel = rng.random((6, 6)).astype(np.float32)
    np.fill_diagonal(kernel, 0)
    current = chances.astype(np.float64)
    for _ in range(3):
        # Energy of either label: its own, and the kernel to everyone thought to have the other one.
        wrong_if_object = [sum(kernel[i, j] * (1 - current[j]) for j in range(6)) for i in range(6)]
        wrong_if_ground = [sum(kernel[i, j] * current[j] for j in range(6)) for i in range(6)]
        thing = chances * np.exp(-np.array(wrong_if_object))
        current = thing / (thing + (1 - chances) * np.exp(-np.array(wrong_if_ground)))
    np.testing.assert_allclose(mean_field(chances, kernel, 3), current, rtol=1e-3)


def test_a_rough_mask_is_drawn_to_the_edge_of_the_colour() -> None:
    chances = np.tile(np.linspace(0.95, 0.05, 28, dtype=np.float32), (28, 1))  # even halves, unsure in the middle
    mask = polish(two_colours(), (0, 0, 60, 60), chances, SETTINGS) > 0.5
    edge = mask.sum(axis=1)
    assert np.abs(edge - 8).max() <= 1  # a third of 24


def test_an_even_photo_moves_no_sure_pixel() -> None:
    chances = np.full((28, 28), 0.02, np.float32)
    chances[6:22, 6:22] = 0.98
    mask = polish(np.full((60, 60, 3), 128, np.uint8), (0, 0, 60, 60), chances, CrfSettings(side=28)) > 0.5
    assert (mask != (chances > 0.5)).mean() < 0.06


@pytest.mark.parametrize("roi", [(-30.0, -30, 30, 30), (50.0, 10, 90, 50), (10.2, 10.7, 12.1, 11.9)])
def test_a_roi_beyond_the_photo_or_below_a_pixel_can_be_polished(roi: tuple[float, float, float, float]) -> None:
    polished = polish(two_colours(), roi, np.full((28, 28), 0.6, np.float32), SETTINGS)
    assert polished.shape == (24, 24) and np.isfinite(polished).all()
