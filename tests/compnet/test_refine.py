from __future__ import annotations

import cv2
import numpy as np
import pytest

from amodal.compnet.refine import REFINEMENTS, Refinement

HEIGHT, WIDTH = 96, 128

every_way = pytest.mark.parametrize("refinement", REFINEMENTS.values(), ids=REFINEMENTS.keys())


def scene(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A reddish ellipse on noisy green, its mask, and an unsure map in cells of 8 px that knows but its box."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    mask = ((x - 66) / 42) ** 2 + ((y - 46) / 30) ** 2 <= 1
    picture = np.where(mask[..., None], (190, 70, 60), (60, 140, 80)) + chance.normal(0, 12, (*mask.shape, 3))
    box = np.outer(mask.any(1), mask.any(0)).astype(np.float32)
    cells = cv2.resize(box, (WIDTH // 8, HEIGHT // 8), interpolation=cv2.INTER_AREA)
    probability = cv2.resize(cells, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    return picture.clip(0, 255).astype(np.uint8), mask, (0.3 + 0.4 * probability).astype(np.float32)


def iou(found: np.ndarray, truth: np.ndarray) -> float:
    return float((found & truth).sum() / (found | truth).sum())


@every_way
def test_map_is_bent_to_the_edges_of_the_picture(refinement: Refinement) -> None:
    picture, mask, probability = scene()
    before = iou(probability > 0.5, mask)
    after = iou(refinement(picture, probability) > 0.5, mask)
    assert before < 0.85
    assert after > before + 0.02


def test_grabcut_finds_a_clear_outline_exactly() -> None:
    picture, mask, probability = scene(1)
    assert iou(REFINEMENTS["grabcut"](picture, probability) > 0.5, mask) > 0.98


def test_grabcut_fills_holes() -> None:
    picture, mask, probability = scene(2)
    picture[40:50, 60:72] = (60, 140, 80)  # a window through which one sees the background
    found = REFINEMENTS["grabcut"](picture, probability) > 0.5
    assert found[40:50, 60:72].all()
    assert iou(found, mask) > 0.97


def test_guided_filter_agrees_with_its_definition() -> None:
    """He et al. 2010, window by window, away from the border."""
    picture, _, probability = scene(3)
    found = REFINEMENTS["guided"](picture, probability)
    guide = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float64) / 255
    radius = round(0.09 * min(HEIGHT, WIDTH))

    def line(y: int, x: int) -> tuple[float, float]:
        window = np.s_[y - radius : y + radius + 1, x - radius : x + radius + 1]
        values, wanted = guide[window].ravel(), probability[window].astype(float).ravel()
        slope = np.cov(values, wanted, bias=True)[0, 1] / (values.var() + 1e-3)
        return slope, wanted.mean() - slope * values.mean()

    for y, x in [(30, 40), (48, 64), (60, 90)]:
        around = [(y + dy, x + dx) for dy in range(-radius, radius + 1) for dx in range(-radius, radius + 1)]
        slopes, offsets = np.transpose([line(*place) for place in around])
        expected = np.clip(slopes.mean() * guide[y, x] + offsets.mean(), 0, 1)
        assert found[y, x] == pytest.approx(expected, abs=2e-3)


@every_way
def test_same_input_gives_the_same_map(refinement: Refinement) -> None:
    """On a picture without objects, where a start by chance decides."""
    chance = np.random.default_rng(4)
    picture = chance.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    probability = chance.uniform(0.2, 0.8, (HEIGHT, WIDTH)).astype(np.float32)
    first = refinement(picture, probability)
    for seed in (99, 1234):
        cv2.setRNGSeed(seed)  # somebody else uses OpenCV's random state
        np.testing.assert_array_equal(refinement(picture, probability), first)


@every_way
def test_input_is_left_as_it_was(refinement: Refinement) -> None:
    picture, _, probability = scene()
    kept = picture.copy(), probability.copy()
    refinement(picture, probability)
    np.testing.assert_array_equal(picture, kept[0])
    np.testing.assert_array_equal(probability, kept[1])


@every_way
@pytest.mark.parametrize("value", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_constant_map_stays_on_its_side(refinement: Refinement, value: float) -> None:
    picture, _, probability = scene()
    found = refinement(picture, np.full_like(probability, value))
    np.testing.assert_allclose(found, value, atol=1e-3)


@every_way
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 40), (6, 6), (40, 3)])
def test_tiny_pictures_give_maps_of_their_size(refinement: Refinement, size: tuple[int, int]) -> None:
    chance = np.random.default_rng(0)
    picture = chance.integers(0, 256, (*size, 3)).astype(np.uint8)
    for probability in (chance.random(size), np.indices(size).sum(0) % 2):
        found = refinement(picture, probability.astype(np.float32))
        assert found.shape == size
        assert found.dtype == np.float32
        assert np.isfinite(found).all()
        assert 0 <= found.min() <= found.max() <= 1


@every_way
def test_picture_of_one_colour_gives_a_finite_map(refinement: Refinement) -> None:
    _, _, probability = scene()
    found = refinement(np.full((HEIGHT, WIDTH, 3), 100, np.uint8), probability)
    assert np.isfinite(found).all()
    assert 0 <= found.min() <= found.max() <= 1


@every_way
def test_certain_map_of_a_true_outline_is_kept(refinement: Refinement) -> None:
    picture, mask, _ = scene()
    found = refinement(picture, mask.astype(np.float32)) > 0.5
    assert iou(found, mask) > 0.94
