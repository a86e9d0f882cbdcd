from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from scipy.stats import vonmises_fisher
from torch import Tensor

from amodal.compnet.vmf import Kernels, _expect, _maximise, _seed, fit_kernels


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def unit(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def sample_vmf(directions: np.ndarray, concentration: float, each: int, seed: int) -> Tensor:
    parts = [
        vonmises_fisher(direction, concentration).rvs(each, random_state=seed + index)
        for index, direction in enumerate(directions)
    ]
    return torch.from_numpy(np.concatenate(parts)).float()


@pytest.fixture(scope="module")
def planted() -> np.ndarray:
    """Six directions in 12 dimensions, none near another."""
    orthogonal, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(12, 6)))
    return unit(orthogonal.T + 0.1)


@pytest.fixture(scope="module")
def features(planted: np.ndarray) -> Tensor:
    return sample_vmf(planted, 40.0, 200, seed=1)


def test_planted_clusters_are_recovered(planted: np.ndarray, features: Tensor) -> None:
    kernels = fit_kernels(features, 6, 40.0, generator(), iterations=50)
    similarity = kernels.directions.numpy() @ planted.T
    found, meant = linear_sum_assignment(-similarity)
    assert similarity[found, meant].min() > 0.995


@pytest.mark.parametrize("seed", range(5))
def test_with_kernels_to_spare_every_planted_cluster_has_its_own(
    planted: np.ndarray, features: Tensor, seed: int
) -> None:
    """EM may end in a local optimum; with twice as many kernels no cluster goes without."""
    shuffled = features[torch.randperm(len(features), generator=generator(seed))]
    kernels = fit_kernels(shuffled, 12, 40.0, generator(seed), iterations=50)
    similarity = kernels.directions.numpy() @ planted.T
    assert similarity.max(0).min() > 0.95


def test_directions_have_unit_length(features: Tensor) -> None:
    kernels = fit_kernels(features, 9, 40.0, generator())
    torch.testing.assert_close(kernels.directions.norm(dim=1), torch.ones(9))
    assert kernels.concentration == 40.0


def test_likelihood_never_falls(features: Tensor) -> None:
    directions, mixing = _seed(features, 10, generator(3)), torch.full((10,), 0.1)
    reached = []
    for _ in range(15):
        responsibility, log_likelihood = _expect(features, directions, mixing, 25.0)
        reached.append(log_likelihood)
        directions, mixing = _maximise(features, responsibility, directions)
    assert (np.diff(reached) >= -1e-6).all()
    assert reached[-1] > reached[0] + 0.1


def test_responsibilities_and_likelihood_agree_with_brute_force(features: Tensor) -> None:
    some = features[::100]
    directions = _seed(some, 3, generator())
    mixing = torch.tensor([0.2, 0.5, 0.3])
    found, log_likelihood = _expect(some, directions, mixing, 17.0)
    total = 0.0
    for row, feature in enumerate(some.double().numpy()):
        joint = [
            float(weight) * np.exp(17.0 * feature @ direction)
            for weight, direction in zip(mixing, directions.double().numpy(), strict=True)
        ]
        np.testing.assert_allclose(found[row], np.array(joint) / sum(joint), rtol=1e-4, atol=1e-7)
        total += np.log(sum(joint))
    assert log_likelihood == pytest.approx(total / len(some), rel=1e-5)


def test_one_kernel_is_the_normalised_mean(features: Tensor) -> None:
    kernels = fit_kernels(features, 1, 30.0, generator())
    np.testing.assert_allclose(kernels.directions[0], unit(features.double().numpy().sum(0)), atol=1e-5)


def test_likelihoods_have_the_ratios_of_scipys_densities(planted: np.ndarray, features: Tensor) -> None:
    kernels = Kernels(torch.from_numpy(planted).float(), 40.0)
    lattice = features[:12].T.reshape(1, 12, 3, 4)
    found = kernels.likelihood(lattice)[0].reshape(6, 12).double().numpy()
    unitary = unit(features[:12].double().numpy())
    density = np.stack([vonmises_fisher(direction, 40.0).logpdf(unitary) for direction in planted])
    np.testing.assert_allclose(np.log(found[1:] / found[0]), density[1:] - density[0], atol=1e-2)


def test_likelihood_is_one_at_the_kernel_and_never_overflows() -> None:
    directions = torch.eye(3)
    features = torch.stack([directions[0], -directions[0]]).T.reshape(1, 3, 1, 2)
    found = Kernels(directions, 500.0).likelihood(features)
    torch.testing.assert_close(found[0, :, 0, 0], torch.tensor([1.0, 0.0, 0.0]))
    assert bool(torch.isfinite(found).all())
    assert float(found.max()) == 1.0


def test_seeds_are_features_and_lie_apart(planted: np.ndarray, features: Tensor) -> None:
    seeds = _seed(features, 6, generator(4))
    assert all(bool((features == seed).all(1).any()) for seed in seeds)
    assert len(set((seeds.numpy() @ planted.T).argmax(1))) >= 5  # by chance it would be four


def test_same_generator_gives_the_same_kernels(features: Tensor) -> None:
    first = fit_kernels(features, 7, 40.0, generator(5))
    again = fit_kernels(features, 7, 40.0, generator(5))
    assert torch.equal(first.directions, again.directions)


def test_more_kernels_than_different_features_still_give_unit_directions() -> None:
    features = torch.eye(4).repeat(3, 1)
    kernels = fit_kernels(features, 8, 20.0, generator())
    torch.testing.assert_close(kernels.directions.norm(dim=1), torch.ones(8))


def test_kernel_that_owns_nothing_stays_where_it_was() -> None:
    features = torch.eye(3)[:2]
    directions = torch.eye(3)
    responsibility = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    moved, mixing = _maximise(features, responsibility, directions)
    torch.testing.assert_close(moved, directions)
    torch.testing.assert_close(mixing, torch.tensor([0.5, 0.5, 0.0]))


def test_too_few_features_are_refused() -> None:
    with pytest.raises(ValueError, match="3 feature vectors are too few for 4 kernels"):
        fit_kernels(torch.eye(3), 4, 10.0, generator())


def test_learning_stops_when_nothing_is_gained(features: Tensor) -> None:
    told: list[tuple[int, int]] = []
    fit_kernels(features, 1, 40.0, generator(), progress=lambda done, total: told.append((done, total)))
    assert len(told) < 6
    assert told[0] == (1, 20)
