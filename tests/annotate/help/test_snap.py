from __future__ import annotations

import numpy as np
import pytest

from amodal.annotate.help.snap import MAX_SIDE_PX, snapped
from amodal.errors import InputError
from amodal.masks import CropMask

HEIGHT, WIDTH = 120, 160


def disc(radius: float = 40) -> np.ndarray:
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    return np.asarray((x - 80) ** 2 + (y - 60) ** 2 <= radius**2)


def photo_of(mask: np.ndarray, noise: float = 8) -> np.ndarray:
    photo = np.where(mask[..., None], (180, 120, 60), (90, 90, 90)) + np.random.default_rng(1).normal(
        0, noise, (*mask.shape, 3)
    )
    return np.clip(photo, 0, 255).astype(np.uint8)


def rough(radius: float = 40, by: float = 4) -> list[float]:
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    radii = radius + np.random.default_rng(2).uniform(-by, by, 16)
    return np.stack([80 + radii * np.cos(angles), 60 + radii * np.sin(angles)], axis=1).ravel().tolist()


def iou(outline: list[float], mask: np.ndarray) -> float:
    return CropMask.from_polygons([outline], HEIGHT, WIDTH).iou(CropMask.from_dense(mask))


def test_a_rough_outline_lands_on_the_edge_of_the_object() -> None:
    assert iou(rough(), disc()) < 0.96
    assert iou(snapped(photo_of(disc()), rough()), disc()) > 0.98


def test_without_an_edge_the_outline_stays() -> None:
    flat = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    before = CropMask.from_polygons([rough()], HEIGHT, WIDTH)
    assert CropMask.from_polygons([snapped(flat, rough())], HEIGHT, WIDTH).iou(before) > 0.99


def test_no_point_moves_farther_than_the_reach() -> None:
    corners = np.array(rough(radius=25)).reshape(-1, 2)
    moved = np.array(snapped(photo_of(disc()), rough(radius=25), reach_px=5)).reshape(-1, 2)
    ends = np.roll(corners, -1, axis=0)

    def distance(point: np.ndarray) -> float:
        along = np.clip(((point - corners) * (ends - corners)).sum(1) / ((ends - corners) ** 2).sum(1), 0, 1)
        return float(np.hypot(*(corners + along[:, None] * (ends - corners) - point).T).min())

    assert max(map(distance, moved)) <= 5.1


def test_what_lies_outside_the_photo_stays_there() -> None:
    outline = [-30.0, 20.0, 60.0, 20.0, 60.0, 90.0, -30.0, 90.0]
    moved = np.array(snapped(photo_of(disc()), outline)).reshape(-1, 2)
    assert moved[:, 0].min() == -30


@pytest.mark.parametrize("outline", [[1e6, 1e6, 2e6, 1e6, 1e6, 2e6], [5.0, 5.0, 5.0, 5.0, 5.0, 5.0]])
def test_odd_outlines_do_no_harm(outline: list[float]) -> None:
    assert len(snapped(photo_of(disc()), outline)) >= 6


def test_a_photo_longer_than_the_arithmetic_reaches_is_refused() -> None:
    with pytest.raises(InputError, match="px"):
        snapped(np.zeros((1, MAX_SIDE_PX + 1, 3), np.uint8), rough())
