from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from amodal.compnet.outliers import fit_outliers, mean_responsibility

KERNELS = 20


def planted(each: int, seed: int) -> tuple[np.ndarray, torch.Tensor]:
    """Histograms of pictures of three kinds: the kinds' own, and what samples of 300 cells show of them."""
    chance = np.random.default_rng(seed)
    kinds = chance.dirichlet(np.full(KERNELS, 0.3), 3)
    pictures = np.concatenate([chance.multinomial(300, kind, each) / 300 for kind in kinds])
    return kinds, torch.from_numpy(chance.permutation(pictures)).float()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_kinds_of_pictures_are_recovered(seed: int) -> None:
    kinds, pictures = planted(30, seed)
    found = fit_outliers(pictures, 3, seed=0).numpy()
    distance = abs(found[:, None] - kinds[None]).sum(-1) / 2  # total variation
    assert distance[linear_sum_assignment(distance)].max() < 0.04


def test_rows_are_distributions_without_zeros() -> None:
    _, pictures = planted(10, 3)
    found = fit_outliers(pictures, 5, seed=0)
    assert found.shape == (5, KERNELS)
    assert float(found.min()) > 0
    torch.testing.assert_close(found.sum(1), torch.ones(5))


def test_single_model_is_the_mean_picture() -> None:
    _, pictures = planted(10, 4)
    found = fit_outliers(pictures, 1, seed=0)[0]
    torch.testing.assert_close(found, pictures.mean(0), atol=6e-4, rtol=0.02)


def test_fewer_pictures_than_models_give_a_model_each() -> None:
    _, pictures = planted(1, 5)
    assert fit_outliers(pictures, 8, seed=0).shape == (3, KERNELS)


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_equal_pictures_give_finite_models() -> None:
    _, pictures = planted(1, 6)
    found = fit_outliers(pictures[:1].repeat(6, 1), 4, seed=0)
    assert bool(torch.isfinite(found).all())
    torch.testing.assert_close(found.sum(1), torch.ones(len(found)))


def test_same_seed_gives_the_same_models() -> None:
    _, pictures = planted(10, 7)
    assert torch.equal(fit_outliers(pictures, 4, seed=3), fit_outliers(pictures, 4, seed=3))


def test_mean_responsibility_agrees_with_loops() -> None:
    likelihood = torch.rand(3, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    found = mean_responsibility(likelihood)
    for n in range(3):
        expected = np.zeros(4)
        for r in range(5):
            for c in range(6):
                cell = likelihood[n, :, r, c].double().numpy()
                expected += cell / cell.sum() / 30
        np.testing.assert_allclose(found[n], expected, rtol=1e-5)


def test_cell_that_no_kernel_explains_counts_for_none() -> None:
    likelihood = torch.ones(1, 2, 1, 2)
    likelihood[..., 0] = 0
    torch.testing.assert_close(mean_responsibility(likelihood), torch.tensor([[0.25, 0.25]]))
