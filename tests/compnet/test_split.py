from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import vonmises_fisher

from amodal.compnet.split import Split, box_cells, core_cells, fit_split, ring_cells
from amodal.features.crops import ObjectFeatures
from amodal.features.lattice import PAD, SHAPES, Lattice, Shape

CHANNELS = 16
OBJECT, SURROUNDINGS, NOISE = np.eye(CHANNELS)[:3]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def planted_object(box: tuple[float, float, float, float], seed: int) -> tuple[ObjectFeatures, np.ndarray]:
    """An ellipse of object features that fills its box, on surroundings; and which cells are object."""
    lattice = Lattice.of_box(box)
    rows, cols = lattice.shape.padded
    down = (np.arange(rows) + 0.5 - PAD) / lattice.shape.rows * 2 - 1
    across = (np.arange(cols) + 0.5 - PAD) / lattice.shape.cols * 2 - 1
    is_object = down[:, None] ** 2 + across[None] ** 2 <= 1
    around = vonmises_fisher(SURROUNDINGS, 40).rvs(rows * cols, random_state=seed).reshape(rows, cols, -1)
    on_it = vonmises_fisher(OBJECT, 40).rvs(rows * cols, random_state=seed + 1000).reshape(rows, cols, -1)
    features = np.where(is_object[..., None], on_it, around)
    inside = torch.ones(rows, cols)
    return ObjectFeatures(lattice, torch.from_numpy(features).permute(2, 0, 1).float(), inside), is_object


@pytest.fixture(scope="module")
def planted() -> list[tuple[ObjectFeatures, np.ndarray]]:
    boxes = [(0.0, 0.0, 130.0 + 10 * index, 100.0) for index in range(8)]
    return [planted_object(box, seed) for seed, box in enumerate(boxes)]


def test_planted_object_is_told_from_its_surroundings(
    planted: list[tuple[ObjectFeatures, np.ndarray]],
) -> None:
    """The corners of the boxes, in no training sample, are recognised too."""
    split = fit_split([item for item, _ in planted], generator())
    for seed in (50, 51):
        item, is_object = planted_object((0.0, 0.0, 90.0, 140.0), seed)
        assert ((split.log_odds(item.features).numpy() > 0) == is_object).mean() > 0.97


def test_log_odds_are_those_of_the_densities() -> None:
    """Two vMF densities of one concentration κ have the log-odds κ (μ_object − μ_surroundings) · f, exactly."""
    concentration = 6.0
    items = []
    for seed in range(30):
        lattice = Lattice.of_box((0.0, 0.0, 100.0, 100.0))
        rows, cols = lattice.shape.padded
        count = rows * cols
        around = vonmises_fisher(SURROUNDINGS, concentration).rvs(count, random_state=seed)
        on_it = vonmises_fisher(OBJECT, concentration).rvs(count, random_state=seed + 1000)
        in_box = box_cells(lattice.shape).numpy().ravel()
        features = np.where(in_box[:, None], on_it, around).T.reshape(-1, rows, cols)
        items.append(ObjectFeatures(lattice, torch.from_numpy(features).float(), torch.ones(rows, cols)))
    split = fit_split(items, generator())
    expected = concentration * (OBJECT - SURROUNDINGS)
    np.testing.assert_allclose(split.weight, expected, atol=1.0)
    assert abs(split.bias) < 0.5


def test_log_odds_are_linear_in_the_features() -> None:
    features = torch.randn(3, 4, 5, generator=generator())
    split = Split(torch.tensor([1.0, -2.0, 0.5]), 0.25)
    expected = features[0] - 2 * features[1] + 0.5 * features[2] + 0.25
    torch.testing.assert_close(split.log_odds(features), expected)


def test_cells_outside_the_picture_teach_nothing(planted: list[tuple[ObjectFeatures, np.ndarray]]) -> None:
    """What is read there changes, the split does not."""
    fitted = []
    for strange in (SURROUNDINGS, NOISE):
        items = []
        for item, _ in planted:
            features, inside = item.features.clone(), item.inside.clone()
            features[:, :4] = torch.from_numpy(strange).float()[:, None, None]
            inside[:4] = 0.3
            items.append(ObjectFeatures(item.lattice, features, inside))
        fitted.append(fit_split(items, generator()))
    assert torch.equal(fitted[0].weight, fitted[1].weight)
    assert fitted[0].bias == fitted[1].bias


def test_object_without_any_cell_inside_is_passed_over(
    planted: list[tuple[ObjectFeatures, np.ndarray]],
) -> None:
    items = [item for item, _ in planted]
    nowhere = ObjectFeatures(items[0].lattice, items[0].features, torch.zeros_like(items[0].inside))
    assert torch.equal(fit_split([*items, nowhere], generator()).weight, fit_split(items, generator()).weight)


def test_same_generator_gives_the_same_split(planted: list[tuple[ObjectFeatures, np.ndarray]]) -> None:
    items = [item for item, _ in planted]
    first, again = fit_split(items, generator()), fit_split(items, generator())
    assert torch.equal(first.weight, again.weight)
    assert first.bias == again.bias


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_core_lies_in_the_box_and_the_ring_around_it(shape: Shape) -> None:
    core, box, ring = core_cells(shape), box_cells(shape), ring_cells(shape)
    rows, cols = shape.padded
    assert core.shape == box.shape == ring.shape == (rows, cols)
    assert int(box.sum()) == shape.rows * shape.cols
    assert bool((box ^ ring).all())
    assert 0 < int(core.sum()) < int(box.sum())
    assert not bool((core & ring).any())
    assert torch.equal(core, core.flip(0))
    assert torch.equal(core, core.flip(1))
    assert not bool(box[:PAD].any())
    assert bool(box[PAD, PAD])
