from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from amodal.compnet.maps import ClassMaps, PackedTemplates, class_maps, outlier_log_likelihood, posteriors
from amodal.compnet.templates import PRIOR_MARGIN, Templates
from amodal.features.lattice import SHAPES, Shape

OBJECTS, KERNELS, MIXTURES, OUTLIERS = 3, 5, 2, 4
SHAPE = SHAPES[0]
CELLS = SHAPE.padded[0] * SHAPE.padded[1]
LOG_PRIOR = -0.7


@dataclass(frozen=True)
class World:
    """Random templates, outliers and kernel likelihoods of a few objects."""

    templates: Templates
    outliers: Tensor
    likelihood: Tensor

    def outlier(self) -> Tensor:
        return outlier_log_likelihood(self.likelihood, self.outliers)

    def maps(self, log_prior: float = LOG_PRIOR) -> ClassMaps:
        return class_maps(self.likelihood, self.outlier(), PackedTemplates.of(self.templates), log_prior)


def world(seed: int, shape: Shape = SHAPE) -> World:
    generator = torch.Generator().manual_seed(seed)
    rows, cols = shape.padded
    foreground, context = torch.randn(2, MIXTURES, KERNELS, rows, cols, generator=generator).mul(2).softmax(2)
    prior = torch.rand(MIXTURES, rows, cols, generator=generator)
    outliers = torch.randn(OUTLIERS, KERNELS, generator=generator).softmax(1)
    likelihood = torch.exp(-6 * torch.rand(OBJECTS, KERNELS, rows * cols, generator=generator))
    return World(Templates(shape, foreground, context, prior), outliers, likelihood)


def brute_force(made: World, n: int, m: int, i: int, log_prior: float) -> dict[str, float]:
    """One object, one mixture, one cell, term by term."""
    row, col = divmod(i, made.templates.shape.padded[1])
    values = made.likelihood[n, :, i].tolist()
    foreground = made.templates.foreground[m, :, row, col].tolist()
    context = made.templates.context[m, :, row, col].tolist()
    p = float(made.templates.prior[m, row, col].clamp(PRIOR_MARGIN, 1 - PRIOR_MARGIN))
    on_object = sum(a * v for a, v in zip(foreground, values, strict=True))  # Eq 5
    around = sum(a * v for a, v in zip(context, values, strict=True))
    rows = made.outliers.tolist()
    outlier = max(sum(b * v for b, v in zip(beta, values, strict=True)) for beta in rows)  # Eq 8
    whole = p * on_object + (1 - p) * around  # Eq 4
    return {
        "foreground": math.log(p * on_object / outlier),  # Eq 9
        "occluded": math.log(p) + log_prior,  # Eq 10
        "context": math.log((1 - p) * around / outlier),  # Eq 11
        "explained": math.log(max(whole, outlier * math.exp(log_prior)) / outlier),  # Eq 7
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("log_prior", [-3.0, LOG_PRIOR, 1.5])
def test_maps_agree_with_the_equations_term_by_term(seed: int, log_prior: float) -> None:
    made = world(seed)
    maps = made.maps(log_prior)
    picked = np.random.default_rng(seed).choice(CELLS, 40, replace=False)
    for n, m, i in itertools.product(range(OBJECTS), range(MIXTURES), map(int, picked)):
        expected = brute_force(made, n, m, i, log_prior)
        assert float(maps.foreground[n, m, i]) == pytest.approx(expected["foreground"], abs=1e-4)
        assert float(maps.occluded[m, i]) == pytest.approx(expected["occluded"], abs=1e-4)
        assert float(maps.context[n, m, i]) == pytest.approx(expected["context"], abs=1e-4)
        assert float(maps.explained[n, m, i]) == pytest.approx(expected["explained"], abs=1e-4)


def test_score_is_the_weighted_mean_over_cells() -> None:
    made = world(4)
    weight = torch.rand(OBJECTS, CELLS, generator=torch.Generator().manual_seed(1))
    weight[:, ::3] = 0
    score = made.maps().score(weight)
    for n, m in itertools.product(range(OBJECTS), range(MIXTURES)):
        terms = [brute_force(made, n, m, i, LOG_PRIOR)["explained"] for i in range(CELLS)]
        expected = sum(w * t for w, t in zip(weight[n].tolist(), terms, strict=True)) / float(weight[n].sum())
        assert float(score[n, m]) == pytest.approx(expected, abs=1e-4)


def test_cells_of_no_weight_say_nothing_about_the_score() -> None:
    made = world(5)
    weight = torch.ones(OBJECTS, CELLS)
    weight[:, : CELLS // 2] = 0
    spoilt = made.likelihood.clone()
    spoilt[..., : CELLS // 2] = spoilt[..., : CELLS // 2].flip(1) * 1e-3
    other = World(made.templates, made.outliers, spoilt)
    torch.testing.assert_close(made.maps().score(weight), other.maps().score(weight))


def test_score_of_an_object_without_any_weight_is_finite() -> None:
    assert bool(world(5).maps().score(torch.zeros(OBJECTS, CELLS)).isfinite().all())


def test_outlier_competes_inside_the_log_so_that_an_occluder_costs_a_bounded_amount() -> None:
    """Cells that no template explains: without the outlier their log-likelihood would be anything below zero."""
    made = world(6)
    strange = Templates(
        SHAPE,
        torch.zeros_like(made.templates.foreground),
        torch.zeros_like(made.templates.context),
        made.templates.prior,
    )
    strange.foreground[:, 0] = strange.context[:, 0] = 1.0  # expects kernel 0 everywhere
    likelihood = made.likelihood.clone()
    likelihood[:, 0] = 1e-20  # which is nowhere
    maps = World(strange, made.outliers, likelihood).maps()
    torch.testing.assert_close(maps.explained, torch.full_like(maps.explained, LOG_PRIOR))
    assert bool((maps.occluded > maps.foreground).all())


def test_outlier_of_no_prior_leaves_the_object_model_alone() -> None:
    made = world(7)
    maps = made.maps(-60.0)
    torch.testing.assert_close(maps.explained, torch.logaddexp(maps.foreground, maps.context))


def test_a_factor_common_to_all_kernels_cancels() -> None:
    """Z(σ) of Eq 6, and with it the scale of a crop's features."""
    made = world(8)
    factor = torch.rand(OBJECTS, 1, CELLS, generator=torch.Generator().manual_seed(2)) + 0.01
    scaled = World(made.templates, made.outliers, made.likelihood * factor)
    for before, after in zip(vars(made.maps()).values(), vars(scaled.maps()).values(), strict=True):
        torch.testing.assert_close(before, after, atol=1e-4, rtol=0)


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_certain_priors_and_vanishing_likelihoods_stay_finite(certain: float) -> None:
    made = world(9)
    sure = Templates(SHAPE, made.templates.foreground, made.templates.context, made.templates.prior * 0 + certain)
    for likelihood in (made.likelihood, made.likelihood * 0):
        for values in vars(World(sure, made.outliers, likelihood).maps()).values():
            assert bool(values.isfinite().all())


def test_maps_of_one_object_are_those_it_has_alone() -> None:
    made = world(10)
    maps = made.maps()
    for n in range(OBJECTS):
        alone = World(made.templates, made.outliers, made.likelihood[n : n + 1]).maps()
        for taken, expected in zip(vars(maps.of_object(n)).values(), vars(alone).values(), strict=True):
            torch.testing.assert_close(taken, expected)


def test_posteriors_agree_with_the_closed_form() -> None:
    f, o, c = torch.randn(3, 50, generator=torch.Generator().manual_seed(3)).mul(4)
    threshold, temperature = 0.75, 2.5
    found = posteriors(f, o, c, threshold, temperature)
    terms = np.exp(np.stack([f, o, c + threshold]).astype(np.float64) / temperature)
    np.testing.assert_allclose(found, terms / terms.sum(0), atol=1e-6)


def test_a_higher_threshold_gives_less_object_everywhere() -> None:
    f, o, c = torch.randn(3, 50, generator=torch.Generator().manual_seed(4))
    low, high = (posteriors(f, o, c, threshold, 2.0)[2] for threshold in (-1.0, 1.0))
    assert bool((high > low).all())


def test_temperature_changes_no_label() -> None:
    f, o, c = torch.randn(3, 200, generator=torch.Generator().manual_seed(5))
    cold, warm = (posteriors(f, o, c, 0.0, temperature).argmax(0) for temperature in (0.1, 5.0))
    assert torch.equal(cold, warm)
